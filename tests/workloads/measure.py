"""Measures one backend on one model in a process of its own and prints one JSON line.

    python -m workloads.measure --model resnet50 --backend inductor --training --dynamic

`first_step_seconds` is the wall time of the first step. `callable_seconds` is the time inside the backend's own
compile callables: those that AOTAutograd calls with the forward and the backward graph. It leaves out Dynamo and
AOTAutograd, which every backend pays. `second_step_seconds` says what first calls cost: loading and first touches.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import torch

from workloads.full_size_models import MODELS
from workloads.step_memory import peak_bytes, saved_bytes

# "none" is eager.
BACKENDS = ("none", "aot_eager", "inductor", "kiln")


class Stopwatch:
    """Adds up the seconds inside the callables that it wraps; nested calls count once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._depth += 1
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self.seconds += time.perf_counter() - start

        return timed


def inductor_backend(stopwatch: Stopwatch) -> Callable[..., Any]:
    from torch._inductor import compile_fx

    inner = stopwatch.wrap(compile_fx.compile_fx_inner)
    return lambda gm, inputs: compile_fx.compile_fx(gm, inputs, inner_compile=inner)


def compiled(module: torch.nn.Module, backend: str, dynamic: bool, stopwatch: Stopwatch) -> Any:
    """The module under `backend`; "none" is the module itself."""
    if backend == "none":
        return module
    chosen: Any = inductor_backend(stopwatch) if backend == "inductor" else backend
    return torch.compile(module, backend=chosen, dynamic=dynamic)


def seconds_of(step: Callable[[Any], Any], run: Any) -> float:
    start = time.perf_counter()
    step(run)
    return time.perf_counter() - start


def measure(name: str, backend: str, training: bool, dynamic: bool) -> dict[str, Any]:
    stopwatch = Stopwatch()
    module, step = MODELS[name].module(training), MODELS[name].step(training)
    run = compiled(module, backend, dynamic, stopwatch)
    seconds = [seconds_of(step, run) for _ in range(3)]
    result: dict[str, Any] = {
        "first_step_seconds": seconds[0],
        "second_step_seconds": seconds[1],
        "callable_seconds": stopwatch.seconds,
        "peak_bytes": peak_bytes(lambda: step(run)),
        "saved_bytes": saved_bytes(lambda: step(run), module) if training else 0,
    }
    if backend == "kiln":
        import kiln

        result["kiln"] = kiln.stats()
        result["callable_seconds"] = kiln.stats()["backend_seconds"]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=tuple(MODELS), required=True)
    parser.add_argument("--backend", choices=BACKENDS, required=True)
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--dynamic", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.model, arguments.backend, arguments.training, arguments.dynamic)))


if __name__ == "__main__":
    main()
