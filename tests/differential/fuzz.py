"""Draws programs, compiles and runs them through a server of its own, compares with eager, shrinks what differs.

    python tests/differential/fuzz.py --seconds 60 [--seed 1000] [--jobs 1] [--found FOLDER]
    python tests/differential/fuzz.py --seed 0 --count 40
    python tests/differential/fuzz.py CASE.kiln... [--shrink]    (or folders of them)
    python tests/differential/fuzz.py --draw 17

The first three end with status 1 if anything is found. A find is written into the folder as drawn and as shrunk; what
has been mended belongs into tests/differential/cases, which the test suite runs. Needs the `kiln` package and
KILN_BINARY or the build folder's binary.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import itertools
import logging
import os
import pathlib
import re
import sys
import time
import warnings
from collections.abc import Iterable, Iterator

import torch

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "conformance")]

from draw_program import draw_program  # noqa: E402
from isolated_jobs import IsolatedJobs, Message  # noqa: E402
from judge_program import Judge, is_find  # noqa: E402
from judge_samples import NOT_JUDGED, Outcome  # noqa: E402
from program import Program  # noqa: E402
from program_text import parse_program, print_program  # noqa: E402
from shrink_program import shrink  # noqa: E402

from workloads import server  # noqa: E402

# The longest that one program may take.
SILENCE_SECONDS = 300.0
# Programs handed out at once: between them the clock is looked at.
BATCH = 40
# Of an operator in a process that judges.
THREADS = torch.get_num_threads()


def run_job(job: int | str, skip: int, _: int) -> Iterator[Message]:
    """`job`: a seed, or the text of a program. Rows: the text, then the outcome."""
    warnings.simplefilter("ignore")
    if skip:
        return
    torch.set_num_threads(THREADS)
    text = job if isinstance(job, str) else print_program(draw_program(job))
    yield "row", text
    yield "start", 0, 1
    yield "row", dataclasses.asdict(Judge(parse_program(text)).judge())


def outcomes(isolated: IsolatedJobs, jobs: Iterable[int | str]) -> Iterator[tuple[int | str, str, Outcome]]:
    """Each job with its program's text and its outcome."""
    texts: dict[int | str, str] = {}
    for job, row in isolated.rows_of_more(jobs):
        if isinstance(row, str):
            texts[job] = row
        else:
            outcome = Outcome(**row) if isinstance(row, dict) else Outcome(0, "crash", row[2])
            yield job, texts.get(job, ""), outcome


def same_failure(a: Outcome, b: Outcome) -> bool:
    """Of one kind and, where a message says what happened, of one message but for names and numbers."""
    if a.kind != b.kind or a.kind in ("values", "strides", "sizes", "dtype", "aliases"):
        return a.kind == b.kind
    return _message(a) == _message(b)


def _message(outcome: Outcome) -> str:
    text = outcome.detail.removeprefix("at the second sizes: ")
    return re.sub(r"[%'\"]\S*|\d+|\([^)]*\)", "", text)[:70]


def shrunk(isolated: IsolatedJobs, text: str, outcome: Outcome) -> tuple[str, Outcome]:
    last = outcome

    def fails(program: Program) -> bool:
        nonlocal last
        for _, _, now in outcomes(isolated, [print_program(program)]):
            if same_failure(now, outcome):
                last = now
                return True
        return False

    small = shrink(parse_program(text), fails)
    return print_program(small), last


class Report:
    """Prints finds as they come, and counts."""

    def __init__(self, found: pathlib.Path, shrinks: bool) -> None:
        self._found = found
        # Another process than those that find, which are in the middle of their programs.
        self._isolated = IsolatedJobs(run_job, 1, 1, SILENCE_SECONDS)
        self._shrinks = shrinks
        self._kinds: collections.Counter[str] = collections.Counter()
        self.finds = 0

    def add(self, name: str, text: str, outcome: Outcome) -> None:
        self._kinds[outcome.kind] += 1
        if not is_find(outcome):
            return
        self.finds += 1
        print(f"{name}: {outcome.kind}: {outcome.detail}", flush=True)
        if not self._shrinks or not text:
            return
        self._found.mkdir(parents=True, exist_ok=True)
        (self._found / f"{name}.drawn.kiln").write_text(text)
        small, last = shrunk(self._isolated, text, outcome)
        (self._found / f"{name}.kiln").write_text(f"# {last.kind}: {last.detail}\n{small}")
        print(f"{small}\n# {last.kind}: {last.detail}", flush=True)

    def progress(self) -> None:
        print(f"{dict(self._kinds.most_common())}; {self.finds} finds", flush=True)

    def finish(self) -> int:
        self._isolated.stop()
        self.progress()
        judged = sum(n for kind, n in self._kinds.items() if kind not in NOT_JUDGED)
        if judged == 0:
            print("nothing was judged")
        return 1 if self.finds or judged == 0 else 0


def seeds(options: argparse.Namespace) -> Iterator[list[int]]:
    """Batches until the count or the time is over."""
    if options.count:
        yield list(range(options.seed, options.seed + options.count))
        return
    end = time.monotonic() + options.seconds
    for start in itertools.count(options.seed, BATCH):
        if time.monotonic() >= end:
            return
        yield list(range(start, start + BATCH))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", type=pathlib.Path, help="programs in text form instead of drawn ones")
    parser.add_argument("--draw", type=int, help="print the program of a seed, and no more")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--count", type=int, default=0, help="so many programs")
    parser.add_argument("--seconds", type=float, default=60.0, help="or for so long")
    parser.add_argument("--jobs", type=int, default=1, help="processes that compile and run")
    parser.add_argument("--found", type=pathlib.Path, default=pathlib.Path("found"), help="where finds are written")
    parser.add_argument("--shrink", action=argparse.BooleanOptionalAction, help="make finds small")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    if options.draw is not None:
        print(print_program(draw_program(options.draw)), end="")
        return 0
    # Shrinking runs nodes in this process, whose pool of threads a forked one would wait for in vain.
    torch.set_num_threads(1)
    shrinks = not options.cases if options.shrink is None else options.shrink
    report = Report(options.found, shrinks)
    isolated = IsolatedJobs(run_job, options.jobs, 1, SILENCE_SECONDS)
    with server.running() as one:
        os.environ.update(KILN_ADDRESS=one.address, KILN_TRUSTED_KEYS=one.environment["KILN_TRUSTED_KEYS"])
        if options.cases:
            paths = [p for path in options.cases for p in (sorted(path.glob("*.kiln")) if path.is_dir() else [path])]
            names = {path.read_text(): path.stem for path in paths}
            for job, text, outcome in outcomes(isolated, names):
                report.add(names[str(job)], text, outcome)
        else:
            for batch in seeds(options):
                for job, text, outcome in outcomes(isolated, batch):
                    report.add(f"seed{job}", text, outcome)
                report.progress()
        isolated.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
