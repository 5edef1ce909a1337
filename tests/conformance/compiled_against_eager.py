"""Compares what `backend="kiln"` computes with eager PyTorch, on OpInfo's samples, through a server of its own.

    python tests/conformance/compiled_against_eager.py [--dtypes float32 int64] [--kinds forward gradient inplace]
        [--dynamic] [--samples 8] [--ops softmax] [--jobs 2] [--check-bounds] [--rows OUT.jsonl]

Each sample goes through AOTAutograd, the wire, the server, a worker and the host, as torch.compile sends it (Dynamo is
left out: it would say the same graph more slowly). Dtype, sizes and strides must be eager's, values within the
tolerances of the OpInfo; where those are missed, the error against a float64 run may be twice eager's. Several samples
share a graph, and are judged one by one if anything is wrong. With --dynamic, all dimensions are marked as dynamic.

What deviates must stand in known_compiled.txt: `op | kind | most | reason`, with the kinds of `Outcome.kind`. Needs the
`kiln` package and KILN_BINARY or the build folder's binary.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import functools
import json
import logging
import os
import pathlib
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from isolated_jobs import IsolatedJobs, Message
from judge_samples import GOOD, NOT_JUDGED, Judge, Outcome, Way
from known_answers import KnownAnswers
from sample_cases import OPS, Job, jobs_of, samples_of, seed_only_the_cpu, spread

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from workloads import server

# The longest compile of one group that is no hang.
SILENCE_SECONDS = 120.0


def run_job(way: Way, most: int, job: Job, skip: int, group: int) -> Iterator[Message]:
    warnings.simplefilter("ignore")
    judge = Judge(job, way)
    cases = spread(list(samples_of(job)), most)
    for start in range(skip, len(cases), group):
        some = cases[start : start + group]
        yield "start", start, len(some)
        for outcome in judge.judge(some):
            yield "row", dataclasses.asdict(outcome)


def outcomes(options: argparse.Namespace, jobs: list[Job]) -> Iterator[tuple[Job, Outcome]]:
    switches = (("check_bounds", "true"),) if options.check_bounds else ()
    run = functools.partial(run_job, Way(options.dynamic, switches), options.samples)
    for job, row in IsolatedJobs(run, options.jobs, options.group, SILENCE_SECONDS).rows(jobs):
        if isinstance(row, dict):
            yield job, Outcome(**row)
        else:
            yield job, Outcome(row[1], "crash", row[2])


class Report:
    """Counts, prints what is wrong as it comes, and says at the end what nobody has explained."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self._known = KnownAnswers("known_compiled.txt")
        self._kinds: collections.Counter[str] = collections.Counter()
        # By dtype and way: judged, and good.
        self._judged: collections.Counter[str] = collections.Counter()
        self._good: collections.Counter[str] = collections.Counter()
        self._bad: collections.Counter[tuple[str, str]] = collections.Counter()
        self._good_ops: set[str] = set()
        self._extern: collections.Counter[str] = collections.Counter()

    def add(self, job: Job, outcome: Outcome) -> None:
        self._kinds[outcome.kind] += 1
        self._judged[job.way] += outcome.kind not in NOT_JUDGED
        self._good[job.way] += outcome.kind in GOOD
        self._extern.update(outcome.extern)
        if self._rows:
            print(json.dumps({"job": str(job), **dataclasses.asdict(outcome)}), file=self._rows, flush=True)
        if outcome.kind in GOOD:
            self._good_ops.add(job.op)
        elif outcome.kind not in NOT_JUDGED:
            self._bad[job.op, outcome.kind] += 1
            if not self._known.reason(job.op, outcome.kind):
                print(f"{job} {outcome.number}: {outcome.kind}: {outcome.detail}", flush=True)

    def finish(self, at_least: int) -> int:
        judged = sum(n for kind, n in self._kinds.items() if kind not in NOT_JUDGED)
        print("extern:", ", ".join(f"{op} {n}" for op, n in self._extern.most_common()))
        for line in self._known.seen(self._bad):
            print(f"known: {line}")
        for way, judged_so in self._judged.items():
            print(f"{way}: {judged_so} judged, {self._good[way]} good, {judged_so - self._good[way]} deviate")
        unexplained = self._known.unexplained(self._bad)
        print(f"{dict(self._kinds)}; {judged} judged, {len(self._good_ops)} operators with good samples")
        print(f"{sum(unexplained.values())} deviations that no line of known_compiled.txt explains")
        return 1 if unexplained or judged < at_least else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dtypes", nargs="+", default=["float32"])
    parser.add_argument("--kinds", nargs="+", default=["forward"], choices=["forward", "gradient", "inplace"])
    parser.add_argument("--dynamic", action="store_true", help="mark every dimension as dynamic")
    parser.add_argument("--check-bounds", action="store_true", help="kernels that check each access")
    parser.add_argument("--ops", nargs="+", default=[""], help="only OpInfos whose name contains one of these")
    parser.add_argument("--samples", type=int, default=0, help="of each OpInfo, at most; 0: all")
    parser.add_argument("--every", type=int, default=1, help="only one OpInfo in so many")
    parser.add_argument("--group", type=int, default=8, help="samples in one graph")
    parser.add_argument("--jobs", type=int, default=2, help="processes that compile and run")
    parser.add_argument("--at-least", type=int, default=1, help="fail if fewer samples are judged")
    parser.add_argument("--rows", type=argparse.FileType("w"), help="write every outcome as a line of JSON")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    seed_only_the_cpu()
    ops = [op for name, op in OPS.items() if any(part in name for part in options.ops)][:: options.every]
    kinds = frozenset(options.kinds)
    dtypes = [getattr(torch, name) for name in options.dtypes]
    jobs = [job for dtype in dtypes for op in ops for job in jobs_of(op, dtype, kinds)]
    report = Report(options.rows)
    start = time.monotonic()
    with server.running() as one:
        os.environ.update(KILN_ADDRESS=one.address, KILN_TRUSTED_KEYS=one.environment["KILN_TRUSTED_KEYS"])
        for job, outcome in outcomes(options, jobs):
            report.add(job, outcome)
    print(f"{len(jobs)} jobs in {time.monotonic() - start:.0f} s")
    return report.finish(options.at_least)


if __name__ == "__main__":
    sys.exit(main())
