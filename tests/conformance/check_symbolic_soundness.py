"""Draws sizes that satisfy Kiln's guards and compares its symbolic answer, evaluated there, to PyTorch's static one.

    python tests/conformance/check_symbolic_soundness.py REPLAY SAMPLES.jsonl... [--draws N] [--every N] [--jobs N]

Each recorded call is propagated with symbols for its sizes, in the modes of
symbolic_call.py. PyTorch's FakeTensorMode is then asked the same call at sizes
that satisfy the guards that Kiln made. Dtypes, devices, sizes, strides,
offsets, aliases and whether it fails must agree: one disagreement is a bug, of
ours or, where eager PyTorch gives our answer, of its fake mode; those are listed
in known_unsound.txt. A call whose guards admit no other sizes is pinned.
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import multiprocessing
import random
import sys
import warnings
from dataclasses import dataclass, field
from typing import Any

from check_op_samples import read_samples
from known_answers import KnownAnswers, kind_of
from replay_program import read_rows
from symbol_draws import Draws
from symbolic_answer import UNBACKED, NumberReader, Outcome, SymbolicAnswer, ask, propagate
from symbolic_call import MODES, Call
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

Counter = collections.Counter[str]
ATTEMPTS = 40


@dataclass
class Report:
    calls: Counter = field(default_factory=collections.Counter)
    guards: int = 0
    draws: Counter = field(default_factory=collections.Counter)  # by operator, admitted and compared
    unanswered: int = 0
    refused: Counter = field(default_factory=collections.Counter)
    at_hint: Counter = field(default_factory=collections.Counter)
    at_draws: Counter = field(default_factory=collections.Counter)
    bad: collections.Counter[tuple[str, str]] = field(default_factory=collections.Counter)  # by kind
    pinned: Counter = field(default_factory=collections.Counter)  # every symbol has one value
    unmoved: Counter = field(default_factory=collections.Counter)  # no other sizes were found
    shown: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        for name, value in vars(other).items():
            if isinstance(value, collections.Counter):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)


class Check:
    def __init__(self, draws: int, show: int) -> None:
        self._draws, self._show = draws, show
        self._known = KnownAnswers()
        self.report = Report()

    def run(self, call: Call, graph: str, answer: SymbolicAnswer, seed: int) -> None:
        report = self.report
        report.calls[call.op] += 1
        if answer.error:
            report.refused[call.op] += 1
            return
        report.guards += len(answer.guards)
        names = tuple(call.hints)
        draws = Draws(call.hints, answer.guards, 2 if call.mode != "own" else 0, random.Random(seed))
        with FakeTensorMode(allow_fallback_kernels=False, shape_env=ShapeEnv(), allow_non_fake_inputs=True):
            if not self._compare(call, graph, answer, tuple(call.hints.values()), report.at_hint):
                return
            if not names:
                return
            found: set[tuple[int, ...]] = set()
            for _ in range(2 * self._draws):
                values = draws.draw(ATTEMPTS if found else 4 * ATTEMPTS)
                if values is None or len(found) == self._draws:
                    break
                if values not in found:
                    found.add(values)
                    self._compare(call, graph, answer, values, report.at_draws)
        if not found:
            (report.unmoved if draws.free else report.pinned)[call.op] += 1

    def _compare(self, call: Call, graph: str, answer: SymbolicAnswer, values: tuple[int, ...], bad: Counter) -> bool:
        named = dict(zip(call.hints, values, strict=True))
        want = ask(call, named, NumberReader())
        if want is None:
            self.report.unanswered += 1
            return False
        at_hint = bad is self.report.at_hint
        if not at_hint:
            self.report.draws[call.op] += 1
        got = answer.at(values)
        # An empty tensor is known to have no such elements; a data-dependent size may be 0.
        if got == want or (answer.unbacked and answer.at(values, empty=True) == want):
            return True
        op, kind = self._blame(call, got, want)
        bad[op] += 1
        self.report.bad[op, kind] += 1
        if self.report.bad[op, kind] <= self._show and not self._known.reason(op, kind):
            where = "at the hints" if at_hint else f"at {named}"
            self.report.shown.append(
                f"{graph}\n  {where}: {kind}\n  pytorch {want}\n  kiln    {got}\n  answer  {answer.results}"
                f"\n  guards  {answer.guards}"
            )
        return not at_hint

    def _blame(self, call: Call, got: Outcome, want: Outcome) -> tuple[str, str]:
        """Which operator's answers differ, and how."""
        return call.op, kind_of(got, want)


def work(task: tuple[Any, ...]) -> Report:
    program, samples, modes, draws, show, seed = task
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    check = Check(draws, show)
    for mode in modes:
        calls = [Call(s["graph"]) for s in samples]
        graphs = [call.symbolic(mode) for call in calls]
        for i, (call, graph, lines) in enumerate(zip(calls, graphs, propagate(program, graphs), strict=True)):
            if mode == "sized" and "%n0" not in graph:
                continue
            check.run(call, graph, SymbolicAnswer(lines, tuple(call.hints)), seed + i)
    return check.report


def spread(samples: list[Any], size: int) -> list[list[Any]]:
    """Parts of about so many samples, each of all operators, so that a run says early what it will find."""
    parts = -(-len(samples) // size)
    return [samples[i::parts] for i in range(parts)]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("samples", nargs="+")
    parser.add_argument("--draws", type=int, default=10, help="draws for each call and mode")
    parser.add_argument("--every", type=int, default=1, help="take one call of so many")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--op", default="", help="only operators whose name contains this")
    parser.add_argument("--show", type=int, default=1, help="disagreements to print per operator and worker")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-least", type=int, default=1, help="draws that must have been compared")
    options = parser.parse_args()
    rows = read_rows(options.program)
    samples = [
        s for s in read_samples(options.samples)
        if options.op in s["op"] and "error" not in s and s["op"] in rows
        and not UNBACKED.search(s["graph"])
    ][options.seed % options.every :: options.every]  # fmt: skip
    tasks = [
        (options.program, part, options.modes.split(","), options.draws, options.show, options.seed + 1000 * i)
        for i, part in enumerate(spread(samples, 100))
    ]
    total = Report()
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for done, report in enumerate(pool.imap_unordered(work, tasks), 1):
            total.add(report)
            print("".join(text + "\n" for text in report.shown), end="")
            drawn, unknown = sum(total.draws.values()), sum(KnownAnswers().unexplained(total.bad).values())
            print(f"part {done} of {len(tasks)}: {drawn} draws, {unknown} unexplained", flush=True)
    return print_report(total, len(samples), options.at_least)


def print_report(total: Report, samples: int, at_least: int) -> int:
    for title, counter in (("disagree at their hints", total.at_hint), ("disagree", total.at_draws)):
        for op, count in counter.most_common():
            print(f"{op}: {count} {title}")
    for title, counter in (("pinned", total.pinned), ("without other sizes found", total.unmoved)):
        listed = ", ".join(f"{op} {count}" for op, count in counter.most_common())
        print(f"{title}: {listed}")
    print(
        f"{samples} samples, {sum(total.calls.values())} symbolic calls of {len(total.calls)} overloads, "
        f"{total.guards} guards: {sum(total.draws.values())} draws admitted and compared, "
        f"{sum(total.at_draws.values())} disagree; at the hints {sum(total.at_hint.values())} disagree; "
        f"{sum(total.pinned.values())} calls pinned, "
        f"{sum(total.unmoved.values())} without other sizes found, {sum(total.refused.values())} refused with symbols, "
        f"{total.unanswered} questions without an answer of PyTorch"
    )
    if total.refused:
        print(json.dumps(dict(total.refused.most_common(30))))
    known = KnownAnswers()
    for line in known.seen(total.bad):
        print(f"PyTorch's own: {line}")
    fresh = known.unexplained(total.bad)
    print(f"{sum(fresh.values())} disagreements that are not known: {fresh}")
    enough = sum(total.draws.values()) >= at_least
    return 0 if enough and not fresh else 1


if __name__ == "__main__":
    sys.exit(main())
