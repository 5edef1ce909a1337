"""Maximum pools against eager, bit for bit: values and indices, where a window has to choose."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from conftest import Server
from torch.nn import functional as F

FLOATS = [torch.float32, torch.float64, torch.bfloat16, torch.float16]
INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
BITS = {8: torch.int64, 4: torch.int32, 2: torch.int16}

# Kernel, stride, padding, dilation, ceil_mode.
WINDOWS: list[tuple[int, int, int, int, bool]] = [
    (2, 2, 0, 1, False),
    (3, 2, 1, 1, False),
    (3, 1, 1, 1, False),
    (3, 2, 1, 1, True),
    (2, 1, 1, 3, False),
    (5, 3, 2, 1, True),
]


def _of_few_values(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Numbers so few that every window has equal ones; of floats both zeros, infinities and NaNs among them."""
    numbers = [0.0, 1.0, 2.0, 3.0]
    if dtype.is_floating_point:
        numbers += [-0.0, -1.5, float("inf"), float("-inf"), float("-inf"), float("nan")]
    elif dtype.is_signed:
        numbers += [float(torch.iinfo(torch.int8).min), -1.0]
    table = torch.tensor(numbers, dtype=torch.float64).to(dtype)
    return table[torch.randint(len(numbers), shape)]


def _inputs(dims: int, dtype: torch.dtype) -> list[torch.Tensor]:
    shape = (2, 3, *((11, 10, 9)[:dims]))
    least = float("-inf") if dtype.is_floating_point else torch.iinfo(dtype).min
    inputs = [_of_few_values(shape, dtype), torch.full(shape, least, dtype=dtype)]
    if dtype.is_floating_point:
        zeros = torch.zeros(shape, dtype=dtype)
        inputs += [zeros.where(torch.rand(shape) < 0.5, -zeros), torch.full(shape, float("nan"), dtype=dtype)]
    return inputs


def _assert_same_bits(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert ours.dtype is theirs.dtype
    assert ours.stride() == theirs.stride()
    if ours.dtype.is_floating_point:
        as_bits = BITS[ours.dtype.itemsize]
        ours, theirs = ours.view(as_bits), theirs.view(as_bits)
    assert torch.equal(ours, theirs)


def _pools(functional: Any, x: torch.Tensor) -> list[torch.Tensor]:
    """Values and indices of all windows, in one graph."""
    return [result for window in WINDOWS for result in functional(x, *window, return_indices=True)]


def _check(pools: Any, inputs: list[torch.Tensor], dynamic: bool = False) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(pools, backend="kiln", dynamic=dynamic)
    for x in inputs:
        for ours, theirs in zip(compiled(x), pools(x), strict=True):
            _assert_same_bits(ours, theirs)


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_planes(on_server: Server, eager_calls: Any, dtype: torch.dtype, dynamic: bool) -> None:
    for layout in [torch.contiguous_format, torch.channels_last]:
        inputs = [x.to(memory_format=layout) for x in _inputs(2, dtype)]
        _check(functools.partial(_pools, F.max_pool2d), inputs, dynamic)
    assert eager_calls() == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64], ids=str)
@pytest.mark.parametrize("dims", [1, 3])
def test_lines_and_volumes(on_server: Server, eager_calls: Any, dtype: torch.dtype, dims: int) -> None:
    functional = {1: F.max_pool1d, 3: F.max_pool3d}[dims]
    _check(functools.partial(_pools, functional), _inputs(dims, dtype))
    assert eager_calls() == 0


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_activation_before_a_pool(on_server: Server, eager_calls: Any, dtype: torch.dtype) -> None:
    """The pool as models have it, where the producer is fused into the windows."""
    _check(lambda x: _pools(F.max_pool2d, torch.relu(x)), _inputs(2, dtype))
    assert eager_calls() == 0
