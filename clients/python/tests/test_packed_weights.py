"""Weights that are kept in a library's layout: what is computed is what the weights are now."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Server
from torch import nn

import kiln

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch was built without oneDNN")

PACKED = {"pack_weights": True}


Made = tuple[nn.Module, torch.Tensor]


def _linear() -> Made:
    return nn.Sequential(nn.Linear(24, 40), nn.ReLU(), nn.Linear(40, 8, bias=False)), torch.randn(5, 24)


def _bfloat16() -> Made:
    model, x = _linear()
    return model.to(torch.bfloat16), x.to(torch.bfloat16)


def _convolution() -> Made:
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1, stride=2, bias=False)]
    x = torch.randn(2, 3, 12, 12).to(memory_format=torch.channels_last)
    return nn.Sequential(*layers), x


class Transposed(nn.Module):
    """Its weights have a column for each feature of the result, as GPT-2's."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(24, 40))
        self.last = nn.Parameter(torch.randn(40, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x @ self.weight) @ self.last


def _transposed_bfloat16() -> Made:
    return Transposed().to(torch.bfloat16), torch.randn(5, 24).to(torch.bfloat16)


_HAS_BFLOAT16 = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
MODELS: list[Callable[[], Made]] = [
    _linear,
    _convolution,
    *([_bfloat16, _transposed_bfloat16] if _HAS_BFLOAT16 else []),
]


def _packed() -> int:
    gc.collect()
    return sum(variant["packed_weights"] for graph in kiln.graphs() for variant in graph["variants"])


def _weights(model: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.dim() > 1]


class Checked:
    """A model compiled so, each call of which is held against eager."""

    def __init__(self, model: nn.Module, **options: Any) -> None:
        self.model = model
        self.compiled = torch.compile(model, backend="kiln", options=PACKED, **options)

    def __call__(self, x: torch.Tensor) -> None:
        with torch.no_grad():
            torch.testing.assert_close(self.compiled(x), self.model(x))


@pytest.mark.parametrize("make", MODELS)
def test_a_weight_is_packed_when_two_calls_saw_it_unchanged(
    on_server: Server, eager_calls: Any, make: Callable[[], Made]
) -> None:
    model, x = make()
    checked = Checked(model)
    packed = []
    for _ in range(4):
        checked(x)
        packed.append(_packed())
    assert packed == [0, 2, 2, 2]
    assert eager_calls() == 0


@pytest.mark.parametrize("make", MODELS)
def test_what_is_written_in_place_is_seen(on_server: Server, eager_calls: Any, make: Callable[[], Made]) -> None:
    model, x = make()
    checked = Checked(model)
    for _ in range(3):
        for _ in range(2):
            checked(x)
        assert _packed() == 2
        with torch.no_grad():
            for weight in _weights(model):
                weight.mul_(1.5)
        checked(x)
        assert _packed() == 0
    assert eager_calls() == 0


def test_a_step_of_an_optimizer_and_a_loaded_state_are_seen(on_server: Server) -> None:
    model, x = _linear()
    state = {name: torch.randn_like(value) for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    checked = Checked(model)
    for _ in range(3):
        checked(x)
    assert _packed() == 2
    model(x).square().sum().backward()
    optimizer.step()
    for _ in range(3):
        checked(x)
    model.load_state_dict(state)
    for _ in range(3):
        checked(x)
    assert _packed() == 2


def test_a_weight_may_be_replaced(on_server: Server) -> None:
    model, x = _linear()
    checked = Checked(model)
    for _ in range(3):
        checked(x)
    first = model[0]
    first.weight = nn.Parameter(torch.randn(40, 24))
    for _ in range(3):
        checked(x)
    # The parameter stays what it is, its memory is another.
    first.weight.data = torch.randn(40, 24)
    for _ in range(3):
        checked(x)
    model[2].weight = nn.Parameter(torch.randn(40, 8).t())
    for _ in range(3):
        checked(x)


def test_batches_of_other_sizes_use_what_is_packed(on_server: Server) -> None:
    model, _ = _linear()
    checked = Checked(model, dynamic=True)
    for batch in (4, 7, 2, 33):
        checked(torch.randn(batch, 24))
    assert _packed() == 2


def test_a_weight_that_has_rows_already_is_used_as_it_is(on_server: Server) -> None:
    checked = Checked(Transposed())
    for _ in range(3):
        checked(torch.randn(5, 24))
    assert _packed() == 0


def test_training_packs_nothing(on_server: Server) -> None:
    model, x = _linear()
    compiled = torch.compile(model, backend="kiln", options=PACKED)
    for _ in range(3):
        compiled(x).sum().backward()
    assert _packed() == 0


def test_an_argument_is_no_weight(on_server: Server) -> None:
    compiled = torch.compile(torch.mm, backend="kiln", options=PACKED)
    x, w = torch.randn(4, 5), torch.randn(5, 6)
    for _ in range(3):
        torch.testing.assert_close(compiled(x, w), x @ w)
    assert _packed() == 0


def test_a_weight_without_a_version_is_used_as_it_is(on_server: Server) -> None:
    with torch.inference_mode():
        model, x = _linear()
    compiled = torch.compile(model, backend="kiln", options=PACKED)
    with torch.inference_mode():
        for _ in range(3):
            torch.testing.assert_close(compiled(x), model(x))
    assert _packed() == 0


def _weight_of_array(model: nn.Module) -> weakref.ref[np.ndarray[Any, Any]]:
    """Gives the first layer a weight whose memory is an array's, which the reference sees die."""
    array = np.random.default_rng(0).standard_normal((40, 24), dtype=np.float32)
    model[0].weight = nn.Parameter(torch.from_numpy(array))  # type: ignore[index]
    return weakref.ref(array)


def test_memory_dies_with_its_weight_or_with_the_code(on_server: Server) -> None:
    model, x = _linear()
    first = _weight_of_array(model)
    checked = Checked(model)
    for _ in range(2):
        checked(x)
    second = _weight_of_array(model)
    assert first() is not None
    for _ in range(2):
        checked(x)
    gc.collect()
    assert first() is None
    assert second() is not None
    del model, checked
    torch._dynamo.reset()
    gc.collect()
    assert second() is None
    assert _packed() == 0
