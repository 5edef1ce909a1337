"""The tensors that a program starts from: the same numbers each time, laid out as its inputs say."""

from __future__ import annotations

import random

import torch
from program import Input, Program, Sizes

_SPECIALS = (float("inf"), float("-inf"), float("nan"), 0.0, -0.0, 1e-40, 1e30)


def make_inputs(program: Program, sizes: Sizes) -> list[torch.Tensor]:
    return [make_input(program, one, sizes) for one in program.inputs]


def make_input(program: Program, one: Input, sizes: Sizes) -> torch.Tensor:
    """A tensor of its own in a storage of its own."""
    shape, strides, offset = one.layout(sizes)
    reach = 0 if 0 in shape else 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    storage = _numbers(program, one, offset + reach)
    tensor = torch.empty(0, dtype=one.dtype).set_(storage.untyped_storage(), offset, shape, strides)
    return tensor.requires_grad_(one.requires_grad)


def _numbers(program: Program, one: Input, count: int) -> torch.Tensor:
    # A string as seed gives the same numbers in every process.
    choice = random.Random(f"{program.seed} {one.name}")
    generator = torch.Generator().manual_seed(choice.getrandbits(31))
    if one.values:
        return torch.randint(one.values[0], one.values[1] + 1, (count,), generator=generator).to(one.dtype)
    if one.dtype is torch.bool:
        return torch.rand(count, generator=generator) < choice.choice([0.1, 0.5, 0.9])
    if not one.dtype.is_floating_point:
        low = 0 if one.dtype is torch.uint8 else -7
        return torch.randint(low, 10, (count,), generator=generator).to(one.dtype)
    numbers = torch.randn(count, generator=generator, dtype=torch.float64)
    # Multiples of a half are often equal, and their sums are exact.
    if choice.random() < 0.3:
        numbers = (2 * numbers).round() / 2
    numbers = numbers.to(one.dtype)
    if program.specials and count:
        places = torch.randint(0, count, (max(1, count // 8),), generator=generator)
        # Of a place that comes twice the last counts: index_put's threads would race for it.
        special = {place: choice.choice(_SPECIALS) for place in places.tolist()}
        numbers[list(special)] = torch.tensor(list(special.values()), dtype=torch.float64).to(one.dtype)
    return numbers
