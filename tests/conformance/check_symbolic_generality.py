"""Whether Kiln's guards exclude sizes that PyTorch's guards admit, and how many guards each makes.

    python tests/conformance/check_symbolic_generality.py REPLAY SAMPLES.jsonl... [--draws N] [--every N]

Each recorded call is traced under PyTorch's ShapeEnv with a symbol for each size
(as in symbolic_call.py). Sizes are drawn that satisfy the guards that it
recorded. Where PyTorch's own symbolic answer is what its static fake mode says
there and at the hints, and eager PyTorch takes those sizes, Kiln's guards should
hold as well; where they do not Kiln is narrower, and the operator must be in
known_narrower.txt with as many such draws or more. Where the symbolic answer is
another, PyTorch is unsound, and where eager refuses, its fake mode is lax: Kiln
owes nothing.

Guards of both are counted reduced alike: one that the others imply, on sizes
drawn without regard to guards, does not count.
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import multiprocessing
import pathlib
import random
import re
import sys
import warnings
from typing import Any

from check_op_samples import read_samples
from check_symbolic_soundness import spread
from eager_answer import eager_takes
from replay_program import read_rows
from size_text import compiled, holds
from symbol_draws import Draws
from symbolic_answer import UNBACKED, NumberReader, Outcome, SymbolicAnswer, ask, outcome, propagate
from symbolic_call import Call
from torch._dynamo.source import ConstantSource
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv

Counter = collections.Counter[str]
MOST = 1 << 40  # an upper bound over this is none
POINTS = 100
FIELDS = ("calls", "ours", "theirs", "draws", "narrower", "unsound", "lax", "refused", "untraced")


class Traced:
    """A call under PyTorch's ShapeEnv: its guards over our names, and its answer at given sizes."""

    def __init__(self, call: Call) -> None:
        own = call.mode == "own"
        self._call = call
        env = ShapeEnv(specialize_zero_one=not own, duck_shape=not own)
        self._mode = FakeTensorMode(allow_fallback_kernels=False, shape_env=env)
        self._symbols: dict[Any, str] = {}
        given = {}
        with self._mode:
            for name, hint in call.hints.items():
                source = ConstantSource(name)
                symbol = env.create_symbol(hint, source=source, dynamic_dim=DimDynamic.DYNAMIC)
                self._symbols[symbol] = name
                given[name] = env.create_symintnode(symbol, hint=hint, source=source)
            self.tensors, args, kwargs = call.arguments(given)
            self.result = call.func(*args, **kwargs)
        names = {str(symbol): name for symbol, name in self._symbols.items()}
        self.guards = [rename(str(guard.expr), names) for guard in env.guards]
        # A test that narrows a range is part of what PyTorch guards, in its range.
        low = 0 if own else 2
        for symbol, name in self._symbols.items():
            known = env.var_to_range.get(symbol)
            if known is not None and known.lower > low:
                self.guards.append(f"{name} >= {known.lower}")
            if known is not None and known.upper < MOST:
                self.guards.append(f"{name} <= {known.upper}")

    def at(self, values: tuple[int, ...]) -> Outcome:
        where = dict(zip(self._call.hints, values, strict=True))
        numbers = {symbol: where[name] for symbol, name in self._symbols.items()}
        return outcome(self._call, self.tensors, self.result, NumberReader(numbers))


def rename(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\bs\d+\b", lambda m: names.get(m[0], m[0]), text)


def compare(
    call: Call, answer: SymbolicAnswer, draws: int, seed: int, counts: dict[str, Counter], shown: list[str]
) -> None:
    op = call.op
    try:
        traced = Traced(call)
    except Exception:
        counts["untraced"][op] += 1
        return
    counts["calls"][op] += 1
    points = sample(call, seed)
    counts["theirs"][op] += reduced(traced.guards, tuple(call.hints), points)
    if answer.error:
        counts["refused"][op] += 1
        return
    counts["ours"][op] += reduced(answer.guards, tuple(call.hints), points)
    names = tuple(call.hints)
    ours = [compiled(guard, names) for guard in answer.guards]
    source = Draws(call.hints, traced.guards, 0 if call.mode == "own" else 2, random.Random(seed))
    static = FakeTensorMode(allow_fallback_kernels=False, shape_env=ShapeEnv(), allow_non_fake_inputs=True)
    for _ in range(draws):
        values = source.draw(60)
        if values is None:
            return
        counts["draws"][op] += 1
        if all(holds(guard, values) for guard in ours):
            continue
        with static:
            sound = agrees(call, traced, values) and agrees(call, traced, tuple(call.hints.values()))
        verdict = "unsound" if not sound else "lax" if lax(call, values) else "narrower"
        counts[verdict][op] += 1
        if verdict == "narrower" and counts["narrower"][op] == 1:
            failing = [g for g, f in zip(answer.guards, ours, strict=True) if not holds(f, values)]
            shown.append(f"{call._text()}\n  at {values}\n  ours fails {failing}\n  theirs {traced.guards}")


def agrees(call: Call, traced: Traced, values: tuple[int, ...]) -> bool:
    """Whether PyTorch's symbolic answer is its static one at these sizes. Under the static mode."""
    want = ask(call, dict(zip(call.hints, values, strict=True)), NumberReader())
    return want is not None and not want.error and traced.at(values) == want


def lax(call: Call, values: tuple[int, ...]) -> bool:
    """Whether eager refuses these sizes, and not because of the values."""
    takes = eager_takes(call, dict(zip(call.hints, values, strict=True)))
    return takes is False and eager_takes(call, call.hints) is True


def sample(call: Call, seed: int) -> list[tuple[int, ...]]:
    """Sizes near the hints, without regard to guards."""
    source = Draws(call.hints, [], 0 if call.mode == "own" else 2, random.Random(seed))
    return [v for v in (source.draw(4) for _ in range(POINTS)) if v is not None]


def reduced(guards: list[str], names: tuple[str, ...], points: list[tuple[int, ...]]) -> int:
    """How many guards are left when each that the others imply on the points is dropped, the last ones first."""
    falls = [frozenset(i for i, p in enumerate(points) if not holds(compiled(g, names), p)) for g in guards]
    kept = list(range(len(falls)))
    for i in reversed(range(len(falls))):
        others = frozenset().union(*(falls[j] for j in kept if j != i))
        if falls[i] <= others:
            kept.remove(i)
    return len(kept)


def known_narrower() -> dict[str, int]:
    """Operator -> the most draws at which it may be narrower. Lines are `op | most | reason`."""
    text = (pathlib.Path(__file__).resolve().parent / "known_narrower.txt").read_text()
    rows = [line.split("|", 2) for line in text.splitlines() if line and not line.startswith("#")]
    return {op.strip(): int(most) for op, most, _ in rows}


def work(task: tuple[Any, ...]) -> tuple[dict[str, Counter], list[str]]:
    program, samples, modes, draws, seed = task
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    counts: dict[str, Counter] = {name: collections.Counter() for name in FIELDS}
    shown: list[str] = []
    for mode in modes:
        calls = [Call(s["graph"]) for s in samples]
        graphs = [call.symbolic(mode) for call in calls]
        for i, (call, lines) in enumerate(zip(calls, propagate(program, graphs), strict=True)):
            if call.hints:
                compare(call, SymbolicAnswer(lines, tuple(call.hints)), draws, seed + i, counts, shown)
    return counts, shown


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("samples", nargs="+")
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--modes", default="own,duck")
    parser.add_argument("--op", default="", help="only operators whose name contains this")
    options = parser.parse_args()
    rows = read_rows(options.program)
    samples = [
        s for s in read_samples(options.samples)
        if options.op in s["op"] and "error" not in s and s["op"] in rows
        and not UNBACKED.search(s["graph"])
    ][:: options.every]  # fmt: skip
    parts = spread(samples, 100)
    tasks = [(options.program, part, options.modes.split(","), options.draws, 1000 * i) for i, part in enumerate(parts)]
    total: dict[str, Counter] = {name: collections.Counter() for name in FIELDS}
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for done, (counts, shown) in enumerate(pool.imap_unordered(work, tasks), 1):
            for name in FIELDS:
                total[name].update(counts[name])
            print("".join(text + "\n" for text in shown), end="")
            print(f"part {done} of {len(tasks)}", flush=True)
    for op, count in total["narrower"].most_common():
        guards = f"guards {total['ours'][op]}, PyTorch's {total['theirs'][op]}"
        print(f"{op}: narrower at {count} of {total['draws'][op]}; {guards}")
    print(json.dumps({name: sum(counter.values()) for name, counter in total.items()}))
    allowed = known_narrower()
    fresh = {op: count for op, count in total["narrower"].items() if count > allowed.get(op, 0)}
    print(f"narrower, and not known to be so often: {fresh}")
    return 0 if total["draws"] and not fresh else 1


if __name__ == "__main__":
    sys.exit(main())
