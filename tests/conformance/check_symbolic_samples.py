"""Replays recorded operator calls with every input size a symbol of its own.

    python tests/conformance/check_symbolic_samples.py REPLAY SAMPLES.jsonl... [--show N] [--op NAME]

At the hints, which are the recorded sizes, the symbolic answer must be the
static one: what PyTorch answered. Expressions of unbacked symbols must agree at
several values of these. Where the static call counted nothing, as `nonzero` of an
empty tensor does, PyTorch too has a symbol when sizes are symbols: 0 must fit.
Inputs that are not contiguous keep their strides as integers. Known deviations
stand in known_deviations.txt; one that does not fails the check.
"""

from __future__ import annotations

import argparse
import collections
import re
import sys
from typing import Any

from check_op_samples import agrees, has_answer, read_samples
from known_list import KnownList
from replay_program import replay
from size_text import evaluate
from symbolic_answer import split
from symbolic_call import contiguous, ints

INPUT = re.compile(r"(%t\d+: \w+)\[([^\]]*)\] strides=\[([^\]]*)\]")
RESULT = re.compile(r"\[([^\]]*)\]")
UNBACKED = re.compile(r"\bu\d+\b(?!:)")
UNBACKED_TRIALS = (1, 2, 3, 8, 35)
GRAPH = re.compile(r"^graph g\((.*?)\) \{ (.*)$")


def symbolic(graph: str) -> tuple[str, dict[str, int]]:
    hints: dict[str, int] = {}

    def replace(match: re.Match[str]) -> str:
        head, sizes, strides = match.group(1), ints(match.group(2)), ints(match.group(3))
        names = []
        for size in sizes:
            names.append(f"s{len(hints)}")
            hints[names[-1]] = size
        text = f"{head}[{', '.join(names)}]"
        return text if strides == contiguous(sizes) else f"{text} strides=[{', '.join(map(str, strides))}]"

    inputs, body = GRAPH.match(graph).groups()  # type: ignore[union-attr]
    inputs = INPUT.sub(replace, inputs)
    if not hints:
        return graph, hints
    declared = ", ".join(f"{name} = {hint} in [0, oo]" for name, hint in hints.items())
    return f"graph g({inputs}) symbols {{ {declared} }} {{ {body}", hints


def evaluated(line: str, values: dict[str, int]) -> str:
    """`line` with its size expressions evaluated."""

    def value(text: str) -> str:
        return str(evaluate(text, values))

    def list_of(match: re.Match[str]) -> str:
        return "[" + ", ".join(value(part) for part in split(match.group(1))) + "]"

    line = RESULT.sub(list_of, line)
    return re.sub(r"offset=(.*?) (?=[\w:]+ storage)", lambda m: f"offset={value(m.group(1))} ", line)


def same_results(want: list[str], got: list[str], hints: dict[str, int]) -> bool:
    """Whether the static `want` is `got` at its hints, whatever the unbacked symbols are."""
    if len(want) != len(got):
        return False
    unbacked = sorted({symbol for line in (*want, *got) for symbol in UNBACKED.findall(line)})
    counts = UNBACKED_TRIALS if any(UNBACKED.search(line) for line in want) else (0,)
    for count in counts:
        # Apart, so that one symbol does not pass for another; none where nothing is counted.
        values = {**hints, **{u: count and count + 3 * i for i, u in enumerate(unbacked)}}
        if any(evaluated(w, values) != evaluated(g, values) for w, g in zip(want, got, strict=True)):
            return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("samples", nargs="+")
    parser.add_argument("--show", type=int, default=2, help="deviations to print per operator")
    parser.add_argument("--op", default="", help="only operators whose name contains this")
    options = parser.parse_args()
    known = KnownList("known_deviations.txt")
    samples = [
        s for s in read_samples(options.samples)
        if options.op in s["op"]
        and has_answer(s)
        and not UNBACKED.search(s["graph"])
    ]  # fmt: skip
    graphs = [symbolic(s["graph"]) for s in samples]
    asked: list[dict[str, Any]] = [{**s, "graph": text} for s, (text, _) in zip(samples, graphs, strict=True)]
    total: collections.Counter[str] = collections.Counter()
    bad: collections.Counter[str] = collections.Counter()
    for sample, (_, hints), answer in zip(asked, graphs, replay(options.program, asked), strict=True):
        if answer and answer[0].startswith("error: UNKNOWN_OP"):
            continue
        op = sample["op"]
        total[op] += 1
        failed = bool(answer) and answer[0].startswith("error: ")
        if agrees(sample, answer) if failed or "error" in sample else same_results(sample["results"], answer, hints):
            continue
        bad[op] += 1
        if op not in known and bad[op] <= options.show:
            print(f"{sample['graph']}\n  want {sample.get('results') or sample['error']}\n  got  {answer}")
    files = len(options.samples)
    for op, count in bad.most_common():
        print(f"{op}: {count} of {total[op]} deviate, {known.most(op) * files} known")
    fresh = known.fresh(bad, files)
    compared = sum(total.values())
    percent = 100.0 * (compared - sum(bad.values())) / max(1, compared)
    print(
        f"{compared} calls of {len(total)} overloads with symbolic sizes: {percent:.2f}% agree at their hints; "
        f"{fresh} deviations are not known"
    )
    return 0 if compared and not fresh else 1


if __name__ == "__main__":
    sys.exit(main())
