"""Replays recorded operator calls in Kiln and compares the answers to PyTorch's.

    python tests/conformance/check_op_samples.py REPLAY SAMPLES.jsonl... [--show N] [--op NAME]

SAMPLES come from record_op_samples.py; REPLAY is the program replay_graphs.
Equal means: dtype, sizes, strides, storage offset, device, which input each
result aliases, and that both fail with one class of error or neither does. A call that PyTorch's fake
mode cannot answer at all (an operator without a meta kernel) is not counted.
Known deviations stand in known_deviations.txt with their reasons. An operator
without a row must be refused by name, or the check fails.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import sys
from collections.abc import Container
from typing import Any

from error_classes import same_class
from known_list import KnownList
from replay_program import Row, read_refused, read_rows, replay

# PyTorch's fake mode gives up: there is no answer to compare with.
NO_ANSWER = {
    "DataDependentOutputException",
    "DynamicOutputShapeException",
    "NotImplementedError",
    "UnsupportedFakeTensorException",
    "UnsupportedOperatorException",
}

# Messages of the same: a device that does not exist here would have to do the work.
NO_DEVICE = ("not compiled with CUDA", "not linked with support for cuda")


def has_answer(sample: dict[str, Any]) -> bool:
    return sample.get("error") not in NO_ANSWER and not any(text in sample.get("message", "") for text in NO_DEVICE)


def read_samples(paths: list[str]) -> list[dict[str, Any]]:
    samples = {}
    for path in paths:
        for line in pathlib.Path(path).read_text().splitlines():
            row = json.loads(line)
            samples[row["graph"]] = row
    return list(samples.values())


def agrees(sample: dict[str, Any], answer: list[str]) -> bool:
    failed = bool(answer) and answer[0].startswith("error: ")
    if "error" in sample:
        return same_class(answer, {sample["error"]})
    return not failed and answer == sample["results"]


def compare(
    program: str, calls: list[dict[str, Any]], show: int, known: Container[str]
) -> tuple[collections.Counter[str], collections.Counter[str]]:
    """How many calls of each operator there are, and how many deviate.

    Prints the first `show` deviations of an operator that is not known to deviate.
    """
    total: collections.Counter[str] = collections.Counter()
    bad: collections.Counter[str] = collections.Counter()
    for call, answer in zip(calls, replay(program, calls), strict=True):
        op = call["op"]
        total[op] += 1
        if agrees(call, answer):
            continue
        bad[op] += 1
        if bad[op] <= show and op not in known:
            want = call.get("results") or f"{call['error']}: {call['message']}"
            print(f"{call['graph']}\n  want {json.dumps(want)}\n  got  {json.dumps(answer)}")
    return total, bad


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("samples", nargs="+")
    parser.add_argument("--show", type=int, default=3, help="deviations to print per operator")
    parser.add_argument("--op", default="", help="only operators whose name contains this")
    options = parser.parse_args()
    rows = read_rows(options.program)
    refused = read_refused(options.program)
    samples = [s for s in read_samples(options.samples) if options.op in s["op"]]
    absent = collections.Counter(s["op"] for s in samples if s["op"] not in rows)
    # The table names an operator with all its overloads, or one overload.
    reasons = {op: refused.get(op) or refused.get(op.rsplit(".", 1)[0]) for op in absent}
    for op, why in sorted(reasons.items()):
        if why:
            print(f"{op}: {absent.pop(op)} calls refused by name: {why}")
    for op, count in sorted(absent.items()):
        print(f"{op}: {count} calls, neither in the table nor refused by name")
    samples = [s for s in samples if s["op"] in rows and has_answer(s)]
    known = KnownList("known_deviations.txt")
    total, bad = compare(options.program, samples, options.show, known)
    return report(rows, total, bad, known, len(options.samples), absent)


def report(
    rows: dict[str, Row],
    total: collections.Counter[str],
    bad: collections.Counter[str],
    known: KnownList,
    files: int,
    absent: collections.Counter[str],
) -> int:
    if not total:
        print("no sample was compared")
        return 1
    good = total - bad
    for op, count in bad.most_common():
        print(f"{op}: {count} of {total[op]} deviate, {known.most(op) * files} known")
    fresh = known.fresh(bad, files)
    for family in sorted({rows[op].family for op in total}):
        ops = [op for op in total if rows[op].family == family]
        calls, agree = sum(total[op] for op in ops), sum(good[op] for op in ops)
        print(f"  {family:14} {agree:6} of {calls:6} calls agree ({100.0 * agree / calls:.2f}%), {len(ops)} overloads")
    core = [op for op in total if rows[op].core]
    core_calls, core_good = sum(total[op] for op in core), sum(good[op] for op in core)
    percent = 100.0 * sum(good.values()) / sum(total.values())
    print(
        f"{len(rows)} rows; compared {sum(total.values())} calls of {len(total)} overloads: {percent:.2f}% agree "
        f"(core: {core_good} of {core_calls} calls of {len(core)} overloads); {fresh} deviations are not known; "
        f"{sum(absent.values())} calls of {len(absent)} overloads are neither in the table nor refused"
    )
    return 0 if fresh == 0 and not absent else 1


if __name__ == "__main__":
    sys.exit(main())
