"""Whether Kiln's guards exclude sizes that PyTorch's guards admit, and how many guards each makes.

    python tests/conformance/check_symbolic_generality.py REPLAY SAMPLES.jsonl... [--draws N] [--every N]

Each recorded call is traced under PyTorch's ShapeEnv with a symbol for each size
(as in symbolic_call.py). Sizes are drawn that satisfy the guards that it
recorded. Where PyTorch's own symbolic answer is what its static fake mode says
there, Kiln's guards should hold as well; where they do not Kiln is narrower.
Where it is not, PyTorch is unsound there, and Kiln owes nothing.
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import multiprocessing
import random
import re
import sys
import warnings
from typing import Any

from check_op_samples import known_deviations, read_samples
from symbol_draws import Draws
from symbolic_answer import UNBACKED, NumberReader, Outcome, SymbolicAnswer, ask, operators, outcome, propagate
from symbolic_call import Call, compiled
from torch._dynamo.source import ConstantSource
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv

Counter = collections.Counter[str]
FIELDS = ("calls", "ours", "theirs", "draws", "narrower", "unsound", "refused", "untraced")


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
            made = len(env.guards)
            self.result = call.func(*args, **kwargs)
        self.num_guards = len(env.guards) - made
        names = {str(symbol): name for symbol, name in self._symbols.items()}
        self.guards = [rename(str(guard.expr), names) for guard in env.guards]

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
    counts["theirs"][op] += traced.num_guards
    if answer.error:
        counts["refused"][op] += 1
        return
    counts["ours"][op] += len(answer.guards)
    names = tuple(call.hints)
    ours = [compiled(guard, names) for guard in answer.guards]
    source = Draws(call.hints, traced.guards, 0 if call.mode == "own" else 2, random.Random(seed))
    static = FakeTensorMode(allow_fallback_kernels=False, shape_env=ShapeEnv(), allow_non_fake_inputs=True)
    for _ in range(draws):
        values = source.draw(60)
        if values is None:
            return
        counts["draws"][op] += 1
        if all(truth(guard, values) for guard in ours):
            continue
        with static:
            want = ask(call, dict(zip(names, values, strict=True)), NumberReader())
        sound = want is not None and not want.error and traced.at(values) == want
        counts["narrower" if sound else "unsound"][op] += 1
        if sound and counts["narrower"][op] == 1:
            failing = [g for g, f in zip(answer.guards, ours, strict=True) if not truth(f, values)]
            shown.append(f"{call._text()}\n  at {values}\n  ours fails {failing}\n  theirs {traced.guards}")


def truth(function: Any, values: tuple[int, ...]) -> bool:
    try:
        return bool(function(*values))
    except (ZeroDivisionError, OverflowError):
        return False


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
    known, rows = known_deviations(), operators(options.program)
    samples = [
        s for s in read_samples(options.samples)
        if options.op in s["op"] and "error" not in s and s["op"] not in known and s["op"] in rows
        and not UNBACKED.search(s["graph"])
    ][:: options.every]  # fmt: skip
    parts = [samples[i : i + 100] for i in range(0, len(samples), 100)]
    tasks = [(options.program, part, options.modes.split(","), options.draws, 1000 * i) for i, part in enumerate(parts)]
    total: dict[str, Counter] = {name: collections.Counter() for name in FIELDS}
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for counts, shown in pool.imap_unordered(work, tasks):
            for name in FIELDS:
                total[name].update(counts[name])
            print("".join(text + "\n" for text in shown), end="")
    for op, count in total["narrower"].most_common():
        guards = f"guards {total['ours'][op]}, PyTorch's {total['theirs'][op]}"
        print(f"{op}: narrower at {count} of {total['draws'][op]}; {guards}")
    print(json.dumps({name: sum(counter.values()) for name, counter in total.items()}))
    return 0 if total["draws"] else 1


if __name__ == "__main__":
    sys.exit(main())
