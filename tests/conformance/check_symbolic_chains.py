"""Puts recorded calls into chains and compares Kiln's symbolic answers, at drawn sizes, to PyTorch's static ones.

    python tests/conformance/check_symbolic_chains.py REPLAY SAMPLES.jsonl... [--chains N] [--seed N]

The second operator of a chain sees sizes and strides that are expressions, and
guards that the first one made; check_symbolic_soundness.py, whose oracle this is,
gives each operator plain symbols. A chain has two to four operators, drawn so that
each is as likely as any other, and PyTorch's static fake mode takes it at the
hints. A disagreement belongs to the first step at which the answers differ.
"""

from __future__ import annotations

import argparse
import collections
import logging
import multiprocessing
import random
import re
import sys
import warnings
from typing import Any

import torch
from check_op_samples import read_samples
from check_symbolic_soundness import Check, Report
from eager_answer import eager_takes
from graph_text import DTYPES
from known_answers import KnownAnswers, kind_of
from replay_program import read_rows
from symbolic_answer import NO_ANSWER, UNBACKED, Outcome, SymbolicAnswer, propagate
from symbolic_call import Call
from symbolic_chain import Chain, ResultRef
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

MODES = ("own", "duck")
LONGEST = 4
TRIES = 8
PART = 100  # chains a task
REFUSED = re.compile(r"error: (\w+) .*?node \d+ \(([\w.]+)\)")
Place = tuple[int, int]  # a call and which of its inputs
Places = dict[tuple[str, Any], dict[str, list[Place]]]  # by dtype and sizes or rank, and by operator


def add(places: Places, key: tuple[str, Any], op: str, place: Place) -> None:
    places.setdefault(key, {}).setdefault(op, []).append(place)


class Calls:
    """Recorded calls, and which input of which of them a tensor can stand in for."""

    def __init__(self, graphs: list[str]) -> None:
        self.all = [Call(graph) for graph in graphs]
        self.of_op: dict[str, list[int]] = collections.defaultdict(list)
        self._exact: Places = {}
        self._alone: Places = {}
        for i, call in enumerate(self.all):
            self.of_op[call.op].append(i)
            shared = {t.alias for t in call.tensors}
            for k, t in enumerate(call.tensors):
                if t.alias is not None or k in shared or t.device != "cpu":
                    continue
                add(self._exact, (t.dtype, tuple(t.sizes)), call.op, (i, k))
                if len(call.tensors) == 1:
                    add(self._alone, (t.dtype, len(t.sizes)), call.op, (i, k))

    def taking(self, t: torch.Tensor, rng: random.Random) -> Place | None:
        """A call with an input of `t`'s dtype and sizes, or with one of its rank and no other input."""
        dtype = DTYPES.get(t.dtype, "")
        choices = [self._exact.get((dtype, tuple(t.shape))), self._alone.get((dtype, t.dim()))]
        found = [c for c in choices if c]
        if not found:
            return None
        by_op = rng.choice(found)
        return rng.choice(by_op[rng.choice(list(by_op))])


def results_at_hints(chain: Chain) -> list[list[Any]] | None:
    """What PyTorch's static fake mode makes of the chain; None if it refuses."""
    chain.symbolic("own")
    try:
        with FakeTensorMode(allow_fallback_kernels=False, shape_env=ShapeEnv(), allow_non_fake_inputs=True):
            _, args, kwargs = chain.arguments(chain.hints)
            return chain.func(*args, **kwargs)  # type: ignore[no-any-return]
    except (*NO_ANSWER, Exception):
        return None


def known_sizes(value: Any) -> bool:
    """No tensor with sizes that hang on data."""
    return not isinstance(value, torch.Tensor) or all(isinstance(size, int) for size in value.shape)


def draw_chain(calls: Calls, rng: random.Random) -> Chain | None:
    chain = Chain().extended(calls.all[rng.choice(calls.of_op[rng.choice(list(calls.of_op))])])
    length = rng.randint(2, LONGEST)
    results = results_at_hints(chain)
    for _ in range(TRIES):
        # Sizes that hang on data come last: how many of them are known to be 0 is not compared.
        if results is None or len(chain.steps) == length or not all(map(known_sizes, results[-1])):
            break
        # The last result more often than those before.
        step = len(results) - 1 if rng.random() < 0.7 else rng.randrange(len(results))
        sources = [ResultRef(step, i) for i, value in enumerate(results[step]) if isinstance(value, torch.Tensor)]
        if not sources:
            continue
        source = rng.choice(sources)
        place = calls.taking(results[source.step][source.index], rng)
        if place is None:
            continue
        longer = chain.extended(calls.all[place[0]], place[1], source)
        more = results_at_hints(longer)
        if more is not None and len(more[-1]) == longer.steps[-1].count:
            chain, results = longer, more
    return chain if len(chain.steps) > 1 else None


class ChainCheck(Check):
    def run(self, call: Call, graph: str, answer: SymbolicAnswer, seed: int) -> None:
        super().run(call, graph, answer, seed)
        # PyTorch's static fake mode took these very sizes; eager may not.
        if answer.error and eager_takes(call, call.hints) is not False:
            where = REFUSED.match(answer.error)
            op, kind = (where[2], f"refused {where[1]}") if where else (call.op, "refused")
            self.report.bad[op, kind] += 1
            if self.report.bad[op, kind] <= self._show and not self._known.reason(op, kind):
                self.report.shown.append(f"{graph}\n  kiln    {answer.error}")

    def _blame(self, call: Call, got: Outcome, want: Outcome) -> tuple[str, str]:
        """The first step that differs, and how."""
        assert isinstance(call, Chain)
        if want.error or got.error:
            return call.steps[min(call.ran, len(call.steps) - 1)].op, kind_of(got, want)
        if len(got.fixed) != len(want.fixed):
            return call.op, "result"
        names = [step.op for step in call.steps for _ in range(step.count)]
        for op, mine, theirs in zip(names, parts(got), parts(want), strict=True):
            if mine != theirs:
                return op, kind_of(mine, theirs)
        raise AssertionError("the outcomes are equal")


def parts(outcome: Outcome) -> list[Outcome]:
    """An outcome for each result."""
    out, at = [], 0
    for fixed in outcome.fixed:
        count = 2 * fixed[5] + 1 if isinstance(fixed, tuple) else int(fixed != "none")
        out.append(Outcome((fixed,), outcome.numbers[at : at + count]))
        at += count
    return out


def hold(calls: Calls) -> None:
    """In each worker, which inherits them."""
    global held
    held = calls


def work(task: tuple[Any, ...]) -> Report:
    program, count, draws, show, seed = task
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    check = ChainCheck(draws, show)
    rng = random.Random(seed)
    chains = [chain for chain in (draw_chain(held, rng) for _ in range(count)) if chain is not None]
    for mode in MODES:
        graphs = [chain.symbolic(mode) for chain in chains]
        for i, (chain, graph, lines) in enumerate(zip(chains, graphs, propagate(program, graphs), strict=True)):
            check.run(chain, graph, SymbolicAnswer(lines, tuple(chain.hints)), seed + i)
    return check.report


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("samples", nargs="+")
    parser.add_argument("--chains", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=4, help="draws for each chain and mode")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", type=int, default=1, help="disagreements to print per operator and worker")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-least", type=int, default=1, help="draws that must have been compared")
    options = parser.parse_args()
    rows = read_rows(options.program)
    calls = Calls([
        s["graph"] for s in read_samples(options.samples)
        if "error" not in s and s["op"] in rows
        and not UNBACKED.search(s["graph"]) and "%r" in s["graph"]
    ])  # fmt: skip
    tasks = [
        (options.program, min(PART, options.chains - start), options.draws, options.show, options.seed + start)
        for start in range(0, options.chains, PART)
    ]
    total = Report()
    with multiprocessing.get_context("fork").Pool(options.jobs, hold, (calls,)) as pool:
        for done, report in enumerate(pool.imap_unordered(work, tasks), 1):
            total.add(report)
            print("".join(text + "\n" for text in report.shown), end="")
            print(f"part {done} of {len(tasks)}: {sum(total.draws.values())} draws", flush=True)
    for (op, kind), count in total.bad.most_common():
        print(f"{op}: {count} disagree: {kind}")
    answers = KnownAnswers()
    fresh = {f"{op}: {kind}": n for (op, kind), n in total.bad.items() if not answers.reason(op, kind)}
    drawn = sum(total.draws.values())
    print(
        f"{sum(total.calls.values())} symbolic chains ({dict(sorted(total.calls.items()))}), {total.guards} guards: "
        f"{drawn} draws admitted and compared, {sum(total.bad.values())} disagree; {sum(total.pinned.values())} chains "
        f"pinned, {sum(total.unmoved.values())} without other sizes found, {sum(total.refused.values())} refused with "
        f"symbols, {total.unanswered} questions without an answer of PyTorch"
    )
    print(f"{sum(fresh.values())} disagreements that are not known: {fresh}")
    return 0 if drawn >= options.at_least and not fresh else 1


if __name__ == "__main__":
    sys.exit(main())
