"""What the backend's call costs a process whose caches are warm, in a process of its own; prints one JSON line.

    python -m workloads.second_process --model gpt2 --training --backend nothing

"nothing" is a compiled object in AOTAutograd's cache that does nothing at all, not even when it is loaded: what is
left is PyTorch's own work, its cache's key and Dynamo's callers included. The process ends before the first step.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import torch
from functorch.compile import min_cut_rematerialization_partition
from torch._dynamo.backends.common import aot_autograd
from torch._functorch._aot_autograd.schemas import SerializableAOTDispatchCompiler
from torch._inductor.output_code import OutputCode

import kiln
import kiln._host.backend
from kiln._fx.decompositions import decomposition_table
from kiln._host.output_code import autograd_cache
from kiln._wire.settings import read_settings
from workloads.full_size_models import MODELS


class Nothing(OutputCode):
    """Never called: the process ends before."""

    def __init__(self) -> None:
        self._boxed_call = True

    def __call__(self, inputs: Any) -> Any:
        raise NotImplementedError

    def prepare_for_serialization(self) -> None:
        pass

    def post_compile(self, example_inputs: Any, constants: Any, graph_kwargs: Any) -> None:
        pass

    def set_triton_bundle(self, triton_bundle: Any) -> None:
        pass


def nothing(gm: torch.fx.GraphModule, example_inputs: Any, **_: Any) -> Callable[..., Any]:
    """As Kiln's backend is around AOTAutograd."""
    compiler = SerializableAOTDispatchCompiler(OutputCode, lambda gm, inputs: Nothing())
    around = aot_autograd(
        fw_compiler=compiler,
        bw_compiler=compiler,
        inference_compiler=compiler,
        partition_fn=min_cut_rematerialization_partition,
        decompositions=decomposition_table(eager_random=False),
        keep_inference_input_mutations=False,
    )
    with autograd_cache(read_settings(None)):
        result: Callable[..., Any] = around(gm, example_inputs)
    return result


class Measured(BaseException):
    """Ends the process's work. No backend's fallback catches it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def timed(backend: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        backend(*args, **kwargs)
        raise Measured(time.perf_counter() - start)

    return call


def measure(name: str, backend: str, training: bool) -> dict[str, Any]:
    # Under its own name, since sizes are asked about before that is traced.
    kiln._host.backend.backend = timed(kiln._host.backend.backend)
    chosen: Any = "kiln" if backend == "kiln" else timed(nothing)
    start = time.perf_counter()
    try:
        MODELS[name].step(training)(torch.compile(MODELS[name].module(training), backend=chosen, dynamic=None))
    except Measured as measured:
        stats = kiln.stats()
        return {
            "backend_seconds": measured.seconds,
            "whole_seconds": time.perf_counter() - start,
            "hits": torch._dynamo.utils.counters["aot_autograd"]["autograd_cache_hit"],
            "stages": stats["seconds_by_stage"],
            "eager_graphs": stats["eager_graphs"],
        }
    raise AssertionError("nothing was compiled")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=tuple(MODELS), required=True)
    parser.add_argument("--backend", choices=("kiln", "nothing"), required=True)
    parser.add_argument("--training", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.model, arguments.backend, arguments.training)))


if __name__ == "__main__":
    main()
