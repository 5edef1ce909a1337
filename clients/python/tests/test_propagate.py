"""kiln.propagate against PyTorch's FakeTensorProp, node by node."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pytest
import torch
import torch.nn.functional as F
from torch._dynamo.source import ConstantSource
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import Dim
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv, StatelessSymbolicContext
from torch.fx.passes.fake_tensor_prop import FakeTensorProp

import kiln
from kiln._fx.propagated_graph import PropagatedGraph, ScalarValue, TensorValue

# The text form of expressions (docs/text_form.md) is Python but for these.
_FUNCTIONS: dict[str, Any] = {
    "Max": max,
    "Min": min,
    "And": lambda *conditions: all(conditions),
    "Or": lambda *conditions: any(conditions),
    "Not": lambda condition: not condition,
    "CeilDiv": lambda a, b: -(-a // b),
    "ToFloat": float,
}


def mlp(x: torch.Tensor, w1: torch.Tensor, b1: torch.Tensor, w2: torch.Tensor) -> torch.Tensor:
    hidden = F.gelu(torch.addmm(b1, x, w1.t()))
    return torch.log_softmax(hidden @ w2.t(), dim=-1)


def transformer_block(
    x: torch.Tensor, qkv: torch.Tensor, proj: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor
) -> torch.Tensor:
    batch, length, width = x.shape
    heads = 4
    y = F.layer_norm(x, (width,), scale, shift)
    # The last piece is not used: the graph does not say that there are four.
    q, k, v, _ = (y @ qkv.t()).split(width, dim=2)
    q, k, v = (t.view(batch, length, heads, width // heads).transpose(1, 2) for t in (q, k, v))
    scores = (q @ k.transpose(-2, -1)) / (width // heads) ** 0.5
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    weights = torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1)
    y = (weights @ v).transpose(1, 2).contiguous().view(batch, length, width)
    return x + y @ proj.t()


def resnet_block(
    x: torch.Tensor,
    w1: torch.Tensor,
    w2: torch.Tensor,
    scale: torch.Tensor,
    shift: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    y = F.conv2d(x, w1, stride=2, padding=1)
    y = F.relu(F.batch_norm(y, mean, variance, scale, shift, training=False))
    y = F.batch_norm(F.conv2d(y, w2, padding=1), None, None, scale, shift, training=True)
    pooled, places = F.max_pool2d(F.relu(y + F.avg_pool2d(y, 3, 1, 1)), 2, return_indices=True)
    return pooled.mean((2, 3)), places


def views_and_writes(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
    z = x.clone()
    z[1:].add_(y)
    z.t()[0].zero_()
    first, second = z.chunk(2, dim=1)
    first.mul_(2)
    return z, second.unsqueeze(0).expand(3, -1, -1), z.permute(1, 0)[::2], y.as_strided((2, 2), (1, 1), 1)


def writes_in_place(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    z = torch.empty_like(x)
    z.copy_(x)
    z.select(0, 0).add_(y)
    return z, z.view(-1)


@dataclasses.dataclass(frozen=True)
class Model:
    run: Callable[..., Any]
    # Inputs for a batch of this many.
    inputs: Callable[[int], list[torch.Tensor]]
    functionalised: bool = True
    # The last inputs that no gradient goes to.
    buffers: int = 0


MODELS = {
    "mlp": Model(mlp, lambda n: [torch.randn(n, 16), torch.randn(32, 16), torch.randn(32), torch.randn(10, 32)]),
    "transformer block": Model(
        transformer_block,
        lambda n: [torch.randn(n, 2 * n + 1, 32), *(torch.randn(*s) for s in ((128, 32), (32, 32), (32,), (32,)))],
    ),
    "resnet block": Model(
        resnet_block,
        lambda n: [
            torch.randn(n, 3, 4 * n + 5, 32).to(memory_format=torch.channels_last),
            torch.randn(8, 3, 3, 3),
            torch.randn(8, 8, 3, 3),
            *(torch.rand(8) for _ in range(4)),
        ],
        buffers=2,
    ),
    "views and writes": Model(views_and_writes, lambda n: [torch.randn(n + 1, 4), torch.randn(n, 4)]),
    "in place": Model(writes_in_place, lambda n: [torch.randn(n, 4, dtype=torch.float16), torch.randn(4)], False),
}


def trace(model: Model, inputs: Sequence[torch.Tensor], mode: str) -> torch.fx.GraphModule:
    run = torch.func.functionalize(model.run, remove="mutations") if model.functionalised else model.run
    gm: torch.fx.GraphModule = make_fx(run, tracing_mode=mode)(*inputs)
    for node in gm.graph.nodes:
        # Nothing that PyTorch found may help.
        node.meta.pop("val", None)
        node.meta.pop("tensor_meta", None)
    return gm


def fake_values(gm: torch.fx.GraphModule, inputs: Sequence[Any]) -> dict[torch.fx.Node, Any]:
    """What FakeTensorProp finds. Removes it from the nodes again."""
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    FakeTensorProp(gm, mode=mode).propagate(*inputs)
    return {node: node.meta.pop("val") for node in gm.graph.nodes if "val" in node.meta}


# The first node of each storage, as PyTorch has them.
Owners: TypeAlias = dict[int, torch.fx.Node]


class Comparison:
    """Counts what was compared, so that nothing passes by comparing nothing."""

    def __init__(self, sizes: dict[str, int] | None = None) -> None:
        self._sizes = sizes or {}
        self.tensors = 0
        self.aliases = 0

    def number(self, text: Any) -> Any:
        if not isinstance(text, str):
            return text
        return eval(text, {"__builtins__": {}}, {**_FUNCTIONS, **self._sizes})

    def graph(self, gm: torch.fx.GraphModule, result: PropagatedGraph, expected: dict[torch.fx.Node, Any]) -> None:
        owners: Owners = {}
        for node in gm.graph.nodes:
            if node.op != "output":
                self.value(node, result[node], expected[node], owners)

    def value(self, node: torch.fx.Node, got: Any, want: Any, owners: Owners | None) -> None:
        if isinstance(want, (list, tuple)):
            assert isinstance(got, tuple), node
            assert len(got) == len(want), node
            for one, other in zip(got, want, strict=True):
                # The getitem node that takes it says what it is an alias of.
                self.value(node, one, other, None)
        elif isinstance(want, torch.Tensor):
            assert isinstance(got, TensorValue), node
            self.tensor(node, got, want, owners)
        elif want is None:
            assert got is None, node
        else:
            assert isinstance(got, ScalarValue), node
            assert self.number(got.value) == want, node

    def tensor(self, node: torch.fx.Node, got: TensorValue, want: torch.Tensor, owners: Owners | None) -> None:
        self.tensors += 1
        assert (got.dtype, got.device) == (want.dtype, want.device), node
        assert tuple(map(self.number, got.size)) == tuple(want.shape), node
        if want.numel() > 0:
            assert tuple(map(self.number, got.stride)) == want.stride(), node
        assert self.number(got.storage_offset) == want.storage_offset(), node
        if owners is not None:
            owner = owners.setdefault(want.untyped_storage()._cdata, node)
            assert got.alias_of is (None if owner is node else owner), node
            self.aliases += got.alias_of is not None


def sizes_of(gm: torch.fx.GraphModule, result: PropagatedGraph, inputs: Sequence[torch.Tensor]) -> dict[str, int]:
    """What the symbols of the result's inputs are in other inputs."""
    sizes: dict[str, int] = {}
    for node, tensor in zip(gm.graph.find_nodes(op="placeholder"), inputs, strict=True):
        value = result[node]
        assert isinstance(value, TensorValue)
        for text, size in zip(value.size, tensor.shape, strict=True):
            if isinstance(text, str):
                assert sizes.setdefault(text, size) == size, f"{text} of {node}"
    return sizes


@pytest.mark.parametrize("name", MODELS)
def test_static_values_are_those_of_fake_tensor_prop(name: str) -> None:
    model = MODELS[name]
    inputs = model.inputs(2)
    gm = trace(model, inputs, "real")

    result = kiln.propagate(gm, inputs)

    compared = Comparison()
    compared.graph(gm, result, fake_values(gm, inputs))
    assert compared.tensors >= len(inputs) + 4
    assert not result.guards
    assert not result.symbols


@pytest.mark.parametrize("name", MODELS)
def test_symbolic_values_are_those_of_fake_tensor_prop_at_every_size_that_the_guards_allow(name: str) -> None:
    model = MODELS[name]
    inputs = model.inputs(6)
    gm = trace(model, inputs, "symbolic")

    result = kiln.propagate(gm, inputs, dynamic=True)

    at_hints = sizes_of(gm, result, inputs)
    assert at_hints == {s.name: s.hint for s in result.symbols if s.name in at_hints}
    for batch in (6, 10):
        others = model.inputs(batch)
        compared = Comparison(sizes_of(gm, result, others))
        for guard in result.guards:
            assert compared.number(guard.condition), str(guard)
        compared.graph(gm, result, fake_values(gm, others))
        assert compared.tensors >= len(inputs) + 4
    assert sizes_of(gm, result, others) != at_hints


def test_results_of_a_list_that_nobody_uses_are_there() -> None:
    inputs = [torch.randn(7, 5)]
    gm = make_fx(lambda x: torch.split(x, 2)[1])(*inputs)

    split = kiln.propagate(gm, inputs)["split"]

    assert isinstance(split, tuple)
    assert [piece.size for piece in split] == [(2, 5), (2, 5), (2, 5), (1, 5)]
    assert [piece.storage_offset for piece in split] == [0, 10, 20, 30]


def test_an_exported_program_and_a_module_with_parameters() -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(8, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x) * 2

    x = torch.randn(4, 8)
    exported = torch.export.export(Net(), (x,)).run_decompositions().graph_module
    net = Net()
    with_attributes = make_fx(net)(x)
    assert any(node.op == "get_attr" for node in with_attributes.graph.nodes)

    for gm, inputs in ((exported, [net.linear.weight, net.linear.bias, x]), (with_attributes, [x])):
        compared = Comparison()
        compared.graph(gm, kiln.propagate(gm, inputs), fake_values(gm, inputs))
        assert compared.tensors >= 5


def test_inputs_that_share_a_storage_are_aliases() -> None:
    base = torch.randn(12)
    inputs = [base[2:8].view(2, 3), base[1:5]]
    gm = make_fx(lambda a, b: (a.sum() + b.sum(), b.view(2, 2)))(*inputs)

    result = kiln.propagate(gm, inputs)

    compared = Comparison()
    compared.graph(gm, result, fake_values(gm, inputs))
    assert compared.aliases == 2


def test_a_tensor_that_gets_other_sizes_later_is_what_it_is_in_the_end() -> None:
    x = torch.randn(2, 3)
    gm = make_fx(lambda x: x.clone().t_())(x)

    result = kiln.propagate(gm, [x])

    clone, transposed = result["clone"], result["t_"]
    assert isinstance(clone, TensorValue)
    assert isinstance(transposed, TensorValue)
    assert (clone.size, clone.stride) == (transposed.size, transposed.stride) == ((3, 2), (1, 3))
    assert transposed.alias_of is next(node for node in gm.graph.nodes if node.name == "clone")


def test_writes_to_inputs_are_told() -> None:
    inputs = [torch.randn(3), torch.randn(2, 3), torch.randn(3)]

    def run(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        y.t_()
        return x.add_(z)

    gm = make_fx(run)(*inputs)
    inputs = [torch.randn(3), torch.randn(2, 3), torch.randn(3)]

    writes = kiln.propagate(gm, inputs).input_writes

    assert {node.name: (w.data, w.metadata) for node, w in writes.items()} == {
        "x_1": (True, False),
        "y_1": (False, True),
    }


def test_constants_that_python_made_are_known() -> None:
    gm = make_fx(lambda x: x.expand(torch.tensor(3).item(), -1))(torch.randn(4))

    result = kiln.propagate(gm, [torch.randn(4)])

    assert result[next(n for n in gm.graph.nodes if "expand" in n.name)].size == (3, 4)
    assert not result.symbols


def matmul() -> torch.fx.GraphModule:
    return make_fx(lambda x, w: torch.relu(x @ w))(torch.randn(4, 8), torch.randn(8, 2))


def test_fake_inputs_need_no_data_and_keep_their_symbols() -> None:
    env = ShapeEnv()
    mode = FakeTensorMode(shape_env=env)
    context = StatelessSymbolicContext(dynamic_sizes=[DimDynamic.DUCK, DimDynamic.DUCK])
    x = mode.from_tensor(torch.randn(6, 8), symbolic_context=context)
    with mode:
        w = torch.empty(8, 2)
    rows, columns = x.shape

    result = kiln.propagate(matmul(), [x, w])

    value = result["relu"]
    assert isinstance(value, TensorValue)
    assert value.size == (str(rows), 2)
    # The columns must be the rows of w.
    assert [guard.condition for guard in result.guards if guard.kind == "shape"] == [f"{columns} == 8"]
    assert result.guards[0].node is not None
    assert result.guards[0].node.name == "mm"
    assert str(result.guards[0]).startswith(f"{columns} == 8  # aten.mm: ")


def test_named_dimensions_are_symbols_of_that_name() -> None:
    inputs = [torch.randn(4, 8), torch.randn(8, 2)]

    result = kiln.propagate(
        matmul(), inputs, dynamic_shapes=[{0: Dim("batch", min=2, max=64), 1: "width"}, ("width", None)]
    )

    value = result["relu"]
    assert isinstance(value, TensorValue)
    assert (value.size, value.stride) == (("batch", 2), (2, 1))
    x = result["x_1"]
    assert isinstance(x, TensorValue)
    assert x.stride == ("width", 1)
    assert all(guard.kind == "assumption" for guard in result.guards)
    assert [(s.name, s.hint, s.policy) for s in result.symbols] == [("batch", 4, "dynamic"), ("width", 8, "dynamic")]
    assert [s.declared_range for s in result.symbols] == ["[2, 64]", "[2, oo]"]
    assert "batch" in str(result)


def test_an_automatic_dimension_is_specialised_and_a_dynamic_one_is_an_error() -> None:
    inputs = [torch.randn(4, 8), torch.randn(8, 2)]

    result = kiln.propagate(matmul(), inputs, dynamic_shapes=[{1: Dim.AUTO}, None])

    assert [(s.name, s.value) for s in result.symbols] == [("s0", "8")]
    with pytest.raises(kiln.KilnError, match="FX node mm: ") as raised:
        kiln.propagate(matmul(), inputs, dynamic_shapes=[{1: Dim.DYNAMIC}, None])
    assert raised.value.reason == "SPECIALIZED_DYNAMIC_DIM"


def test_dense_strides_in_any_order_follow_the_sizes() -> None:
    x = torch.randn(2, 3, 5, 7).to(memory_format=torch.channels_last)
    gm = make_fx(lambda x: x + 1)(x)

    value = kiln.propagate(gm, [x], dynamic_shapes=[("n", "c", "h", "w")])["add"]

    assert isinstance(value, TensorValue)
    sizes = Comparison({"n": 4, "c": 6, "h": 10, "w": 8})
    other = torch.empty(4, 6, 10, 8).to(memory_format=torch.channels_last)
    assert tuple(map(sizes.number, value.stride)) == other.stride()


def test_a_shape_mismatch_names_the_node_and_both_sizes() -> None:
    with pytest.raises(kiln.KilnError, match=r"FX node mm: node 0 \(aten\.mm\.default\).*8.*9") as raised:
        kiln.propagate(matmul(), [torch.randn(4, 8), torch.randn(9, 2)])
    assert raised.value.reason == "SHAPE_MISMATCH"


@pytest.mark.parametrize(
    ("inputs", "arguments", "message"),
    [
        ([torch.ones(4, 8)], {}, "1 example inputs for a graph of 2 placeholders"),
        ([torch.ones(4, 8), torch.ones(8, 2)], {"dynamic_shapes": [None]}, "1 entries for 2 inputs"),
        ([torch.ones(4, 8), torch.ones(8, 2)], {"dynamic_shapes": [{2: "n"}, None]}, "no dimension 2"),
        ([torch.ones(4, 8), torch.ones(8, 2)], {"dynamic_shapes": [{0: 5}, None]}, "is 4, but dynamic_shapes says 5"),
        ([torch.ones(4, 8), torch.ones(8, 2)], {"dynamic_shapes": [{0: "u0"}, None]}, "no policy"),
        ([torch.ones(4, 8), torch.ones(8, 2)], {"dynamic_shapes": [("n", "n"), None]}, "dimension named n is 4"),
        ([torch.ones(4, 8), torch.ones(8, 2)], {"dynamic_shapes": [{0: Dim("n", min=5)}, None]}, "outside of"),
        ([torch.ones(4, 8), torch.ones(8, 2)], {"dynamic_shapes": [{0: 2 * Dim("n")}, None]}, "derived"),
        ([torch.ones(4, 8), torch.ones(8, 2)], {"dynamic_shapes": [None, None], "dynamic": True}, "both given"),
        ([torch.ones(4, 8), torch.ones(8, 2)], {"dynamic_shapes": 1.5}, "no sequence with an entry per example input"),
        ([torch.ones(4, 8), torch.ones(8, 2)], {"dynamic_shapes": {0, 1}}, "no sequence with an entry"),
        (None, {}, "of type NoneType"),
        (torch.ones(2, 8, 8), {}, "of type Tensor"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(kiln.KilnError, match=message) as raised:
        kiln.propagate(matmul(), inputs, **arguments)
    assert raised.value.reason == "BAD_INPUT_METADATA"


def test_a_graph_that_is_not_of_aten_operators_is_refused_by_node() -> None:
    x = torch.randn(2, 3)
    for run, message in (
        (torch.nn.Sequential(torch.nn.Linear(3, 3)), "node _0: FX op 'call_module'"),
        (lambda x: torch.relu(x), "node relu: .* is not an ATen operator"),
        (lambda x: x.relu(), "node relu: FX op 'call_method'"),
    ):
        with pytest.raises(kiln.KilnError, match=message) as raised:
            kiln.propagate(torch.fx.symbolic_trace(run), [x])
        assert raised.value.reason == "UNCONVERTIBLE_NODE"


def test_an_input_that_is_no_tensor_or_number_is_refused() -> None:
    gm = torch.fx.symbolic_trace(lambda x: x)
    with pytest.raises(kiln.KilnError, match="input x: str inputs have no wire form"):
        kiln.propagate(gm, ["text"])


class GradRecorder(FakeTensorProp):
    """Also remembers which results require grad; what FakeTensorProp keeps of them is detached."""

    def __init__(self, gm: torch.fx.GraphModule) -> None:
        super().__init__(gm, mode=FakeTensorMode(allow_non_fake_inputs=True))
        self.flags: dict[torch.fx.Node, Any] = {}

    def run_node(self, n: torch.fx.Node) -> Any:
        result = super().run_node(n)
        self.flags[n] = grads_of(result)
        n.meta.pop("val", None)
        return result


def grads_of(value: Any) -> Any:
    """The flag of each tensor in it."""
    if isinstance(value, (list, tuple)):
        return [grads_of(item) for item in value]
    return value.requires_grad if isinstance(value, (torch.Tensor, TensorValue)) else None


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.functionalised])
@pytest.mark.parametrize("which", ["all", "first", "last"])
def test_what_requires_grad_is_what_fake_tensor_prop_says(name: str, which: str) -> None:
    inputs = MODELS[name].inputs(2)
    gm = trace(MODELS[name], inputs, "real")
    parameters = inputs[: len(inputs) - MODELS[name].buffers]
    for tensor in {"all": parameters, "first": parameters[:1], "last": parameters[-1:]}[which]:
        tensor.requires_grad_()

    result = kiln.propagate(gm, inputs)

    recorder = GradRecorder(gm)
    recorder.propagate(*inputs)
    flags = {node: grads_of(result[node]) for node in gm.graph.nodes if node.op != "output"}
    assert flags == {node: recorder.flags[node] for node in flags}
    assert flags[next(iter(flags))] is (which != "last")


def test_a_parameter_of_the_module_requires_grad_and_a_buffer_does_not() -> None:
    class Scale(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(3))
            self.register_buffer("mask", torch.ones(3))

    graph = torch.fx.Graph()
    x = graph.placeholder("x")
    scaled = graph.call_function(torch.ops.aten.mul.Tensor, (x, graph.get_attr("weight")))
    masked = graph.call_function(torch.ops.aten.mul.Tensor, (x, graph.get_attr("mask")))
    detached = graph.call_function(torch.ops.aten.detach.default, (scaled,))
    graph.output((scaled, masked, detached))

    result = kiln.propagate(torch.fx.GraphModule(Scale(), graph), [torch.ones(2, 3)])

    assert [grads_of(result[node]) for node in (scaled, masked, detached)] == [True, False, False]


def scaled_by_a_number() -> torch.fx.GraphModule:
    graph = torch.fx.Graph()
    x, scale = graph.placeholder("x"), graph.placeholder("scale")
    graph.output(graph.call_function(torch.ops.aten.mul.Scalar, (x, scale), name="product"))
    return torch.fx.GraphModule(torch.nn.Module(), graph)


def test_a_float_is_a_number_or_a_symbol_of_its_own() -> None:
    inputs = [torch.ones(4, dtype=torch.int64), 0.1 + 0.2]

    plain = kiln.propagate(scaled_by_a_number(), inputs)
    assert plain["scale"] == ScalarValue("float", 0.1 + 0.2)
    product = plain["product"]
    assert isinstance(product, TensorValue)
    assert product.dtype is torch.float32

    symbolic = kiln.propagate(scaled_by_a_number(), inputs, dynamic=True)
    assert symbolic["scale"] == ScalarValue("float", "zf0")
    assert {s.name: s.hint for s in symbolic.symbols} == {"s0": 4, "zf0": 0.1 + 0.2}
    assert "zf0 = 0.30000000000000004" in str(symbolic)

    one = kiln.propagate(scaled_by_a_number(), inputs, dynamic_shapes=[None, Dim.DYNAMIC])
    assert [(s.name, s.policy) for s in one.symbols] == [("zf0", "dynamic")]
    endless = kiln.propagate(scaled_by_a_number(), [inputs[0], float("inf")], dynamic_shapes=[None, Dim.AUTO])
    assert not endless.symbols


@pytest.mark.parametrize("policy", ["zf0", {0: "n"}, 3, Dim("n"), Dim.DYNAMIC(min=1)])
def test_policies_that_no_float_has_are_refused(policy: Any) -> None:
    with pytest.raises(kiln.KilnError, match="no policy of a float") as raised:
        kiln.propagate(scaled_by_a_number(), [torch.ones(4), 2.5], dynamic_shapes=[None, policy])
    assert raised.value.reason == "BAD_INPUT_METADATA"


def test_a_symfloat_brings_its_symbol_and_its_hint() -> None:
    env = ShapeEnv()
    source = ConstantSource("scale")
    symbol = env.create_unspecified_symbol(0.1 + 0.2, source=source, dynamic_dim=DimDynamic.DYNAMIC)
    scale = env.create_symfloatnode(symbol, hint=0.1 + 0.2, source=source)

    result = kiln.propagate(scaled_by_a_number(), [torch.ones(4), scale * 1.1])

    assert {s.name: s.hint for s in result.symbols} == {symbol.name: 0.1 + 0.2}
    assert result["scale"] == ScalarValue("float", f"1.1*{symbol.name}")


@pytest.mark.parametrize("size", [1, 5, 6, 7, 12, 13])
@pytest.mark.parametrize("start", [0, 6])
def test_as_strided_beyond_the_storage_of_an_input_is_refused_as_eager_does(size: int, start: int) -> None:
    x = torch.arange(12.0)[start : start + 2]
    gm = make_fx(lambda x: x.as_strided((1,), (1,)))(x)
    next(node for node in gm.graph.nodes if node.op == "call_function").args = (
        next(iter(gm.graph.nodes)), [size], [1], start
    )  # fmt: skip
    gm.recompile()
    if start + size <= 12:
        gm(x)
        kiln.propagate(gm, [x])
        return
    with pytest.raises(RuntimeError, match="out of bounds for storage of size 48"):
        gm(x)
    with pytest.raises(kiln.KilnError, match="out of bounds for storage of size 48") as raised:
        kiln.propagate(gm, [x])
    assert raised.value.reason == "SHAPE_MISMATCH"


def test_a_storage_that_its_tensor_fills_grows_with_it() -> None:
    gm = make_fx(lambda x: x.as_strided((2, 4), (1, 2)))(torch.randn(4, 2))
    fixed = kiln.propagate(gm, [torch.randn(4, 2)], dynamic=True)
    assert [guard.condition for guard in fixed.guards] == ["s0*s1 >= 8"]
    # Two that share a storage say one size of it.
    both = make_fx(lambda x, y: x.as_strided((2, 4), (1, 2)) + y.as_strided((2, 4), (4, 1)))
    x = torch.randn(4, 2)
    kiln.propagate(both(x, x[:2]), [x, x[:2]], dynamic=True)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.eye(2).to_sparse(), "layout torch.sparse_coo is not supported"),
        (torch.eye(2).to_sparse_csr(), "layout torch.sparse_csr is not supported"),
        (torch.nested.nested_tensor([torch.ones(2)]), "nested tensors are not supported"),
        (torch.nested.nested_tensor([torch.ones(2)], layout=torch.jagged), "nested tensors are not supported"),
        (torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8), "dtype torch.qint8"),
    ],
)
def test_a_tensor_that_is_not_strided_is_refused(value: torch.Tensor, message: str) -> None:
    with pytest.raises(kiln.KilnError, match=f"input x: {message}") as raised:
        kiln.propagate(torch.fx.symbolic_trace(lambda x: x), [value])
    assert raised.value.reason == "UNCONVERTIBLE_NODE"


def test_an_integer_beyond_64_bits_is_refused() -> None:
    for value in (2**63, -(2**63) - 1):
        with pytest.raises(kiln.KilnError, match=f"input x: the integer {value} does not fit 64 bits") as raised:
            kiln.propagate(torch.fx.symbolic_trace(lambda x: x), [value])
        assert raised.value.reason == "UNCONVERTIBLE_NODE"


def test_symbols_of_two_shape_envs_are_not_taken_for_one() -> None:
    inputs = []
    for rows in (6, 8):
        mode = FakeTensorMode(shape_env=ShapeEnv())
        context = StatelessSymbolicContext(dynamic_sizes=[DimDynamic.DYNAMIC, DimDynamic.DYNAMIC])
        inputs.append(mode.from_tensor(torch.ones(rows, 4), symbolic_context=context))
    gm = make_fx(torch.add)(torch.ones(8, 4), torch.ones(8, 4))
    with pytest.raises(kiln.KilnError, match="is of another ShapeEnv") as raised:
        kiln.propagate(gm, inputs)
    assert raised.value.reason == "UNCONVERTIBLE_NODE"


def test_what_is_no_graph_module_is_refused() -> None:
    with pytest.raises(kiln.KilnError, match=r"Linear is given, where a torch\.fx\.GraphModule must be"):
        kiln.propagate(torch.nn.Linear(2, 2), [torch.ones(2)])


def test_bytes_that_are_no_module_are_refused() -> None:
    from kiln import _native

    with pytest.raises(kiln.KilnError) as raised:
        _native.propagate(b"\xff\xff")
    assert raised.value.reason == "MALFORMED_MESSAGE"
