"""Draws sizes that satisfy Kiln's guards and compares the symbolic answer, evaluated there, to the static one.

    python tests/conformance/check_symbolic_soundness.py REPLAY SAMPLES.jsonl... [--draws N]

A recorded call is propagated with every input size a symbol. Other sizes that
satisfy the guards it made must then give, when propagated as plain integers,
what the symbolic answer says. (The static answers are compared to PyTorch by
check_op_samples.py.) One disagreement is a bug.
"""

from __future__ import annotations

import argparse
import collections
import random
import subprocess
import sys
from typing import Any

from check_model_graphs import FUNCTIONS
from check_op_samples import known_deviations, read_samples, replay
from check_symbolic_samples import GRAPH, INPUT, UNBACKED, at_hints, contiguous, ints, symbolic

LOGIC = {
    "And": lambda *args: all(args),
    "Or": lambda *args: any(args),
    "Not": lambda a: not a,
    "Where": lambda c, a, b: a if c else b,
}
SIZES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 30)


def holds(guard: str, sizes: dict[str, int]) -> bool:
    try:
        return bool(eval(guard, {"__builtins__": {}}, {**FUNCTIONS, **LOGIC, **sizes}))
    except ZeroDivisionError:
        return False


def draw(rng: random.Random, hints: dict[str, int]) -> dict[str, int]:
    """Equal hints mostly stay equal, and many sizes stay as they are, or few guards would hold."""
    moved = {hint: rng.choice(SIZES) if rng.random() < 0.5 else hint for hint in sorted(set(hints.values()))}
    return {s: rng.choice(SIZES) if rng.random() < 0.1 else moved[h] for s, h in hints.items()}


def static(graph: str, sizes: dict[str, int]) -> str:
    """The recorded graph with other sizes of its inputs, which are contiguous."""
    inputs, body = GRAPH.match(graph).groups()  # type: ignore[union-attr]
    values = iter(sizes.values())

    def replace(match: Any) -> str:
        shape = [next(values) for _ in ints(match.group(2))]
        return f"{match.group(1)}[{', '.join(map(str, shape))}] strides=[{', '.join(map(str, contiguous(shape)))}]"

    return f"graph g({INPUT.sub(replace, inputs)}) {{ {body}"


def is_plain(graph: str) -> bool:
    inputs = GRAPH.match(graph).group(1)  # type: ignore[union-attr]
    if UNBACKED.search(graph) or "offset=" in inputs or "alias=" in inputs:
        return False
    return all(ints(m.group(3)) == contiguous(ints(m.group(2))) for m in INPUT.finditer(inputs))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("samples", nargs="+")
    parser.add_argument("--draws", type=int, default=10, help="draws for each call")
    parser.add_argument("--show", type=int, default=1, help="disagreements to print per operator")
    options = parser.parse_args()
    known = known_deviations()
    samples = [s for s in read_samples(options.samples) if s["op"] not in known and is_plain(s["graph"])]
    graphs = [symbolic(s["graph"]) for s in samples]
    text = "\n".join(graph for graph, _ in graphs) + "\n"
    out = subprocess.run([options.program, "--guards"], input=text, capture_output=True, text=True, check=True).stdout
    answers: list[list[str]] = [[]]
    for line in out.splitlines():
        if line:
            answers[-1].append(line)
        else:
            answers.append([])
    rng = random.Random(0)
    cases: list[tuple[str, dict[str, int], list[str]]] = []
    asked: list[dict[str, Any]] = []
    for sample, (_, hints), answer in zip(samples, graphs, answers, strict=False):
        results = [line for line in answer if not line.startswith("guard: ")]
        guards = [line.removeprefix("guard: ") for line in answer if line.startswith("guard: ")]
        # What depends on data prints unbacked symbols, whose numbering may differ.
        if not hints or (results and results[0].startswith("error: ")) or UNBACKED.search("".join(results)):
            continue
        for _ in range(options.draws):
            sizes = draw(rng, hints)
            if sizes != hints and all(holds(g, sizes) for g in guards):
                cases.append((sample["op"], sizes, results))
                asked.append({"graph": static(sample["graph"], sizes)})
    bad: collections.Counter[str] = collections.Counter()
    for (op, sizes, results), case, answer in zip(cases, asked, replay(options.program, asked), strict=False):
        want = [at_hints(line, sizes) for line in results]
        if want == answer:
            continue
        bad[op] += 1
        if bad[op] <= options.show:
            print(f"{case['graph']}\n  symbolic {want}\n  static   {answer}")
    for op, count in bad.most_common():
        print(f"{op}: {count} disagree")
    print(f"{len(cases)} draws of {len({c[0] for c in cases})} overloads: {sum(bad.values())} disagree")
    return 1 if bad or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
