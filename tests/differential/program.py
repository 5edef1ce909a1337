"""A graph of ATen calls with what it takes to run it: shapes at two sets of sizes, strides, a seed for the numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from size_formula import value_of

# Size symbol -> its size.
Sizes = Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Ref:
    """A value as an argument."""

    name: str


@dataclasses.dataclass(frozen=True)
class Input:
    """Sizes, strides and offset are formulas over size symbols; `strides` None: contiguous."""

    name: str
    dtype: torch.dtype
    sizes: tuple[str, ...]
    strides: tuple[str, ...] | None = None
    offset: str = "0"
    requires_grad: bool = False
    # The smallest and the largest number in it, for what is used as an index.
    values: tuple[int, int] | None = None

    def layout(self, sizes: Sizes) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        """Sizes, strides and offset in numbers."""
        shape = tuple(value_of(size, sizes) for size in self.sizes)
        if self.strides is None:
            return shape, _contiguous(shape), value_of(self.offset, sizes)
        return shape, tuple(value_of(stride, sizes) for stride in self.strides), value_of(self.offset, sizes)


def _contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return tuple(reversed(strides))


@dataclasses.dataclass(frozen=True)
class Node:
    """`args` and `kwargs` hold literals, tuples, dtypes, memory formats and Refs. A result "_" is used by nobody."""

    results: tuple[str, ...]
    op: str
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...] = ()

    @property
    def used(self) -> Iterator[str]:
        yield from _names(self.args)
        yield from _names(tuple(value for _, value in self.kwargs))

    @property
    def mutates(self) -> bool:
        return self.op.split(".")[1].endswith("_") and not self.op.split(".")[1].startswith("__")


def _names(argument: Any) -> Iterator[str]:
    if isinstance(argument, Ref):
        yield argument.name
    elif isinstance(argument, tuple):
        for part in argument:
            yield from _names(part)


@dataclasses.dataclass(frozen=True)
class Program:
    """`symbols`: name -> the size that it is compiled with and another one that the artifact is asked for."""

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    symbols: tuple[tuple[str, tuple[int, int]], ...] = ()
    seed: int = 0
    check_bounds: bool = False
    # Whether infinities, NaN, zeros of both signs and denormals are among the numbers.
    specials: bool = False

    @property
    def gradient(self) -> bool:
        return any(one.requires_grad for one in self.inputs)

    @property
    def first(self) -> dict[str, int]:
        return {name: pair[0] for name, pair in self.symbols}

    @property
    def second(self) -> dict[str, int]:
        return {name: pair[1] for name, pair in self.symbols}

    def pruned(self) -> Program:
        """Without inputs, symbols and nodes that nothing needs; what writes into memory is needed."""
        needed = set(self.outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if node.mutates or needed.intersection(node.results):
                needed.update(node.used)
                kept.append(node)
        inputs = tuple(one for one in self.inputs if one.name in needed)
        formulas = " ".join(formula for one in inputs for formula in (*one.sizes, *(one.strides or ()), one.offset))
        symbols = tuple((name, pair) for name, pair in self.symbols if name in formulas)
        return dataclasses.replace(self, inputs=inputs, nodes=tuple(reversed(kept)), symbols=symbols)


def substituted(argument: Any, replace: Callable[[Any], Any]) -> Any:
    """An argument with `replace` done to every part that is no tuple."""
    if isinstance(argument, tuple):
        return tuple(substituted(part, replace) for part in argument)
    return replace(argument)
