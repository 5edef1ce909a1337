"""Chooses few of the recorded operator calls as seeds for the fuzzers.

    python tests/fuzz/choose_op_samples.py SAMPLES.jsonl... > tests/fuzz/op_samples.txt

SAMPLES come from tests/conformance/record_op_samples.py. Of each overload the
shortest call of each form is taken, a few forms at most: a form is the ranks and
dtypes of its tensors and which arguments are given. One graph in text form a line.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys

FORMS_PER_OVERLOAD = 3
MAX_BYTES = 600
TENSOR = re.compile(r"%(\w+): (\w+)\[([^\]]*)\]")
KEYWORD = re.compile(r"(\w+)=")


def form(graph: str) -> tuple[object, ...]:
    body = graph.partition("{")[2]
    tensors = tuple((dtype, sizes.count(",") + bool(sizes)) for _, dtype, sizes in TENSOR.findall(graph))
    return tensors, tuple(KEYWORD.findall(body)), body.count(",")


def choose(paths: list[str]) -> list[str]:
    calls: dict[str, list[str]] = {}
    for path in paths:
        for line in pathlib.Path(path).read_text().splitlines():
            row = json.loads(line)
            if len(row["graph"]) <= MAX_BYTES:
                calls.setdefault(row["op"], []).append(row["graph"])
    chosen = []
    for op in sorted(calls):
        by_form: dict[tuple[object, ...], str] = {}
        for graph in sorted(calls[op], key=lambda g: (len(g), g)):
            by_form.setdefault(form(graph), graph)
        chosen += list(by_form.values())[:FORMS_PER_OVERLOAD]
    return chosen


if __name__ == "__main__":
    print("\n".join(choose(sys.argv[1:])))
