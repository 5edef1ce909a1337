"""Compiling for others: graphs go to the server for the processors that are asked for, and nothing is loaded here."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
import torch._functorch.config
import torch.fx
from torch._inductor.output_code import OutputCode
from torch._subclasses import FakeTensorMode

from kiln import _native
from kiln._fx.convert import GraphRole, convert_graph
from kiln._host.backend import input_facts, run_eagerly, split_and_compile
from kiln._host.output_code import KilnOutputCode
from kiln._host.session import capabilities_of, session_for
from kiln._wire.errors import KilnError
from kiln._wire.settings import Settings, read_settings
from kiln.v1 import artifact_pb2, compile_service_pb2

# Wider than any features have registers for; the compiler takes what they have.
_WIDEST_VECTOR_BITS = 512


def target_of(text: str) -> artifact_pb2.Target:
    """ "native", "x86_64:avx2,fma", "aarch64". KilnError OPTION_INVALID."""
    native = artifact_pb2.Target.FromString(_native.detect_target(torch.get_num_threads()))
    if text == "native":
        return native
    arch, _, features = text.partition(":")
    if not arch:
        raise KilnError("OPTION_INVALID", f"--target {text!r} is neither native nor ARCH[:FEATURE,...]")
    target = artifact_pb2.Target(
        arch=arch, vector_bits=_WIDEST_VECTOR_BITS, threads=native.threads, device_type=native.device_type
    )
    target.features.extend(sorted({feature for feature in features.split(",") if feature}))
    if arch == native.arch:
        target.cache_bytes.extend(native.cache_bytes)
    return target


class Warming:
    """What was compiled for these targets. Not thread-safe."""

    def __init__(self, targets: Sequence[str]) -> None:
        _native.initialize()
        self._hosts: list[compile_service_pb2.HostCapabilities] = [capabilities_of(target_of(text)) for text in targets]
        self.graphs = 0
        # Of artifacts, each once, in the order of their making.
        self.artifacts: dict[bytes, None] = {}
        self.refused: list[str] = []

    def warm(self, cases: Callable[[], Iterable[Any]], where: str) -> None:
        """Compiles what `cases()` yields, which runs without data. KilnError OPTION_INVALID for a case that is none."""
        # AOTAutograd's own cache would find what an earlier process compiled, and say nothing of it here.
        with torch._functorch.config.patch(enable_autograd_cache=False), FakeTensorMode(allow_non_fake_inputs=True):
            for number, case in enumerate(cases()):
                self._warm_case(case, f"{where}: case {number}")

    def _warm_case(self, case: Any, where: str) -> None:
        fields = case if isinstance(case, tuple) else (case,)
        if not 2 <= len(fields) <= 4 or not callable(fields[0]):
            raise KilnError(
                "OPTION_INVALID", f"{where}: not (model, inputs[, dynamic dimensions[, arguments of torch.compile]])"
            )
        model, inputs, marks, arguments = (*fields, {}, {})[:4]
        _mark(inputs, marks, where)
        arguments = dict(arguments)
        settings = read_settings(arguments.pop("options", None))
        compile_one = functools.partial(self._compile_graph, settings=settings)

        def backend(gm: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> Callable[..., Any]:
            return split_and_compile(compile_one, settings, gm, example_inputs)

        torch._dynamo.reset()
        torch.compile(model, backend=backend, **arguments)(*inputs)

    def _compile_graph(
        self, gm: torch.fx.GraphModule, example_inputs: Sequence[Any], *, role: GraphRole, settings: Settings
    ) -> OutputCode:
        """As backend.compile_graph, but that what was compiled is left where it is."""
        del example_inputs
        self.graphs += 1
        try:
            converted = convert_graph(gm, role, inputs=input_facts(role))
            graph = _native.NativeGraph(converted.module.SerializeToString(), converted.outputs)
            session = session_for(settings, role)
            self.artifacts.update(dict.fromkeys(session.warm(graph, converted.module, graph.hints, self._hosts)))
        except KilnError as error:
            if error.reason in ("UNAVAILABLE", "NO_SERVER", "NO_TRUSTED_KEYS"):
                raise
            self.refused.append(str(error))
        return KilnOutputCode(run_eagerly(gm, []), role)


def _mark(inputs: Sequence[Any], marks: Mapping[int, Iterable[int]], where: str) -> None:
    for argument, dimensions in marks.items():
        if not 0 <= argument < len(inputs) or not isinstance(inputs[argument], torch.Tensor):
            raise KilnError("OPTION_INVALID", f"{where}: argument {argument} is no tensor to mark")
        for dimension in dimensions:
            torch._dynamo.mark_dynamic(inputs[argument], dimension)
