"""FX to the wire form and back into the C++ library's hands."""

from __future__ import annotations

import operator
import re
from typing import Any

import pytest
import torch
from captured import capture
from kiln.v1 import graph_pb2
from torch._dynamo.source import ConstantSource
from torch.fx.experimental.sym_node import METHOD_TO_OPERATOR
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv

from kiln import _native
from kiln._fx.convert import ConvertedGraph, GraphRole, convert_graph
from kiln._fx.symbolic_targets import SYMBOLIC_TARGETS
from kiln._wire.errors import KilnError


def _native_graph(converted: ConvertedGraph) -> _native.NativeGraph:
    return _native.NativeGraph(converted.module.SerializeToString(), converted.outputs)


def _inference(run: Any, *inputs: Any, dynamic: bool = True) -> ConvertedGraph:
    return capture(run, *inputs, dynamic=dynamic)[GraphRole.INFERENCE]


def _targets(converted: ConvertedGraph) -> list[str]:
    return [node.target for node in converted.module.graphs[0].nodes]


def test_equal_graphs_of_other_names_have_equal_digests() -> None:
    def first(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (x + y).relu() * y

    def second(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        total = left + right
        return total.relu() * right

    x, y = torch.randn(4, 5), torch.randn(4, 5)
    a, b = _native_graph(_inference(first, x, y)), _native_graph(_inference(second, x, y))
    assert a.graph_digest == b.graph_digest
    assert a.signature_digest == b.signature_digest


def test_sizes_are_no_part_of_a_dynamic_graphs_key() -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return x.softmax(-1)

    a = _native_graph(_inference(run, torch.randn(4, 5)))
    b = _native_graph(_inference(run, torch.randn(7, 9)))
    assert (a.graph_digest, a.signature_digest) == (b.graph_digest, b.signature_digest)
    assert sorted(b.hints) == [7, 9]


def test_several_results_are_named_by_one_node() -> None:
    converted = _inference(lambda x: sum(x.split(2)), torch.randn(6, 3), dynamic=False)
    assert not any("getitem" in target for target in _targets(converted))
    split = next(node for node in converted.module.graphs[0].nodes if node.target == "aten.split.Tensor")
    assert len(split.outputs[0].names) == 3


def test_one_element_constants_travel_as_scalars_and_others_become_inputs() -> None:
    table, number = torch.arange(6.0), torch.tensor(2.5)

    def run(x: torch.Tensor) -> torch.Tensor:
        return x * torch.tensor([1.0, 2.0, 3.0]) + torch.tensor(4.0)

    converted = _inference(run, torch.randn(3), dynamic=False)
    assert len(converted.constants) == 1
    assert converted.constants[0].tolist() == [1.0, 2.0, 3.0]
    assert converted.module.graphs[0].inputs[-1].constant
    assert b"".join(_float_bytes(t) for t in (table, number)) not in converted.module.SerializeToString()


def _float_bytes(t: torch.Tensor) -> bytes:
    return bytes(t.numpy().tobytes())


def test_an_operator_with_an_effect_stands_without_its_token() -> None:
    graph = capture(torch.linalg.solve, torch.eye(3), torch.ones(3))[GraphRole.INFERENCE]
    targets = [node.target for node in graph.module.graphs[0].nodes]
    assert "aten._linalg_check_errors.default" in targets
    assert graph.tokens == (0,)
    assert graph.module.graphs[0].outputs[0].value == graph.module.graphs[0].inputs[0].name


def test_nodes_carry_the_users_lines() -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return x.sin()

    converted = _inference(run, torch.randn(3))
    native = _native_graph(converted)
    assert any("aten.sin.default" in node and "test_convert.py:" in node for node in native.nodes)


def test_backward_inputs_are_saved_or_tangents() -> None:
    weight = torch.nn.Parameter(torch.randn(5, 4))
    graphs = capture(lambda x: (x @ weight).tanh(), torch.randn(3, 5))
    kinds = {entry.kind for entry in graphs[GraphRole.BACKWARD].module.graphs[0].inputs}
    assert kinds == {graph_pb2.INPUT_KIND_SAVED, graph_pb2.INPUT_KIND_TANGENT}
    forward = graphs[GraphRole.FORWARD].module.graphs[0]
    assert [entry.kind for entry in forward.inputs].count(graph_pb2.INPUT_KIND_PARAMETER) == 1


def test_saved_views_of_one_tensor_are_not_donated() -> None:
    weight = torch.nn.Parameter(torch.randn(4, 12))

    def run(x: torch.Tensor) -> torch.Tensor:
        a, b, c = (x @ weight).split(4, dim=1)
        return (a.sin() * b.sin() * c.sin()).cos()

    graph = capture(run, torch.randn(6, 4))[GraphRole.BACKWARD].module.graphs[0]
    views = [entry for entry in graph.inputs if entry.name.startswith("getitem")]
    assert not any(entry.donated for entry in views)
    assert not any(entry.alias_class for entry in graph.inputs)


def test_symbolic_sizes_keep_their_expressions() -> None:
    def run(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, y]).reshape(-1).sin()

    inputs = torch.randn(4, 6, requires_grad=True), torch.randn(3, 6)
    graph = capture(run, *inputs)[GraphRole.BACKWARD].module.graphs[0]
    assert {symbol.hint for symbol in graph.symbols} == {3, 4, 6}
    tangent = next(entry for entry in graph.inputs if entry.kind == graph_pb2.INPUT_KIND_TANGENT)
    assert all(symbol.name in tangent.tensor.sizes[0].expr for symbol in graph.symbols)


def test_a_sum_of_many_sizes_is_a_chain_of_sums_of_two() -> None:
    graph = torch.fx.Graph()
    sizes = [graph.placeholder(name) for name in "abc"]
    for size in sizes:
        size.meta["val"] = 3
    graph.output((graph.call_function(torch.sym_sum, (sizes,)),))
    module = torch.fx.GraphModule({}, graph)
    wire = convert_graph(module, GraphRole.INFERENCE).module.graphs[0]
    assert [node.target for node in wire.nodes] == ["sym.add", "sym.add"]
    first, second = wire.nodes
    assert [i.value.value for i in first.inputs] == ["a", "b"]
    assert [i.value.value for i in second.inputs] == [first.outputs[0].names[0], "c"]
    assert wire.outputs[0].value == second.outputs[0].names[0] == "sym_sum"


def _module(graph: torch.fx.Graph) -> torch.fx.GraphModule:
    # FX would write the graph as Python, where lambdas have no name.
    module = torch.fx.GraphModule({}, torch.fx.Graph())
    module._graph = graph
    return module


def _call(target: Any, *args: Any) -> torch.fx.GraphModule:
    graph = torch.fx.Graph()
    values = [graph.placeholder(name) for name in "abc"[: len(args)]]
    for value, hint in zip(values, args, strict=True):
        value.meta["val"] = hint
    graph.output((graph.call_function(target, tuple(values)),))
    return _module(graph)


def _takes(name: str) -> int:
    one = {"abs", "ceil", "float", "floor", "int", "is_integer", "neg", "not", "pos", "round", "sqrt", "trunc"}
    one |= {"acos", "asin", "asinh", "atan", "cos", "cosh", "exp", "log", "log2", "sin", "sinh", "tan", "tanh"}
    return 3 if name == "sym.ite" else 1 if name.removeprefix("sym.") in one else 2


@pytest.mark.parametrize("target", SYMBOLIC_TARGETS, ids=lambda t: f"{t.__module__}.{t.__name__}")
def test_arithmetic_on_scalars_is_known_to_the_server(target: Any) -> None:
    name = SYMBOLIC_TARGETS[target]
    converted = convert_graph(_call(target, *([3] * _takes(name))), GraphRole.INFERENCE)
    assert _targets(converted) == [name]
    assert _native_graph(converted).graph_digest


def test_every_operator_of_symbolic_nodes_has_a_wire_form() -> None:
    missing = {name for name, function in METHOD_TO_OPERATOR.items() if function not in SYMBOLIC_TARGETS}
    assert not missing


def test_operators_on_scalars_mean_what_python_means() -> None:
    shift = convert_graph(_call(operator.lshift, 3, 2), GraphRole.INFERENCE).module.graphs[0].nodes[0]
    assert (shift.target, [i.value.value for i in shift.inputs]) == ("sym.lshift", ["a", "b"])
    graph = torch.fx.Graph()
    value = graph.placeholder("a")
    value.meta["val"] = 3
    graph.output((graph.call_function(round, (value, 2)),))
    rounded = convert_graph(_module(graph), GraphRole.INFERENCE).module.graphs[0].nodes[0]
    assert rounded.target == "sym.round"
    assert rounded.inputs[1].value.int == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool])
def test_dtypes_round_trip(dtype: torch.dtype) -> None:
    converted = _inference(lambda x: x.clone(), torch.ones(3, 2).to(dtype))
    assert _native_graph(converted).graph_digest
    assert converted.outputs[0][0] == converted.module.graphs[0].inputs[-1].tensor.dtype


def _placeholders(*values: Any) -> torch.fx.GraphModule:
    """A graph that only has inputs, of these values."""
    graph = torch.fx.Graph()
    nodes = [graph.placeholder(f"in{i}") for i in range(len(values))]
    for node, value in zip(nodes, values, strict=True):
        node.meta["val"] = value
    graph.output(nodes)
    return torch.fx.GraphModule(torch.nn.Module(), graph)


def _symfloat(value: float) -> torch.SymFloat:
    env = ShapeEnv()
    source = ConstantSource("scale")
    symbol = env.create_unspecified_symbol(value, source=source, dynamic_dim=DimDynamic.DYNAMIC)
    return env.create_symfloatnode(symbol, hint=value, source=source)


def test_a_symfloat_travels_with_its_hint_and_is_refused_by_name_where_code_is_made() -> None:
    scale = _symfloat(0.1 + 0.2)
    converted = convert_graph(_placeholders(torch.ones(2), scale, scale * 0.7, 2.5), GraphRole.FORWARD)
    graph = converted.module.graphs[0]
    (symbol,) = graph.symbols
    assert symbol.float_hint == 0.1 + 0.2
    assert not symbol.HasField("hint")
    assert not symbol.HasField("lower")
    name = symbol.name
    assert [i.sym_float.expr for i in graph.inputs[1:]] == [name, f"0.7*{name}", "2.5"]
    with pytest.raises(KilnError, match=f"no float: {name}") as raised:
        _native_graph(converted)
    assert raised.value.reason == "UNSUPPORTED_GRAPH"


def test_an_inputs_storage_travels_where_a_node_may_look_at_it() -> None:
    def looks(x: torch.Tensor) -> torch.Tensor:
        return x.as_strided((2, 2), (2, 1)) + 1

    x = torch.randn(4, 3)
    fixed = _inference(looks, x, dynamic=False).module.graphs[0]
    assert fixed.inputs[0].storage_bytes.value == 48
    assert not _inference(lambda x: x + 1, x, dynamic=False).module.graphs[0].inputs[0].HasField("storage_bytes")
    symbolic = _inference(looks, x).module.graphs[0]
    storages = [i.storage_bytes.expr for i in symbolic.inputs if i.HasField("tensor")]
    names = {s.name for s in symbolic.symbols}
    assert storages
    assert all(set(re.findall(r"s\d+", text)) <= names and text.startswith("4*") for text in storages)


def test_where_an_input_lies_in_its_storage_travels_only_where_a_node_sees_the_storage() -> None:
    def looks(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x.view(-1)[2:].as_strided((2,), (3,), 4) + y[:2]

    x, y = torch.randn(20)[4:], torch.randn(20)[6:]
    graph = _inference(looks, x, y, dynamic=False).module.graphs[0]
    assert [i.tensor.storage_offset.value for i in graph.inputs] == [4, 0]
    assert [i.HasField("storage_bytes") for i in graph.inputs] == [True, False]
