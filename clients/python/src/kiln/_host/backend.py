"""The backend that torch.compile calls: AOTAutograd around it, a CompiledGraph for each of its graphs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.fx
from functorch.compile import make_boxed_func, min_cut_rematerialization_partition
from torch._dynamo.backends.common import aot_autograd
from torch._functorch._aot_autograd.schemas import SerializableAOTDispatchCompiler
from torch._guards import TracingContext
from torch._inductor.output_code import OutputCode

from kiln import _native
from kiln._fx.convert import ConvertedGraph, GraphRole, InputFacts, convert_graph
from kiln._fx.decompositions import decomposition_table
from kiln._fx.random_states import check_readable, state_places
from kiln._host import fallback, log, profile, shape_profile
from kiln._host.compiled_graph import CompiledGraph
from kiln._host.output_code import KilnOutputCode, autograd_cache
from kiln._host.session import session_for
from kiln._host.statistics import STATISTICS
from kiln._wire.errors import KilnError
from kiln._wire.settings import Settings, read_settings


def _metadata() -> Any:
    context = TracingContext.try_get()
    return context.fw_metadata if context is not None else None


def input_facts(role: GraphRole) -> InputFacts:
    """What AOTAutograd knows of the graph's inputs that the graph itself does not say."""
    metadata = _metadata()
    if metadata is None:
        return InputFacts()
    if role is GraphRole.BACKWARD:
        return InputFacts(donated=frozenset(getattr(metadata, "bw_donated_idxs", None) or ()))
    return InputFacts(
        static=frozenset(metadata.static_input_indices or ()),
        requires_grad=frozenset(i for i, info in enumerate(metadata.input_info) if info.requires_grad),
    )


def compile_graph(
    gm: torch.fx.GraphModule,
    example_inputs: Sequence[Any],
    *,
    role: GraphRole,
    settings: Settings,
    siblings: list[CompiledGraph],
) -> OutputCode:
    """What AOTAutograd calls for one ATen graph. What cannot be compiled runs eagerly, with a warning.

    `siblings` are the graphs that AOTAutograd has made of the same trace, to which this one is added.
    """
    with STATISTICS.timed("total"):
        try:
            _native.initialize()
            profile.enable_as_asked()
            with STATISTICS.timed("convert"):
                converted = convert_graph(gm, role, inputs=input_facts(role))
            session = session_for(settings, role)
            graph = CompiledGraph(role, converted, session, lambda: _without_constants(gm, converted))
            is_compiled = graph.obtain_for_hints()
        except KilnError as error:
            fallback.report(error)
        except Exception as error:
            # A mistake of ours, or a PyTorch that we do not know: no reason to stop
            # the user's program.
            fallback.report(KilnError("CLIENT_BUG", f"{type(error).__name__}: {error}"))
        else:
            if not is_compiled and converted.random_states:
                _give_up_states(siblings)
            siblings.append(graph)
            # PyTorch hands a cached graph no tokens of effects.
            is_kept = is_compiled and not converted.tokens
            return KilnOutputCode(graph.function(), role, converted if is_kept else None)
        return KilnOutputCode(run_eagerly(gm, siblings), role)


def _without_constants(gm: torch.fx.GraphModule, converted: ConvertedGraph) -> Callable[..., Any]:
    """The traced graph holds its constants itself."""
    count = len(converted.constants)
    return lambda *inputs: gm(*inputs[: len(inputs) - count])


def run_eagerly(gm: torch.fx.GraphModule, siblings: list[CompiledGraph]) -> Callable[..., Any]:
    """The graph as PyTorch runs it, which cannot draw from random states that compiled code saves."""
    eager: Callable[..., Any] = make_boxed_func(gm)
    states = state_places(gm)
    if not states:
        return eager
    _give_up_states(siblings)

    def run(args: list[Any]) -> Any:
        check_readable(args, states)
        return eager(args)

    return run


def _give_up_states(siblings: list[CompiledGraph]) -> None:
    """Nothing has run yet: AOTAutograd compiles the backward graph before the first step."""
    for sibling in siblings:
        sibling.give_up_states()


def backend(
    gm: torch.fx.GraphModule,
    example_inputs: Sequence[Any],
    *,
    options: Mapping[str, Any] | None = None,
    mode: str | None = None,
) -> Callable[..., Any]:
    """`torch.compile(model, backend="kiln", options={...})`; options: kiln._wire.settings. `mode` changes nothing."""
    settings = read_settings(options)
    log.enable_as_asked()
    siblings: list[CompiledGraph] = []
    return split_and_compile(
        functools.partial(compile_graph, settings=settings, siblings=siblings), settings, gm, example_inputs
    )


def split_and_compile(
    compile_one: Callable[..., OutputCode],
    settings: Settings,
    gm: torch.fx.GraphModule,
    example_inputs: Sequence[Any],
) -> Callable[..., Any]:
    """AOTAutograd's forward and backward graphs of a traced one, each through `compile_one(gm, inputs, role=...)`."""

    def compiler(role: GraphRole) -> SerializableAOTDispatchCompiler:
        return SerializableAOTDispatchCompiler(OutputCode, functools.partial(compile_one, role=role))

    around = aot_autograd(
        fw_compiler=compiler(GraphRole.FORWARD),
        bw_compiler=compiler(GraphRole.BACKWARD),
        inference_compiler=compiler(GraphRole.INFERENCE),
        partition_fn=min_cut_rematerialization_partition,
        decompositions=decomposition_table(eager_random=settings.eager_random),
        keep_inference_input_mutations=False,
    )
    with autograd_cache(settings):
        compiled: Callable[..., Any] = around(gm, example_inputs)
    shape_profile.observe(gm)
    return compiled
