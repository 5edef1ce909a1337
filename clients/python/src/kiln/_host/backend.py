"""The backend that torch.compile calls: AOTAutograd around it, a CompiledGraph for each of its graphs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.fx
from functorch.compile import make_boxed_func, min_cut_rematerialization_partition
from torch._dynamo.backends.common import aot_autograd
from torch._guards import TracingContext

from kiln import _native
from kiln._fx.convert import GraphRole, convert_graph
from kiln._fx.decompositions import decomposition_table
from kiln._host import fallback
from kiln._host.compiled_graph import CompiledGraph
from kiln._host.session import session_of
from kiln._host.statistics import STATISTICS
from kiln._wire.errors import KilnError
from kiln._wire.settings import Settings, read_settings


def _metadata() -> Any:
    context = TracingContext.try_get()
    return context.fw_metadata if context is not None else None


def _static_inputs(role: GraphRole) -> frozenset[int]:
    """Parameters and buffers, which stay where they are from call to call."""
    metadata = _metadata()
    if role is GraphRole.BACKWARD or metadata is None:
        return frozenset()
    return frozenset(metadata.static_input_indices or ())


def _donated_inputs(role: GraphRole) -> frozenset[int]:
    """Saved tensors that nobody else holds, as AOTAutograd marks them."""
    metadata = _metadata()
    if role is not GraphRole.BACKWARD or metadata is None:
        return frozenset()
    return frozenset(getattr(metadata, "bw_donated_idxs", None) or ())


def compile_graph(
    gm: torch.fx.GraphModule, example_inputs: Sequence[Any], *, role: GraphRole, settings: Settings
) -> Callable[..., Any]:
    """A boxed callable for one ATen graph. What cannot be compiled runs eagerly, with a warning."""
    with STATISTICS.timed("total"):
        try:
            _native.initialize()
            with STATISTICS.timed("convert"):
                converted = convert_graph(
                    gm, role, static_inputs=_static_inputs(role), donated_inputs=_donated_inputs(role)
                )
            graph = CompiledGraph(gm, role, converted, session_of(settings))
            graph.obtain_for_hints()
        except KilnError as error:
            fallback.report(error)
            eager: Callable[..., Any] = make_boxed_func(gm)
            return eager
        return graph.function()


def backend(
    gm: torch.fx.GraphModule,
    example_inputs: Sequence[Any],
    *,
    options: Mapping[str, Any] | None = None,
    mode: str | None = None,
) -> Callable[..., Any]:
    """`torch.compile(model, backend="kiln", options={...})`; options: kiln._wire.settings. `mode` changes nothing."""
    settings = read_settings(options)

    def compiler(role: GraphRole) -> Callable[..., Any]:
        return functools.partial(compile_graph, role=role, settings=settings)

    around = aot_autograd(
        fw_compiler=compiler(GraphRole.FORWARD),
        bw_compiler=compiler(GraphRole.BACKWARD),
        inference_compiler=compiler(GraphRole.INFERENCE),
        partition_fn=min_cut_rematerialization_partition,
        decompositions=decomposition_table(),
        keep_inference_input_mutations=False,
    )
    compiled: Callable[..., Any] = around(gm, example_inputs)
    return compiled
