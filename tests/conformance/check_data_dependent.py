"""Operators whose sizes or scalars depend on data, ours and those of PyTorch's fake mode with a ShapeEnv.

    python tests/conformance/check_data_dependent.py REPLAY

Compared for each short program: dtype, sizes, strides and offset of every
result, with unbacked symbols matched by order of appearance, so that asking the
same data twice must give one symbol, and another after a write; the range of
each symbol; what is asserted when the code runs, as a predicate; and whether
both refuse. Where we differ on purpose, DEVIATIONS says why.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from graph_text import DTYPES
from replay_program import answers
from size_text import evaluate
from symbolic_answer import TENSOR, split
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

aten = torch.ops.aten
DTYPE_OF = {text: dtype for dtype, text in DTYPES.items()}
# Of symbols in order of appearance, for sizes: large and different, so that no stride is doubtful.
VALUES = tuple(range(101, 101 + 40 * 6, 6))
GRID = (*range(-2, 15), 100)

# Inputs, one step a line, and what PyTorch does for each step, in turn, on the
# values so far: `x` and `i` are the first two inputs, `r` the results.
Step = tuple[str, Callable[..., Any]]


@dataclass(frozen=True)
class Case:
    name: str
    inputs: str
    steps: Sequence[Step]


def _none(value: Any) -> tuple[()]:
    del value
    return ()


def _bools(x: str = "f32[3, 4]") -> list[Case]:
    mask = x.replace("f32", "bool")
    return [
        Case("masked_select", f"%x: {x}, %i: {mask}",
             [("aten.masked_select.default(%x, %i)", lambda x, i, r: aten.masked_select(x, i))] * 2),
        Case("index by a mask", f"%x: {x}, %i: {mask}",
             [("aten.index.Tensor(%x, [%i])", lambda x, i, r: aten.index(x, [i]))] * 2),
        Case("index by a mask of a dimension", "%x: f32[3, 4], %i: bool[4]",
             [("aten.index.Tensor(%x, [none, %i])", lambda x, i, r: aten.index(x, [None, i]))]),
    ]  # fmt: skip


NONZERO: Step = ("aten.nonzero.default(%x)", lambda x, i, r: aten.nonzero(x))
ITEM: Step = ("aten.item.default(%x)", lambda x, i, r: aten.item(x))
ITEM_I: Step = ("aten.item.default(%i)", lambda x, i, r: aten.item(i))
UNIQUE: Step = ("aten._unique2.default(%x, true, true, true)", lambda x, i, r: aten._unique2(x, True, True, True))


def _check(text: str, test: Callable[[Any], Any]) -> list[Step]:
    """An assertion on the item that was read in step 0."""
    return [
        (f"sym.{text}", lambda x, i, r: test(r[0])),
        ('aten._assert_scalar.default(%r1, "")', lambda x, i, r: _none(torch._check(r[1]))),
    ]


CASES = [
    Case("nonzero twice", "%x: f32[3, 4]", [NONZERO, NONZERO]),
    Case("nonzero of a scalar", "%x: f32[]", [NONZERO]),
    Case("nonzero after a write", "%x: i64[4]",
         [NONZERO, ("aten.add_.Tensor(%x, 1)", lambda x, i, r: aten.add_(x, 1)), NONZERO]),
    Case("nonzero after a write through a view", "%x: f32[4]",
         [NONZERO, ("aten.view.default(%x, [2, 2])", lambda x, i, r: aten.view(x, [2, 2])),
          ("aten.zero_.default(%r1)", lambda x, i, r: aten.zero_(r[1])), NONZERO]),
    Case("nonzero of two tensors", "%x: f32[4], %i: f32[4]",
         [NONZERO, ("aten.nonzero.default(%i)", lambda x, i, r: aten.nonzero(i))]),
    Case("_unique2", "%x: f32[3, 4]", [UNIQUE, UNIQUE]),
    Case("_unique2 of a vector", "%x: i64[7]",
         [("aten._unique2.default(%x)", lambda x, i, r: aten._unique2(x))]),
    Case("unique_consecutive", "%x: f32[3, 4]",
         [("aten.unique_consecutive.default(%x, true, true)",
           lambda x, i, r: aten.unique_consecutive(x, True, True))]),
    Case("unique_dim", "%x: f32[3, 4]",
         [("aten.unique_dim.default(%x, 0, true, true, true)",
           lambda x, i, r: aten.unique_dim(x, 0, True, True, True))]),
    *_bools(),
    Case("bincount", "%x: i64[5]", [("aten.bincount.default(%x)", lambda x, i, r: aten.bincount(x))]),
    Case("repeat_interleave", "%x: i64[5]",
         [("aten.repeat_interleave.Tensor(%x)", lambda x, i, r: aten.repeat_interleave(x))]),
    Case("repeat_interleave to a size", "%x: i64[5]",
         [("aten.repeat_interleave.Tensor(%x, output_size=9)",
           lambda x, i, r: aten.repeat_interleave(x, output_size=9))]),
    Case("_pack_padded_sequence", "%x: f32[5, 3, 2], %i: i64[3]",
         [("aten._pack_padded_sequence.default(%x, %i, false)",
           lambda x, i, r: aten._pack_padded_sequence(x, i, False))]),
    *(Case(f"item of {d}", f"%x: {d}[]", [ITEM, ITEM]) for d in ("i64", "i32", "u8", "bool", "f32", "f64", "bf16")),
    Case("item after a write", "%x: i64[]",
         [ITEM, ("aten.add_.Tensor(%x, 1)", lambda x, i, r: aten.add_(x, 1)), ITEM]),
    Case("_local_scalar_dense", "%x: i64[1]",
         [("aten._local_scalar_dense.default(%x)", lambda x, i, r: aten._local_scalar_dense(x))]),
    Case("_check of an upper bound", "%x: i64[]", [ITEM, *_check("le(%r0, 9)", lambda u: u <= 9)]),
    Case("_check of a lower bound", "%x: i64[]", [ITEM, *_check("ge(%r0, 2)", lambda u: u >= 2)]),
    Case("_check of a remainder", "%x: i64[]",
         [ITEM, ("sym.mod(%r0, 4)", lambda x, i, r: r[0] % 4), ("sym.eq(%r1, 0)", lambda x, i, r: r[1] == 0),
          ('aten._assert_scalar.default(%r2, "")', lambda x, i, r: _none(torch._check(r[2])))]),
    Case("_check of a value", "%x: i64[]", [ITEM, *_check("eq(%r0, 5)", lambda u: u == 5)]),
    Case("_check of an inequality", "%x: i64[]", [ITEM, *_check("ne(%r0, 5)", lambda u: u != 5)]),
    Case("_check of a float", "%x: f32[]", [ITEM, *_check("lt(%r0, 5.0)", lambda u: u < 5.0)]),
    Case("sym_constrain_range", "%x: i64[]",
         [ITEM, ("aten.sym_constrain_range.default(%r0, min=2, max=9)",
                 lambda x, i, r: _none(torch.sym_constrain_range(r[0], min=2, max=9)))]),
    Case("sym_constrain_range_for_size", "%x: i64[]",
         [ITEM, ("aten.sym_constrain_range_for_size.default(%r0, min=2, max=9)",
                 lambda x, i, r: _none(torch.sym_constrain_range_for_size(r[0], min=2, max=9))),
          ("aten.empty.memory_format([%r0, 4], dtype=f32, device=cpu)", lambda x, i, r: torch.empty(r[0], 4))]),
    Case("a size of an item", "%x: i64[]",
         [ITEM, *_check("ge(%r0, 0)", lambda u: u >= 0),
          ("aten.empty.memory_format([%r0, 4], dtype=f32, device=cpu)", lambda x, i, r: torch.empty(r[0], 4)),
          ("aten.view.default(%r3, [-1])", lambda x, i, r: aten.view(r[3], [-1]))]),
    Case("select at an item", "%x: f32[8, 3], %i: i64[]",
         [ITEM_I, ("aten.select.int(%x, 0, %r0)", lambda x, i, r: aten.select(x, 0, r[0]))]),
    Case("narrow to an item", "%x: f32[8, 3], %i: i64[]",
         [ITEM_I, *_check("ge(%r0, 0)", lambda u: u >= 0),
          ("sym.le(%r0, 5)", lambda x, i, r: r[0] <= 5),
          ('aten._assert_scalar.default(%r3, "")', lambda x, i, r: _none(torch._check(r[3]))),
          ("aten.slice.Tensor(%x, 0, 0, %r0)", lambda x, i, r: aten.slice(x, 0, 0, r[0]))]),
    Case("cat of data-dependent sizes", "%x: f32[4], %i: bool[4]",
         [("aten.masked_select.default(%x, %i)", lambda x, i, r: aten.masked_select(x, i)),
          ("aten.cat.default([%r0, %x])", lambda x, i, r: aten.cat([r[0], x]))]),
    Case("add of one data-dependent size", "%x: f32[4], %i: bool[4]",
         [("aten.masked_select.default(%x, %i)", lambda x, i, r: aten.masked_select(x, i)),
          ("aten.add.Tensor(%r0, %r0)", lambda x, i, r: aten.add(r[0], r[0])),
          ("aten.sum.default(%r1)", lambda x, i, r: aten.sum(r[1]))]),
    Case("mm of a data-dependent size", "%x: f32[4, 6], %i: bool[4]",
         [("aten.index.Tensor(%x, [%i])", lambda x, i, r: aten.index(x, [i])),
          ("aten.permute.default(%r0, [1, 0])", lambda x, i, r: aten.permute(r[0], [1, 0])),
          ("aten.mm.default(%r1, %r0)", lambda x, i, r: aten.mm(r[1], r[0]))]),
    Case("expand of what is too small", "%x: f32[4], %i: bool[4]",
         [("aten.masked_select.default(%x, %i)", lambda x, i, r: aten.masked_select(x, i)),
          ("aten.expand.default(%r0, [3, 9])", lambda x, i, r: aten.expand(r[0], [3, 9]))]),
    Case("expand of what may fit", "%x: i64[5]",
         [("aten.bincount.default(%x)", lambda x, i, r: aten.bincount(x)),
          ("aten.expand.default(%r0, [3, 9])", lambda x, i, r: aten.expand(r[0], [3, 9]))]),
    Case("reshape of what does not fit", "%x: f32[3, 4]",
         [NONZERO, ("aten.view.default(%r0, [5])", lambda x, i, r: aten.view(r[0], [5]))]),
]  # fmt: skip

# Operators with other than one result.
RESULTS = {"unique": 3, "_pack_padded": 2, "_assert_scalar": 0, "sym_constrain": 0}

# By case: why ours is another.
DEVIATIONS = {
    "expand of what is too small": "of 4 elements at most 4 are selected, so the size is 1 where expand works at all: "
    "we assert that. PyTorch decides for u0 == 9 before it looks, and then finds that impossible.",
}


@dataclass
class Answer:
    results: list[tuple[Any, ...]]
    ranges: list[tuple[float, float]]
    holds: Callable[[Sequence[int]], bool]
    asserted: Callable[[Sequence[int]], bool]
    error: str = ""


def value_of(text: str, values: Sequence[int]) -> Any:
    return evaluate(text, {f"u{k}": v for k, v in enumerate(values)})


def in_ranges(ranges: Sequence[tuple[float, float]], values: Sequence[int]) -> bool:
    return all(low <= v <= high for (low, high), v in zip(ranges, values, strict=False))


def ours(lines: Sequence[str]) -> Answer:
    if lines and lines[0].startswith("error"):
        return Answer([], [], lambda v: True, lambda v: True, lines[0])
    results: list[tuple[Any, ...]] = []
    asserts: list[str] = []
    ranges: dict[int, tuple[float, float]] = {}
    for line in lines:
        kind, _, text = line.partition(" ")
        match = TENSOR.match(line)
        if kind == "assert:":
            asserts.append(text)
        elif kind == "range:":
            name, low, high = re.fullmatch(r"(u\d+) \[(.*), (.*)\]", text).groups()
            ranges[int(name[1:])] = (float(low.replace("oo", "inf")), float(high.replace("oo", "inf")))
        elif match is not None:
            dtype, sizes, strides, offset = match.groups()[:4]
            numbers = [*split(sizes), *split(strides), offset]
            results.append((DTYPE_OF[dtype], *(value_of(n, VALUES) for n in numbers)))
        else:
            results.append((kind, value_of(text, VALUES)))
    listed = [ranges.get(k, (float("-inf"), float("inf"))) for k in range(max(ranges, default=-1) + 1)]

    def asserted(values: Sequence[int]) -> bool:
        return all(value_of(a, values) for a in asserts)

    return Answer(results, listed, lambda v: asserted(v) and in_ranges(listed, v), asserted)


class Reader:
    """Symbols of a ShapeEnv by order of appearance."""

    def __init__(self) -> None:
        self.symbols: list[Any] = []

    def value(self, number: Any) -> Any:
        if not isinstance(number, (torch.SymInt, torch.SymFloat, torch.SymBool)):
            return number
        expr = number.node.expr
        for symbol in sorted(expr.free_symbols, key=lambda s: int(str(s).lstrip("zuf"))):
            if symbol not in self.symbols:
                self.symbols.append(symbol)
        return value_of(self.text(expr), VALUES)

    def text(self, expr: Any) -> str:
        names = {str(s): f"u{k}" for k, s in enumerate(self.symbols)}
        return re.sub(r"\bz?uf?\d+\b", lambda m: names.get(m.group(0), m.group(0)), str(expr))


def theirs(case: Case) -> Answer:
    env = ShapeEnv(allow_scalar_outputs=True, allow_dynamic_output_shape_ops=True)
    reader = Reader()
    results: list[tuple[Any, ...]] = []
    with FakeTensorMode(shape_env=env):
        inputs = [torch.empty([int(d) for d in sizes.split(",") if d.strip()], dtype=DTYPE_OF[dtype])
                  for dtype, sizes in re.findall(r": (\w+)\[(.*?)\]", case.inputs)]  # fmt: skip
        inputs += [None] * (2 - len(inputs))
        values: list[Any] = []
        try:
            for _, run in case.steps:
                value = run(*inputs, values)
                values.append(value)
                for part in value if isinstance(value, tuple) else (value,):
                    results.append(_described(part, reader))
        except Exception as error:
            return Answer([], [], lambda v: True, lambda v: True, f"{type(error).__name__}: {str(error)[:200]}")
    ranges = []
    for symbol in reader.symbols:
        bounds = env.bound_sympy(symbol)
        ranges.append((_bound(bounds.lower), _bound(bounds.upper)))
    asserts = [reader.text(a.expr) for items in env.deferred_runtime_asserts.values() for a in items]

    def asserted(values: Sequence[int]) -> bool:
        return all(value_of(a, values) for a in asserts)

    return Answer(results, ranges, lambda v: asserted(v) and in_ranges(ranges, v), asserted)


def _described(value: Any, reader: Reader) -> tuple[Any, ...]:
    if isinstance(value, torch.Tensor):
        numbers = (*value.shape, *value.stride(), value.storage_offset())
        return (value.dtype, *(reader.value(n) for n in numbers))
    kinds = ((torch.SymBool, bool, "bool"), (torch.SymInt, int, "int"), (torch.SymFloat, float, "float"))
    return (next(k[2] for k in kinds if isinstance(value, k[:2])), reader.value(value))


def _bound(bound: Any) -> float:
    text = str(bound).replace("int_oo", "inf").replace("oo", "inf")
    return float(text)


def graph_text(case: Case) -> str:
    lines = []
    for k, (text, run) in enumerate(case.steps):
        del run
        count = next((n for word, n in RESULTS.items() if word in text), 1)
        names = ", ".join(f"%r{k}" if count == 1 else f"%r{k}_{j}" for j in range(count))
        lines.append(f"{names} = {text}" if count else text)
    return f"graph g({case.inputs}) {{ {' '.join(lines)} return () }}"


def differences(mine: Answer, theirs: Answer) -> list[str]:
    if bool(mine.error) != bool(theirs.error):
        return [f"ours {mine.error or 'answers'}, PyTorch {theirs.error or 'answers'}"]
    out = []
    if mine.results != theirs.results:
        out.append(f"results {mine.results}, not {theirs.results}")
    # Nothing is printed of floats, which have no range.
    mine.ranges += [(float("-inf"), float("inf"))] * (len(theirs.ranges) - len(mine.ranges))
    if mine.ranges != theirs.ranges:
        out.append(f"ranges {mine.ranges}, not {theirs.ranges}")
    count = min(2, max(len(mine.ranges), len(theirs.ranges)))
    for values in itertools.product(GRID, repeat=count):
        padded = (*values, *VALUES[count:])
        if mine.holds(padded) != theirs.holds(padded):
            out.append(f"at {values} ours {'holds' if mine.holds(padded) else 'fails'}, PyTorch's does not agree")
            break
        if mine.asserted(padded) and not theirs.asserted(padded) and in_ranges(mine.ranges, padded):
            out.append(f"at {values} PyTorch's assertion fails and ours holds")
            break
    return out


def main() -> int:
    graphs = [graph_text(case) for case in CASES]
    wrong = 0
    for case, graph, lines in zip(CASES, graphs, answers(sys.argv[1], graphs, "--facts"), strict=True):
        found = differences(ours(lines), theirs(case))
        listed = case.name in DEVIATIONS
        if bool(found) == listed:
            continue
        wrong += 1
        print(f"{case.name}: {'; '.join(found) or 'is listed as a deviation, and is none'}\n  {graph}")
    print(f"{len(CASES)} data-dependent programs compared: {wrong} wrong, {len(DEVIATIONS)} listed deviations")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
