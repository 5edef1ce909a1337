"""Arithmetic on symbolic numbers at random: PyTorch's SymInt, SymFloat and SymBool, and our sym.* operators.

    python tests/conformance/check_sym_nodes.py REPLAY [--programs N] [--seed S]

A program is a few operators of SymNode on integers and floats with hints; its
booleans are guarded to what they are at the hints. Python itself, on plain
numbers, says what each value is. Hints of floats are whole numbers, since the
text form has no others. Compared are the values at the hints, and at
other numbers those that the guards admit; and whether our guards admit what
PyTorch's guards admit. What PyTorch cannot do is counted, not compared; so is a
program on which it is not done within LIMIT_SECONDS of work, and of those there may be
one in a thousand.
"""

from __future__ import annotations

import argparse
import math
import operator
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
import torch
from size_text import NAMES
from symbolic_answer import propagate
from torch._dynamo.source import ConstantSource
from torch.fx.experimental.sym_node import METHOD_TO_OPERATOR
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv

INTS = ("n0", "n1", "n2")
FLOATS = ("z0", "z1")
LARGEST = 1 << 40
# A power of integers with more bits than this is not computed: of a power of a power,
# Python would be busy for hours, and no number over LARGEST is compared anyway.
LARGEST_POWER_BITS = 4096
LIMIT_SECONDS = 20


def _pow(a: Any, b: Any) -> Any:
    if type(a) is int and type(b) is int and abs(a) > 1 and b * a.bit_length() > LARGEST_POWER_BITS:
        raise OverflowError(f"{a} ** {b}")
    return a**b


def _floordiv(a: Any, b: Any) -> Any:
    """PyTorch divides floats and takes the floor of that; Python's own is exact: 10.0 // 0.2 is 49.0."""
    plain = all(isinstance(x, (int, float)) for x in (a, b))
    if plain and (isinstance(a, float) or isinstance(b, float)):
        return float(math.floor(a / b))
    return a // b


MATH = ("acos", "asin", "asinh", "atan", "cos", "cosh", "exp", "log", "log2", "sin", "sinh", "sqrt", "tan", "tanh")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")


@dataclass(frozen=True)
class Op:
    """`takes`: a letter an operand: i int, f float, x either, b bool, k a small count, d a constant of digits."""

    name: str
    call: Callable[..., Any]
    takes: str


OPS = [
    *(Op(f"sym.{n}", getattr(operator, n), "xx") for n in ("add", "sub", "mul", "truediv", *COMPARISONS)),
    Op("sym.pow", _pow, "xx"),
    Op("sym.floordiv", _floordiv, "xx"),
    Op("sym.mod", operator.mod, "ii"),
    Op("sym.lshift", operator.lshift, "ik"),
    Op("sym.rshift", operator.rshift, "ik"),
    *(Op(f"sym.{n}", METHOD_TO_OPERATOR[f"bitwise_{n}"], "ii") for n in ("and", "or", "xor")),
    *(Op(f"sym.{n}", METHOD_TO_OPERATOR[n], "bb") for n in ("and", "or")),
    Op("sym.max", torch.sym_max, "xx"),
    Op("sym.min", torch.sym_min, "xx"),
    Op("sym.not", torch.sym_not, "b"),
    Op("sym.ite", torch.sym_ite, "bii"),
    Op("sym.ite", torch.sym_ite, "bff"),
    Op("sym.abs", abs, "x"),
    Op("sym.neg", operator.neg, "x"),
    Op("sym.pos", operator.pos, "x"),
    Op("sym.ceil", math.ceil, "x"),
    Op("sym.floor", math.floor, "x"),
    Op("sym.trunc", math.trunc, "x"),
    Op("sym.round", round, "f"),
    Op("sym.round", round, "fd"),
    Op("sym.float", torch.sym_float, "i"),
    Op("sym.int", torch.sym_int, "x"),
    Op("sym.is_integer", METHOD_TO_OPERATOR["is_integer"], "f"),
    *(Op(f"sym.{n}", getattr(torch, f"_sym_{n}"), "x") for n in MATH if hasattr(torch, f"_sym_{n}")),
]  # fmt: skip


@dataclass
class Program:
    """Steps over named values; constants stand as they are."""

    steps: list[tuple[str, Op, tuple[Any, ...]]] = field(default_factory=list)

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        values = dict(inputs)
        for name, op, args in self.steps:
            values[name] = op.call(*(values[a] if isinstance(a, str) else a for a in args))
        return values

    def text(self, hints: dict[str, Any], asserts: Sequence[tuple[str, bool]]) -> str:
        parts = [f"%{n}: {'int' if n in INTS else 'float'} = {symbol(n)}" for n in hints]
        lines = [f"%{name} = {op.name}({', '.join(map(written, args))})" for name, op, args in self.steps]
        for name, truth in asserts:
            if not truth:
                lines.append(f"%{name}n = sym.not(%{name})")
            lines.append(f'aten._assert_scalar.default(%{name}{"" if truth else "n"}, "")')
        symbols = ", ".join(f"{symbol(n)} = {int(hint)}" for n, hint in hints.items())
        return f"graph g({', '.join(parts)}) symbols {{ {symbols} }} {{ {' '.join(lines)} return () }}"


def symbol(name: str) -> str:
    return f"{'s' if name in INTS else 'zf'}{name[1:]}"


def written(arg: Any) -> str:
    if isinstance(arg, str):
        return f"%{arg}"
    return str(arg).lower() if isinstance(arg, bool) else repr(arg)


def is_usable(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) < LARGEST
    return isinstance(value, float) and math.isfinite(value) and abs(value) < LARGEST


def draw(rng: random.Random) -> dict[str, Any]:
    ints = {n: rng.choice((*range(2, 13), 16, 31, 64)) for n in INTS}
    return {**ints, **{n: rng.choice((1.0, 2.0, 3.0, 5.0, 7.0, -2.0)) for n in FLOATS}}


def operand(rng: random.Random, kind: str, values: dict[str, Any]) -> Any:
    if kind in "kd":
        return rng.randrange(0, 4)
    fits = {"i": (int,), "f": (float,), "b": (bool,), "x": (int, float)}[kind]
    names = [n for n, v in values.items() if type(v) in fits]
    if names and (kind == "b" or rng.random() < 0.75):
        return rng.choice(names)
    if kind == "b":
        return None
    return rng.choice((1, 2, 3, 4, 8, -2) if kind == "i" or (kind == "x" and rng.random() < 0.7) else (0.5, 2.0, -1.5))


def generate(rng: random.Random, hints: dict[str, Any]) -> Program:
    program = Program()
    values = dict(hints)
    for _ in range(80):
        if len(program.steps) == 7:
            break
        op = rng.choice(OPS)
        args = tuple(operand(rng, kind, values) for kind in op.takes)
        if None in args or not any(isinstance(a, str) for a in args):
            continue
        try:
            value = op.call(*(values[a] if isinstance(a, str) else a for a in args))
        except (ArithmeticError, ValueError, TypeError, AttributeError):
            continue
        if is_usable(value):
            name = f"v{len(program.steps)}"
            program.steps.append((name, op, args))
            values[name] = value
    return program


def torch_inputs(env: ShapeEnv, hints: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, hint in hints.items():
        source = ConstantSource(name)
        made = env.create_unspecified_symbol(hint, source, DimDynamic.DYNAMIC)
        node = env.create_symintnode if isinstance(hint, int) else env.create_symfloatnode
        out[name] = node(made, hint=hint, source=source)
    return out


def same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and (a == b or (a != a and b != b))


class Checker:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []

    def check(self, program: Program, hints: dict[str, Any], lines: list[str], rng: random.Random) -> None:
        truth = program.run(hints)
        if lines and lines[-1].startswith("error: "):
            self.counts["refused here"] += 1
            self.fail("refused", program, hints, lines[-1])
            return
        guards = [compile(line.removeprefix("guard: "), "guard", "eval") for line in lines if line.startswith("guard:")]
        exprs = [line.split(" ", 1)[1] for line in lines if not line.startswith("guard: ")]
        codes = {step[0]: (compile(e, "value", "eval"), e) for step, e in zip(program.steps, exprs, strict=False)}
        self.compare(program, hints, truth, codes, "at the hints")
        if not admits(guards, hints):
            self.fail("guards", program, hints, "the guards exclude the hints")
        theirs = self.torch_guards(program, hints, truth)
        for _ in range(8):
            other = draw(rng)
            try:
                values = program.run(other)
            except (ArithmeticError, ValueError, TypeError, AttributeError):
                self.counts["draws where Python raises"] += 1
                continue
            if not all(is_usable(v) for v in values.values()):
                continue
            ours = admits(guards, other)
            if ours:
                self.counts["draws that our guards admit"] += 1
                self.compare(program, other, values, codes, "at another size")
            if theirs is None:
                continue
            their = theirs(other)
            self.counts["guards agree" if ours == their else f"only {'our' if ours else 'their'} guards admit"] += 1
            if their and not ours:
                self.fail("narrower", program, hints, f"at {other} only PyTorch's guards hold; ours {lines}")

    def compare(
        self, program: Program, sizes: dict[str, Any], truth: dict[str, Any], codes: dict[str, Any], where: str
    ) -> None:
        given = {symbol(n): v for n, v in sizes.items()}
        for name, (code, text) in codes.items():
            self.counts[f"values {where}"] += 1
            try:
                value = eval(code, NAMES, given)
            except Exception as error:
                value = error
            if not same(value, truth[name]):
                self.fail("value", program, sizes, f"{where}: %{name} = {text} is {value!r}, not {truth[name]!r}")

    def torch_guards(self, program: Program, hints: dict[str, Any], truth: dict[str, Any]) -> Any:
        """Whether PyTorch's guards admit given numbers, or None where it could not run the program."""
        env = ShapeEnv(specialize_zero_one=False, duck_shape=False)
        signal.setitimer(signal.ITIMER_PROF, LIMIT_SECONDS)
        try:
            values = program.run(torch_inputs(env, hints))
            for name, _, _ in program.steps:
                value = values[name]
                if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
                    hint = value.node.hint
                    self.counts["values of PyTorch's hints"] += 1
                    if not same(hint, truth[name]) and hint != truth[name]:
                        self.counts[f"PyTorch's hint is another: {program_op(program, name)}"] += 1
                if isinstance(value, torch.SymBool):
                    bool(value)
        except Exception as error:
            self.counts[f"PyTorch refuses: {type(error).__name__}"] += 1
            return None
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        names = {str(s): str(env.var_to_sources[s][0].name) for s in env.var_to_sources}
        conditions = [g.expr for g in env.guards]

        def holds(sizes: dict[str, Any]) -> bool:
            return all(evaluates(c, names, sizes) for c in conditions)

        return holds

    def fail(self, what: str, program: Program, sizes: dict[str, Any], message: str) -> None:
        self.counts[f"WRONG {what}"] += 1
        steps = "; ".join(f"%{n} = {op.name}({', '.join(map(written, a))})" for n, op, a in program.steps)
        self.failures.append(f"{what}: {message}\n  {sizes}\n  {steps}")


def program_op(program: Program, name: str) -> str:
    return next(op.name for n, op, _ in program.steps if n == name)


def evaluates(condition: Any, names: dict[str, str], sizes: dict[str, Any]) -> bool:
    values = {
        s: (sympy.Integer if isinstance(v := sizes[names[str(s)]], int) else sympy.Float)(v)
        for s in condition.free_symbols
    }
    return bool(condition.xreplace(values) == sympy.true)


def admits(guards: Sequence[Any], sizes: dict[str, Any]) -> bool:
    given = {symbol(n): v for n, v in sizes.items()}
    try:
        return all(eval(g, NAMES, given) for g in guards)
    except (ArithmeticError, ValueError):
        return False


def out_of_time(signum: int, frame: Any) -> None:
    raise TimeoutError(f"more than {LIMIT_SECONDS} s of work")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("replay")
    parser.add_argument("--programs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    cases = []
    for _ in range(options.programs):
        hints = draw(rng)
        program = generate(rng, hints)
        truth = program.run(hints)
        asserts = [(n, truth[n]) for n, _, _ in program.steps if isinstance(truth[n], bool)]
        cases.append((program, hints, program.text(hints, asserts)))
    checker = Checker()
    signal.signal(signal.SIGPROF, out_of_time)
    for (program, hints, _), lines in zip(cases, propagate(options.replay, [c[2] for c in cases]), strict=True):
        checker.check(program, hints, lines, rng)
    for failure in checker.failures[:20]:
        print(failure)
    checker.counts["programs"] = len(cases)
    for name, count in sorted(checker.counts.items()):
        print(f"{count:7d} {name}")
    is_rare = checker.counts["PyTorch refuses: TimeoutError"] * 1000 <= len(cases)
    return 0 if is_rare and not checker.failures else 1


if __name__ == "__main__":
    sys.exit(main())
