"""Replays calls that PyTorch refuses, and compares who refuses what with which class of error.

    python tests/conformance/check_error_inputs.py REPLAY ERRORS.jsonl

ERRORS come from record_error_inputs.py. Where PyTorch's fake mode raises, or where
only real tensors do, we must refuse, with the class of either. Where neither
raises, we must not. What only the data refuses (an index beyond its dimension) no
fake tensor can see: known_error_deviations.txt lists those and other deviations, by
operator, with their reasons.
"""

from __future__ import annotations

import argparse
import collections
import sys
from typing import Any

from check_op_samples import read_samples
from error_classes import DATA_DEPENDENT, reason_of, same_class
from known_list import KnownList
from replay_program import replay


def agrees(row: dict[str, Any], answer: list[str]) -> bool:
    fake, eager = row.get("error"), row.get("eager_error")
    # A data-dependent operator that fake mode gives no answer for: either the data
    # is not needed, and we answer, or it is the error.
    if fake in DATA_DEPENDENT and eager is None:
        return reason_of(answer) in (None, "DATA_DEPENDENT_SIZE")
    if fake is None and eager is None:
        return answer == row["results"]
    return same_class(answer, {c for c in (fake, eager) if c is not None})


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("errors", nargs="+")
    options = parser.parse_args()
    rows = read_samples(options.errors)
    answers = replay(options.program, rows)
    known = KnownList("known_error_deviations.txt")
    absent: collections.Counter[str] = collections.Counter()
    bad: collections.Counter[str] = collections.Counter()
    refused = accepted = 0
    for row, answer in zip(rows, answers, strict=True):
        if reason_of(answer) == "UNKNOWN_OP":
            absent[row["op"]] += 1
            continue
        raises = "error" in row or "eager_error" in row
        refused += raises
        accepted += not raises
        if agrees(row, answer):
            continue
        bad[row["op"]] += 1
        if bad[row["op"]] > known.most(row["op"]):
            fake = f"{row['error']}: {row['message']}" if "error" in row else row.get("results")
            print(f"{row['graph'][:300]}\n  fake  {fake}")
            print(f"  eager {row.get('eager_error')}: {row.get('eager_message')}\n  ours  {answer}")
    fresh = known.fresh(bad)
    stale = known.stale(bad)
    print(
        f"{refused} refused and {accepted} accepted calls compared: {sum(bad.values())} deviate, {fresh} not known; "
        f"{sum(absent.values())} calls of operators that are not in the table: {' '.join(sorted(absent))}"
    )
    for op in stale:
        print(known.complaint(op))
    return 1 if fresh or stale or not refused else 0


if __name__ == "__main__":
    sys.exit(main())
