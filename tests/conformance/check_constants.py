"""One-element constants are known by value: item() of them, here and in PyTorch's fake mode.

    python tests/conformance/check_constants.py REPLAY

A constant of a graph travels as a scalar and is `scalar_tensor` in ours; PyTorch
lifts it. Views and copies of a constant are known, too, and so is what arithmetic
gives, to the bit; once written with what is not known, it is forgotten, by all of
its names. Operators whose last bit is the kernel's (sin, pow of floats) stay unknown
here, where PyTorch runs the kernel: item() is then an unbacked symbol.
"""

from __future__ import annotations

import itertools
import math
import random
import sys
from typing import Any

import torch
from graph_text import DTYPES, CallText
from replay_program import replay
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

aten = torch.ops.aten
# Steps after %c, PyTorch's twin of them, and whether we know what PyTorch knows, know
# less, or know the constant still where PyTorch knows it no more.
CASES: list[tuple[str, Any, str]] = [
    ("", lambda c, x: c, "same"),
    ("%d = aten.clone.default(%c)", lambda c, x: aten.clone(c), "same"),
    ("%d = aten.view.default(%c, [1])", lambda c, x: aten.view(c, [1]), "same"),
    ("%d = aten.unsqueeze.default(%c, 0)", lambda c, x: aten.unsqueeze(c, 0), "same"),
    ("%v = aten.expand.default(%c, [3]) %d = aten.select.int(%v, 0, 1)",
     lambda c, x: aten.select(aten.expand(c, [3]), 0, 1), "more"),
    ("%d = aten.detach.default(%c)", lambda c, x: aten.detach(c), "same"),
    ("%d = aten.mul.Tensor(%c, 2)", lambda c, x: aten.mul(c, 2), "same"),
    ("%d = aten.mul.Tensor(%c, %x)", lambda c, x: aten.mul(c, x), "same"),
    ("%d = aten.fill_.Scalar(%c, 7)", lambda c, x: aten.fill_(c, 7), "same"),
    ("%v = aten.view.default(%c, [1]) %w = aten.fill_.Scalar(%v, 7) %d = aten.alias.default(%c)",
     lambda c, x: (aten.fill_(aten.view(c, [1]), 7), aten.alias(c))[1], "same"),
    ("%v = aten.clone.default(%c) %w = aten.fill_.Scalar(%v, 7) %d = aten.alias.default(%c)",
     lambda c, x: (aten.fill_(aten.clone(c), 7), aten.alias(c))[1], "same"),
    ("%v = aten.clone.default(%c) %w = aten.copy_.default(%c, %x) %d = aten.mul.Tensor(%v, %v)",
     lambda c, x: (v := aten.clone(c), aten.copy_(c, x), aten.mul(v, v))[2], "same"),
    ("%w = aten.copy_.default(%c, %x) %d = aten.fill_.Scalar(%c, 1)",
     lambda c, x: (aten.copy_(c, x), aten.fill_(c, 1))[1], "same"),
    ("%v = aten.unsqueeze.default(%c, 0) %d = aten.add.Tensor(%c, %v)",
     lambda c, x: aten.add(c, aten.unsqueeze(c, 0)), "same"),
    ("%d = aten.sin.default(%c)", lambda c, x: aten.sin(c), "less"),
    ("%d = aten.copy_.default(%c, %x)", lambda c, x: aten.copy_(c, x), "same"),
    ("%v = aten.view.default(%c, [1]) %w = aten.copy_.default(%v, %x) %d = aten.alias.default(%c)",
     lambda c, x: (aten.copy_(aten.view(c, [1]), x), aten.alias(c))[1], "same"),
]  # fmt: skip


FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
HALVES = FLOATS[2:]
INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
UNARY = [
    "abs", "bitwise_not", "ceil", "floor", "isinf", "isnan", "logical_not", "neg", "reciprocal", "relu", "round",
    "sgn", "sign", "sqrt", "trunc", "zero_",
]  # fmt: skip
BINARY = [
    "add.Tensor", "bitwise_and.Tensor", "bitwise_left_shift.Tensor", "bitwise_or.Tensor",
    "bitwise_right_shift.Tensor", "bitwise_xor.Tensor", "clamp_max.Tensor", "clamp_min.Tensor", "copy.default",
    "copy_.default", "div.Tensor", "div.Tensor_mode", "eq.Tensor", "fill.Tensor", "fill_.Tensor",
    "floor_divide.default", "fmod.Tensor", "ge.Tensor", "gt.Tensor", "le.Tensor", "logical_and.default",
    "logical_or.default", "logical_xor.default", "lt.Tensor", "maximum.default", "minimum.default", "mul.Tensor",
    "ne.Tensor", "pow.Tensor_Tensor", "remainder.Tensor", "sub.Tensor", "add_.Tensor", "sub_.Tensor", "mul_.Tensor",
    "div_.Tensor", "remainder_.Tensor", "bitwise_and_.Tensor", "eq_.Tensor", "lt_.Tensor",
]  # fmt: skip
WITH_NUMBER = [
    "add.Tensor", "add.Scalar", "bitwise_and.Scalar", "clamp_max.default", "clamp_min.default", "div.Scalar",
    "div.Tensor", "eq.Scalar", "fill.Scalar", "fill_.Scalar", "floor_divide.Scalar", "fmod.Scalar", "ge.Scalar",
    "gt.Scalar", "le.Scalar", "lt.Scalar", "mul.Tensor", "mul.Scalar", "ne.Scalar", "pow.Tensor_Scalar",
    "remainder.Scalar", "rsub.Scalar", "sub.Tensor", "add_.Scalar", "mul_.Tensor",
]  # fmt: skip


def random_value(rng: random.Random, dtype: torch.dtype) -> Any:
    if dtype is torch.bool:
        return rng.random() < 0.5
    if dtype in INTEGERS:
        return rng.choice([0, 1, 2, 3, 7, 100] + ([-1, -3, -7, -128] if dtype is not torch.uint8 else []))
    if dtype in HALVES:
        return rng.choice([0.0, 0.5, -2.5, 3.0, 1.0078125, -7.0, math.inf])
    return rng.choice([0.0, 0.1, -2.5, 3.7, 1e10, -1 / 3, 2.5, -7.0, math.inf, -math.inf, math.nan])


def draw(rng: random.Random, op: str) -> tuple[str, list[Any]]:
    """An operator and its operands: (dtype, value) of a tensor, or a number."""
    dtypes = (*FLOATS, *INTEGERS, torch.bool)
    first = rng.choice(dtypes)
    operands: list[Any] = [(first, random_value(rng, first))]
    if op in BINARY:
        second = first if rng.random() < 0.4 else rng.choice(dtypes)
        operands.append((second, random_value(rng, second)))
    if op in WITH_NUMBER:
        # What a half does not hold is the kernel's matter, as is a number that wraps.
        kind = torch.float16 if first in HALVES else rng.choice((torch.uint8, torch.float64, torch.bool))
        operands.append(random_value(rng, kind))
    return op, operands


def ask_pytorch(op: str, operands: list[Any], extra: dict[str, Any]) -> Any:
    packet, _, overload = op.partition(".")
    with FakeTensorMode(shape_env=ShapeEnv()):
        real = [aten.lift_fresh_copy(torch.tensor(o[1], dtype=o[0])) if isinstance(o, tuple) else o for o in operands]
        return getattr(getattr(aten, packet), overload or "default")(*real, **extra).item()


def arithmetic(rng: random.Random, draws: int) -> tuple[list[str], list[Any]]:
    graphs, wanted = [], []
    text = CallText()
    for op in itertools.chain.from_iterable(itertools.repeat((*UNARY, *BINARY, *WITH_NUMBER), draws)):
        op, operands = draw(rng, op)
        if op.startswith(("copy", "fill")) and not fits(operands):
            continue
        extra = {"rounding_mode": rng.choice(["trunc", "floor", None])} if op.endswith("_mode") else {}
        try:
            want = ask_pytorch(op, operands, extra)
        except Exception as error:
            want = error
        steps, names = "", []
        for i, o in enumerate(operands):
            if isinstance(o, tuple):
                steps += f"%c{i} = aten.scalar_tensor.default({text.argument(o[1])}, dtype={DTYPES[o[0]]}) "
            names.append(f"%c{i}" if isinstance(o, tuple) else text.argument(o))
        names += [f"{k}={text.argument(v)}" for k, v in extra.items()]
        name = op if "." in op else op + ".default"
        steps += f"%d = aten.{name}({', '.join(names)}) %i = aten._local_scalar_dense.default(%d)"
        graphs.append(f"graph g() {{ {steps} return () }}")
        wanted.append(want)
    return graphs, wanted


def fits(operands: list[Any]) -> bool:
    """Of a float that does not fit an integer the processor decides what a cast gives."""
    values = [o[1] if isinstance(o, tuple) else o for o in operands]
    to_integer = isinstance(operands[0], tuple) and operands[0][0] in INTEGERS
    if not to_integer:
        return True
    limits = torch.iinfo(operands[0][0])
    return all(math.isfinite(v) and limits.min <= math.trunc(v) <= limits.max for v in values)


def known_value(answer: list[str]) -> Any:
    """What item() gave: a bool, an int, a float, or None where it is a symbol."""
    kind, _, text = answer[-1].partition(" ")
    try:
        return {"bool": lambda t: {"true": True, "false": False}[t.lower()], "int": int, "float": float}[kind](text)
    except (KeyError, ValueError):
        return None


def same(ours: Any, want: Any) -> bool:
    if isinstance(want, float) and isinstance(ours, float):
        return ours == want or (math.isnan(ours) and math.isnan(want))
    return ours == want and type(ours) is type(want)


def main() -> int:
    graphs, wanted = [], []
    for steps, twin, how in CASES:
        for text, value in (("3", 3), ("true", True), ("-5", -5), ("0.1", 0.1), ("2.5", 2.5)):
            dtype = {bool: "bool", int: "i64", float: "f32"}[type(value)]
            with FakeTensorMode(shape_env=ShapeEnv()):
                c = aten.lift_fresh_copy(torch.tensor(value))
                real = torch.tensor(value).item()
                item = twin(c, torch.empty([], dtype=c.dtype)).item()
            known = item if isinstance(item, (bool, int, float)) else None
            last = "%d" if steps else "%c"
            graphs.append(
                f"graph g(%x: {dtype}[]) {{ %c = aten.scalar_tensor.default({text}, dtype={dtype}) {steps} "
                f"%i = aten._local_scalar_dense.default({last}) return () }}"
            )
            wanted.append(real if how == "more" else None if how == "less" else known)
    more_graphs, more_wanted = arithmetic(random.Random(4), 60)
    graphs += more_graphs
    wanted += more_wanted
    wrong = computed = refused = 0
    unknown: dict[str, int] = {}
    for graph, want, answer in zip(graphs, wanted, replay(sys.argv[1], [{"graph": g} for g in graphs]), strict=True):
        ours = None if answer[0].startswith("error") else known_value(answer)
        if isinstance(want, Exception):
            refused += 1
            fine = ours is None
        else:
            want = want if isinstance(want, (bool, int, float)) else None
            computed += want is not None
            # A power's last bit is the kernel's.
            fine = same(ours, want) or (ours is None and "aten.pow." in graph)
        if not fine:
            wrong += 1
            op = graph.split("%d = ")[-1].split("(")[0]
            unknown[op] = unknown.get(op, 0) + 1
            if unknown[op] <= 3:
                print(f"{graph}\n  want {want!r}\n  got  {answer[-1]}")
    print(f"{len(graphs)} items of constants compared, {refused} of which PyTorch refuses: {wrong} wrong")
    return 1 if wrong or computed < 2000 else 0


if __name__ == "__main__":
    sys.exit(main())
