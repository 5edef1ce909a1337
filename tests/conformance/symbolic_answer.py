"""Kiln's symbolic answers and PyTorch's answers, in a form in which they can be compared at given sizes.

An outcome is an error, or for each result its fixed parts (dtype, device, which
storage, bits) and its numbers (sizes, strides, offset). Data-dependent sizes
are compared by giving the unbacked symbols values, in order of appearance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from graph_text import DTYPES
from replay_program import answers
from size_text import compiled
from symbolic_call import DTYPE_OF, Call
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils._pytree import tree_leaves

# PyTorch's fake mode gives up: there is no answer to compare with.
NO_ANSWER = (
    DataDependentOutputException,
    DynamicOutputShapeException,
    GuardOnDataDependentSymNode,
    NotImplementedError,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
TENSOR = re.compile(r"^(\w+)\[(.*?)\] strides=\[(.*?)\] offset=(.*?) (\S+) storage=(\w+)( conj)?( neg)?$")
UNBACKED = re.compile(r"\b(u\d+)\b(?!:)")
UNBACKED_VALUES = tuple(range(1013, 1013 + 7 * 40, 7))
# No storage is larger: PyTorch refuses to make a tensor that needs one. Neither its guards nor ours speak of it;
# whoever runs a graph at such sizes hears it from the allocator.
MOST_BYTES = (1 << 63) - 1
OVERFLOW = "Storage size calculation overflowed"


@dataclass(frozen=True)
class Outcome:
    """`fixed` and `numbers`, or an error."""

    fixed: tuple[Any, ...] = ()
    numbers: tuple[Any, ...] = ()
    error: str = ""


class SymbolicAnswer:
    """What Kiln printed for a graph."""

    def __init__(self, lines: Sequence[str], names: tuple[str, ...]) -> None:
        self.guards = [line.removeprefix("guard: ") for line in lines if line.startswith("guard: ")]
        results = [line for line in lines if not line.startswith("guard: ")]
        self.error = results[0] if results and results[0].startswith("error: ") else ""
        self.results = results
        if self.error:
            return
        fixed: list[Any] = []
        numbers: list[str] = []
        for line in results:
            self._add(line, fixed, numbers)
        unbacked = sorted({u for text in numbers for u in UNBACKED.findall(text)}, key=lambda u: int(u[1:]))
        self.unbacked = UNBACKED_VALUES[: len(unbacked)]
        self.fixed = tuple(fixed)
        self.numbers = numbers
        self._function = compiled("(" + "".join(f"{n}, " for n in numbers) + ")", (*names, *unbacked))

    @staticmethod
    def _add(line: str, fixed: list[Any], numbers: list[str]) -> None:
        if line == "none":
            fixed.append("none")
            return
        match = TENSOR.match(line)
        if match is None:
            kind, text = line.split(" ", 1)
            fixed.append(kind)
            numbers.append(text)
            return
        dtype, sizes, strides, offset, device, storage, conj, neg = match.groups()
        dims, steps = split(sizes), split(strides)
        fixed.append((dtype, device, storage, bool(conj), bool(neg), len(dims)))
        numbers += [*dims, *steps, offset]

    def at(self, values: Sequence[int], empty: bool = False) -> Outcome:
        """Evaluated at sizes; what depends on data is 0 if `empty`. An error if a result is larger than any storage."""
        unbacked = (0,) * len(self.unbacked) if empty else self.unbacked
        out = Outcome(self.fixed, self._function(*values, *unbacked))
        return Outcome(error=OVERFLOW) if overflows(out) else out


def overflows(out: Outcome) -> bool:
    """Whether a result with a storage of its own has more bytes than a storage can have."""
    at = 0
    for part in out.fixed:
        if not isinstance(part, tuple):
            at += part != "none"
            continue
        dtype, _, storage, _, _, rank = part
        sizes, strides = out.numbers[at : at + rank], out.numbers[at + rank : at + 2 * rank]
        at += 2 * rank + 1
        if storage.startswith("new") and 0 not in sizes:
            last = sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
            if (last + 1) * DTYPE_OF[dtype].itemsize > MOST_BYTES:
                return True
    return False


def split(text: str) -> list[str]:
    """At commas outside of parentheses."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    tail = text[start:].strip()
    return [*parts, tail] if tail else parts


def propagate(program: str, graphs: Sequence[str]) -> list[list[str]]:
    """The lines that replay_graphs prints for each graph, guards behind the results."""
    return answers(program, graphs, "--guards")


class NumberReader:
    """Sizes of PyTorch's results as integers; backed symbols by `values`, unbacked ones by order of appearance."""

    def __init__(self, values: dict[Any, int] | None = None) -> None:
        self._values = values or {}
        self._unbacked: dict[Any, int] = {}

    def read(self, value: Any) -> Any:
        if isinstance(value, (bool, int, float)):
            return value
        expr = value.node.expr
        symbols = sorted(expr.free_symbols - self._values.keys(), key=lambda s: int(str(s).lstrip("uzf")))
        for symbol in symbols:
            self._unbacked.setdefault(symbol, UNBACKED_VALUES[len(self._unbacked)])
        given = {str(k): v for k, v in (*self._values.items(), *self._unbacked.items())}
        return compiled(str(expr), tuple(given))(*given.values())


def outcome(call: Call, tensors: Sequence[torch.Tensor], result: Any, reader: NumberReader) -> Outcome:
    if not call.has_results:
        return Outcome()
    storages: dict[int, str] = {}
    for i, t in enumerate(tensors):
        storages.setdefault(t.untyped_storage()._cdata, f"t{i}")
    fixed: list[Any] = []
    numbers: list[Any] = []
    new = 0
    for value in tree_leaves(result, is_leaf=lambda v: v is None):
        if isinstance(value, torch.Tensor):
            key = value.untyped_storage()._cdata
            if key not in storages:
                storages[key] = f"new{new}"
                new += 1
            dtype = DTYPES.get(value.dtype, str(value.dtype))
            device = str(value.device)
            fixed.append((dtype, device, storages[key], value.is_conj(), value.is_neg(), value.dim()))
            for number in (*value.shape, *value.stride(), value.storage_offset()):
                numbers.append(number if type(number) is int else reader.read(number))
        elif value is None:
            fixed.append("none")
        else:
            kinds = ((bool, torch.SymBool), (int, torch.SymInt), (float, torch.SymFloat))
            fixed.append(next(k[0].__name__ for k in kinds if isinstance(value, k)))
            numbers.append(reader.read(value))
    return Outcome(tuple(fixed), tuple(numbers))


def ask(call: Call, values: dict[str, Any], reader: NumberReader) -> Outcome | None:
    """PyTorch's answer under the active fake mode. None where it has none."""
    tensors, args, kwargs = call.arguments(values)
    try:
        result = call.func(*args, **kwargs)
    except NO_ANSWER:
        return None
    except Exception as error:
        if OVERFLOW in str(error):
            return Outcome(error=OVERFLOW)
        return Outcome(error=f"{type(error).__name__}: {str(error)[:200]}")
    return outcome(call, tensors, result, reader)
