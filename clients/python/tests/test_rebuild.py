"""From FX to the wire form and back: the graph that comes back computes the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from captured import capture
from kiln.v1 import graph_pb2

from kiln._fx.convert import ConvertedGraph, GraphRole
from kiln._fx.rebuild import rebuild_graph
from kiln._wire.errors import KilnError


def _padded(x: torch.Tensor, n: int) -> torch.Tensor:
    rows = x.shape[0] * 2 // 3 + n
    return torch.nn.functional.pad(x, (1, n), value=0.5)[: max(rows, 1)].reshape(-1).cumsum(0)


def _parts(x: torch.Tensor, n: int) -> tuple[torch.Tensor, ...]:
    value, index = x.topk(2, dim=1)
    return *x.split(2), value, index, torch.full((n, 2), x.shape[1] / 2, dtype=torch.float64)


def _constants(x: torch.Tensor, n: int) -> tuple[torch.Tensor, Any]:
    table = torch.tensor([1.0, 2.0, 3.0, 4.0])
    return x.to(torch.bfloat16) * table + torch.tensor(2.5), None


def _layouts(x: torch.Tensor, n: int) -> torch.Tensor:
    image = x.reshape(1, 2, 3, -1).contiguous(memory_format=torch.channels_last)
    return torch.empty_like(image).fill_(1.5) + torch.arange(n, device=x.device).sum()


@pytest.mark.parametrize("run", [_padded, _parts, _constants, _layouts])
@pytest.mark.parametrize("dynamic", [True, False])
def test_what_comes_back_computes_the_same(run: Callable[..., Any], dynamic: bool) -> None:
    x = torch.randn(6, 4)
    graph = capture(run, x, 3, dynamic=dynamic)[GraphRole.INFERENCE]
    inputs = [x if entry.WhichOneof("type") == "tensor" else 3 for entry in graph.module.graphs[0].inputs]
    # Sizes are inputs as well, in front of the tensor that has them.
    sizes = iter(x.shape)
    tensor_at = next(i for i, value in enumerate(inputs) if isinstance(value, torch.Tensor))
    for place, entry in enumerate(graph.module.graphs[0].inputs):
        if entry.constant:
            inputs[place] = graph.constants[place - (len(inputs) - len(graph.constants))]
        elif entry.WhichOneof("type") == "sym_int" and place < tensor_at:
            inputs[place] = next(sizes)
    expected = run(x, 3)
    results = [value for value in rebuild_graph(graph.module)(*inputs) if isinstance(value, torch.Tensor)]
    wanted = [expected] if isinstance(expected, torch.Tensor) else [v for v in expected if v is not None]
    torch.testing.assert_close(results, wanted)


def test_gradients_of_what_comes_back() -> None:
    weight = torch.nn.Parameter(torch.randn(4, 4))
    traced: dict[GraphRole, torch.fx.GraphModule] = {}
    graphs = capture(lambda x: (x @ weight).tanh().sin(), torch.randn(3, 4), dynamic=False, traced=traced)
    assert set(graphs) == {GraphRole.FORWARD, GraphRole.BACKWARD}
    for role, graph in graphs.items():
        inputs = [torch.randn(*_sizes(entry)) for entry in graph.module.graphs[0].inputs]
        ours, theirs = rebuild_graph(graph.module)(*inputs), traced[role](*inputs)
        torch.testing.assert_close(list(ours), list(theirs))


def _sizes(entry: graph_pb2.Input) -> list[int]:
    return [size.value for size in entry.tensor.sizes]


def test_an_operator_that_this_pytorch_does_not_have() -> None:
    graph: ConvertedGraph = capture(torch.sin, torch.randn(3), dynamic=False)[GraphRole.INFERENCE]
    graph.module.graphs[0].nodes[0].target = "aten.no_such_operator.default"
    with pytest.raises(KilnError, match="no_such_operator"):
        rebuild_graph(graph.module)
