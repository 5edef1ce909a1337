"""Draws a node from a row of op_rows.py: each word of its pattern has a function here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from drawing import KINDS, Drawing, Refused
from op_rows import OpRow
from program import Ref

_CONSTANTS: dict[str, Any] = {
    "none": None, "false": False, "true": True, "zero": 0, "one": 1, "floor": "floor", "trunc": "trunc",
}  # fmt: skip
_LARGEST_RANK = 6
# Operators that show the sign of a NaN, which is the processor's affair.
_OF_SIGNS = ("aten.signbit.default", "aten.copysign.Tensor")


def draw_row(drawing: Drawing, row: OpRow) -> None:
    if drawing.program.specials and row.op in _OF_SIGNS:
        raise Refused
    arguments = _Arguments(drawing)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for word in row.pattern:
        name, is_named, value = word.rpartition("=")
        drawn = arguments.draw(value)
        if is_named:
            kwargs[name] = drawn
        else:
            args.append(drawn)
    drawing.add(row.op, *args, results=row.num_results, **kwargs)


class _Arguments:
    """Arguments of one node, in order: later ones fit the first tensor."""

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._random = drawing.random
        self._first: Ref | None = None

    def draw(self, word: str) -> Any:
        if word in _CONSTANTS:
            return _CONSTANTS[word]
        if word.isdigit():
            return int(word)
        if word in _WORDS:
            return _WORDS[word](self)
        return self._tensor(word)

    @property
    def first(self) -> torch.Tensor:
        assert self._first is not None
        return self._drawing.tensor(self._first.name)

    def _tensor(self, word: str) -> Ref:
        kind, _, ranks = word.partition(":")
        if kind in ("like", "like_into"):
            return self._like(ranks, into=kind == "like_into")
        if kind == "same":
            ref = self._drawing.pick_like(self._the_first(), same_dtype=True)
            return in_domain(self._drawing, ref, ranks) if ranks.startswith("~") else ref
        ref = self._pick(kind, ranks)
        self._first = self._first or ref
        return ref

    def _pick(self, kind: str, ranks: str) -> Ref:
        lowest = int(ranks.rstrip("+") or 0)
        allowed = range(lowest, _LARGEST_RANK if ranks.endswith("+") or not ranks else lowest + 1)
        if kind.startswith("~"):
            return in_domain(self._drawing, self._drawing.pick("num" if kind == "~small" else "float", allowed), kind)
        return self._drawing.pick(kind, allowed)

    def _like(self, kind: str, into: bool) -> Ref:
        first = self._the_first()
        if kind.startswith("~"):
            integer = KINDS["int"](self.first.dtype)
            return in_domain(self._drawing, self._drawing.pick_like(first, "int" if integer else "num"), kind)
        if kind == "same":
            return self._drawing.pick_like(first, same_dtype=True)
        # What is written into a tensor must not be of a larger kind.
        is_integer = KINDS["int"](self.first.dtype)
        return self._drawing.pick_like(first, "int" if into and kind == "num" and is_integer else kind)

    def _the_first(self) -> Ref:
        assert self._first is not None
        return self._first

    def matrix(self) -> Ref:
        """A right operand for the first one, a matrix."""
        first = self._the_first()
        rows = self._drawing.formula(first.name, 1)
        fits = self._drawing.names(
            lambda t: t.dim() == 2 and t.dtype == self.first.dtype and t.shape[0] == self.first.shape[1]
        )
        if fits and self._random.random() < 0.5:
            return Ref(self._random.choice(fits))
        return self._drawing.add_input(self.first.dtype, [rows, self._random.choice(self._drawing.palette)])

    def scalar(self) -> Any:
        if self.first.dtype.is_floating_point:
            return self._random.choice([0.5, -1.25, 2.0, 0.1, -0.3, 1, 0.0, 3])
        return self._random.choice([0, 1, 2, 3, 5] if self.first.dtype is torch.uint8 else [0, 1, 2, -1, 3, 5])

    def positive(self) -> Any:
        return self._random.choice([0.5, 2.0, 0.7, 3.0]) if self.first_is_float() else self._random.choice([1, 2, 3, 7])

    def first_is_float(self) -> bool:
        return self._first is None or self.first.dtype.is_floating_point

    def dim(self) -> int:
        rank = self.first.dim()
        if not rank:
            raise Refused
        return self._random.randrange(-rank, rank)

    def dims(self, at_least: int = 0) -> list[int]:
        rank = self.first.dim()
        count = self._random.choice([at_least, 1, 1, 1, 2, rank])
        return sorted(self._random.sample(range(rank), min(rank, max(count, at_least))))

    def keep(self) -> bool:
        return self._random.random() < 0.4


def in_domain(drawing: Drawing, ref: Ref, domain: str) -> Ref:
    """A value computed from one, that lies where an operator is well-behaved."""
    is_float = drawing.tensor(ref.name).dtype.is_floating_point
    if domain == "~small":
        # What each integer type holds: a float beyond it has no conversion.
        return drawing.one("aten.clamp.default", ref, 0, 100)
    if domain == "~positive":
        absolute = drawing.one("aten.abs.default", ref)
        op, number = ("aten.add.Scalar", 0.5) if is_float else ("aten.clamp_min.default", 1)
        return drawing.one(op, absolute, number)
    if domain == "~above_one":
        return drawing.one("aten.add.Scalar", drawing.one("aten.abs.default", ref), 1.25)
    low, high = {"~unit": (-0.95, 0.95), "~half": (-0.5, 0.5), "~inner": (0.05, 0.95)}[domain]
    return drawing.one("aten.clamp.default", ref, low, high)


_WORDS: dict[str, Callable[[_Arguments], Any]] = {
    "scalar": _Arguments.scalar,
    "positive": _Arguments.positive,
    "small_int": lambda a: a._random.choice([-1, 0, 1, 2, 2, 3]),
    "small_ints1": lambda a: [a._random.choice([-2, 1, 3])],
    "shift": lambda a: a._random.choice([0, 1, 2]),
    "real": lambda a: a._random.choice([0.01, 0.25, 0.5, 0.9]),
    "dim": _Arguments.dim,
    "dim_of_more": lambda a: a._random.randrange(-a.first.dim() - 1, a.first.dim() + 1),
    "dims": _Arguments.dims,
    "dims1": lambda a: a.dims(1),
    "dims_one": lambda a: [a.dim()],
    "keep": _Arguments.keep,
    "correction": lambda a: a._random.choice([0, 1, 1, 2]),
    "norm": lambda a: a._random.choice([0, 1, 2, 2, 3, float("inf")]),
    "dtype": lambda a: a._drawing.dtype_of("any"),
    "float_dtype": lambda a: a._drawing.dtype_of("float"),
    "matrix": _Arguments.matrix,
}
