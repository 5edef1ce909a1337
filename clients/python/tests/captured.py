"""ATen graphs as AOTAutograd hands them to a backend, without compiling them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from functorch.compile import make_boxed_func, min_cut_rematerialization_partition
from torch._dynamo.backends.common import aot_autograd

from kiln._fx.convert import ConvertedGraph, GraphRole, convert_graph
from kiln._fx.decompositions import decomposition_table
from kiln._host.backend import input_facts


def capture(
    run: Callable[..., Any],
    *inputs: Any,
    dynamic: bool = True,
    traced: dict[GraphRole, torch.fx.GraphModule] | None = None,
) -> dict[GraphRole, ConvertedGraph]:
    """The graphs of one forward, and of one backward where its only result requires a gradient.

    `traced` gets the FX graphs.
    """
    graphs: dict[GraphRole, ConvertedGraph] = {}

    def compiler(role: GraphRole) -> Callable[..., Any]:
        def compile_graph(gm: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> Any:
            graphs[role] = convert_graph(gm, role, inputs=input_facts(role))
            if traced is not None:
                traced[role] = gm
            return make_boxed_func(gm)

        return compile_graph

    backend = aot_autograd(
        fw_compiler=compiler(GraphRole.FORWARD),
        bw_compiler=compiler(GraphRole.BACKWARD),
        inference_compiler=compiler(GraphRole.INFERENCE),
        partition_fn=min_cut_rematerialization_partition,
        decompositions=decomposition_table(),
    )
    torch._dynamo.reset()
    out = torch.compile(run, backend=backend, dynamic=dynamic)(*inputs)
    if isinstance(out, torch.Tensor) and out.requires_grad:
        out.sum().backward()
    return graphs
