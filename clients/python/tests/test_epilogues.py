"""Activations and sums that oneDNN computes with a product or a convolution, against eager."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from conftest import Server
from torch import nn
from torch.nn import functional as F

import kiln

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch was built without oneDNN")

EPILOGUES = {"all_epilogues": True}
Function = Callable[[torch.Tensor], torch.Tensor]


def _new_gelu(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x * (1.0 + torch.tanh((2.0 / torch.pi) ** 0.5 * (x + 0.044715 * torch.pow(x, 3.0))))


def _leaky_relu(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, 0.2)


def _hardtanh(x: torch.Tensor) -> torch.Tensor:
    return F.hardtanh(x, -0.3, 0.7)


def _tanh_gelu(x: torch.Tensor) -> torch.Tensor:
    return F.gelu(x, approximate="tanh")


ACTIVATIONS: list[Function] = [
    torch.relu,
    torch.sigmoid,
    torch.tanh,
    F.hardsigmoid,
    F.hardswish,
    F.relu6,
    F.silu,
    F.gelu,
    _tanh_gelu,
    _new_gelu,
    _leaky_relu,
    _hardtanh,
]


class Product(nn.Module):
    def __init__(self, after: Callable[..., torch.Tensor], bias: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(24, 40, bias=bias)
        self.after = after

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.after(self.linear(inputs[0]), *inputs[1:])


class Convolution(nn.Module):
    def __init__(self, after: Callable[..., torch.Tensor], bias: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(6, 10, 3, padding=1, bias=bias)
        self.after = after

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.after(self.convolution(inputs[0]), *inputs[1:])


def _input(module: type[nn.Module]) -> torch.Tensor:
    if module is Product:
        return torch.randn(3, 5, 24)
    return torch.randn(2, 6, 9, 11).to(memory_format=torch.channels_last)


def _extern_ops() -> dict[str, Any]:
    called: dict[str, Any] = kiln.graphs()[-1]["variants"][-1]["extern_ops"]
    return called


def _dtypes() -> list[torch.dtype]:
    has_bfloat16 = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return [torch.float32, *([torch.bfloat16] if has_bfloat16 else [])]


def _assert_as_good(ours: torch.Tensor, theirs: torch.Tensor, exact: torch.Tensor) -> None:
    """As close as float32 has to be; bfloat16, which eager rounds between operators, as close to what is exact."""
    if ours.dtype is torch.float32:
        torch.testing.assert_close(ours, theirs)
        return
    error, eagers = ((tensor.double() - exact).abs().max() for tensor in (ours, theirs))
    assert error <= 2 * eagers


def _check(model: nn.Module, inputs: list[torch.Tensor], op: str) -> None:
    """That one call of `op` is all of the model, and that it gives what eager gives."""
    compiled = torch.compile(model, backend="kiln", options=EPILOGUES)
    with torch.no_grad():
        ours, theirs = compiled(*inputs), model(*inputs)
        exact = copy.deepcopy(model).double()(*(tensor.double() for tensor in inputs))
    assert ours.stride() == theirs.stride()
    _assert_as_good(ours, theirs, exact)
    assert _extern_ops()[op] == {"call_sites": 1, "way": "typed"}
    assert kiln.graphs()[-1]["variants"][-1]["kernels"] == []


@pytest.mark.parametrize("dtype", _dtypes(), ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("module", [Product, Convolution])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.__name__)
def test_activations(
    on_server: Server, eager_calls: Any, activation: Function, module: type[nn.Module], bias: bool, dtype: torch.dtype
) -> None:
    op = "mkldnn._linear_pointwise.default" if module is Product else "mkldnn._convolution_pointwise.default"
    _check(module(activation, bias).to(dtype), [_input(module).to(dtype)], op)
    assert eager_calls() == 0


@pytest.mark.parametrize("dtype", _dtypes(), ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("module", [Product, Convolution])
def test_sums(on_server: Server, eager_calls: Any, module: type[nn.Module], bias: bool, dtype: torch.dtype) -> None:
    model = module(torch.add, bias).to(dtype)
    x = _input(module).to(dtype)
    op = "mkldnn._linear_pointwise.binary" if module is Product else "mkldnn._convolution_pointwise.binary"
    with torch.no_grad():
        addend = torch.randn_like(model(x, torch.zeros(1, dtype=dtype)))
    before = addend.clone()
    _check(model, [x, addend], op)
    assert torch.equal(addend, before)
    assert eager_calls() == 0


@pytest.mark.parametrize("dtype", _dtypes(), ids=str)
def test_relu_of_the_sum_with_a_convolution(on_server: Server, eager_calls: Any, dtype: torch.dtype) -> None:
    model = Convolution(lambda c, other: torch.relu(other + c), bias=True).to(dtype)
    x = _input(Convolution).to(dtype)
    addend = torch.randn(2, 10, 9, 11).to(dtype).to(memory_format=torch.channels_last)
    _check(model, [x, addend], "mkldnn._convolution_pointwise.binary")
    assert eager_calls() == 0


def test_sizes_may_be_symbols(on_server: Server, eager_calls: Any) -> None:
    model = Product(F.gelu, bias=True)
    compiled = torch.compile(model, backend="kiln", dynamic=True, options=EPILOGUES)
    with torch.no_grad():
        for batch in (3, 2, 17):
            x = torch.randn(batch, 5, 24)
            torch.testing.assert_close(compiled(x), model(x))
    assert "mkldnn._linear_pointwise.default" in _extern_ops()
    assert eager_calls() == 0


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.__name__)
def test_by_themselves_only_those_that_keep_what_is_not_finite(
    on_server: Server, activation: Function, value: float
) -> None:
    model = Convolution(activation, bias=True)
    x = _input(Convolution)
    x[0, 0, 0, 0] = value
    with torch.no_grad():
        ours, theirs = torch.compile(model, backend="kiln")(x), model(x)
    torch.testing.assert_close(ours, theirs, equal_nan=True)
    inexact = activation in (torch.relu, F.relu6, F.hardsigmoid, F.gelu, _hardtanh)
    assert list(_extern_ops()) == ["aten.convolution.default" if inexact else "mkldnn._convolution_pointwise.default"]


def test_what_the_backward_pass_needs_is_no_epilogue(on_server: Server, eager_calls: Any) -> None:
    model, reference = Product(F.gelu, bias=True), Product(F.gelu, bias=True)
    reference.load_state_dict(model.state_dict())
    x = _input(Product)
    torch.compile(model, backend="kiln", options=EPILOGUES)(x).square().sum().backward()
    reference(x).square().sum().backward()
    for ours, theirs in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    assert eager_calls() == 0


def test_a_relu_in_training_needs_its_result_only(on_server: Server, eager_calls: Any) -> None:
    model, reference = Product(torch.relu, bias=True), Product(torch.relu, bias=True)
    reference.load_state_dict(model.state_dict())
    x = _input(Product)
    loss = torch.compile(model, backend="kiln", options=EPILOGUES)(x).square().sum()
    forward = next(graph for graph in reversed(kiln.graphs()) if graph["role"] == "forward")
    assert "mkldnn._linear_pointwise.default" in forward["variants"][-1]["extern_ops"]
    loss.backward()
    reference(x).square().sum().backward()
    for ours, theirs in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    assert eager_calls() == 0


@pytest.mark.parametrize("module", [Product, Convolution])
def test_by_themselves_only_those_that_pay(on_server: Server, module: type[nn.Module]) -> None:
    model, x = module(torch.sigmoid, bias=True), _input(module).contiguous()
    with torch.no_grad():
        torch.testing.assert_close(torch.compile(model, backend="kiln")(x), model(x))
    # The bias of a product is added where its activation is computed.
    assert list(_extern_ops()) == ["aten.mm.out" if module is Product else "aten.convolution.default"]


@pytest.mark.parametrize("option", [True, False])
def test_an_activation_of_a_convolution_in_channels_last_pays(on_server: Server, option: bool) -> None:
    model = Convolution(F.silu, bias=True)
    x = _input(Convolution)
    with torch.no_grad():
        ours, theirs = torch.compile(model, backend="kiln", options={"library_epilogues": option})(x), model(x)
    torch.testing.assert_close(ours, theirs)
    assert ours.stride() == theirs.stride()
    assert list(_extern_ops()) == ["mkldnn._convolution_pointwise.default" if option else "aten.convolution.default"]
