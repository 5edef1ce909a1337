"""Compares what Kiln propagates through recorded model graphs to PyTorch's metadata, value by value.

    python tests/conformance/check_model_graphs.py REPLAY_MODULE DIR

DIR comes from record_model_graphs.py. Size expressions are equal when they
evaluate alike at the hints and at other values of the symbols. Where PyTorch
has two values in one storage, Kiln must too; not the other way round, since
AOTAutograd replays views from their base and so takes metadata of copies. Inputs
are the exception: the client shows each as a storage of its own, at offset 0.
"""

from __future__ import annotations

import json
import math
import pathlib
import random
import subprocess
import sys
from typing import Any

FUNCTIONS = {
    "Max": max,
    "Min": min,
    "CeilDiv": lambda a, b: -(-a // b),
    "FloorDiv": lambda a, b: a // b,
    "CleanDiv": lambda a, b: a // b,
    "Mod": lambda a, b: a % b,
    "PythonMod": lambda a, b: a % b,
    "ModularIndexing": lambda a, b, m: (a // b) % m,
    "IntTrueDiv": lambda a, b: a / b,
    "CeilToInt": math.ceil,
    "FloatPow": lambda a, b: a**b,
    "FloatTrueDiv": lambda a, b: a / b,
    "FloorToInt": math.floor,
    "ToFloat": float,
    "TruncToInt": int,
}
# Values whose metadata on the FX node is not that of the operator: name without
# its number, field, and why.
KNOWN = {
    ("copy", "offset"): "AOTAutograd's metadata says 0 where FakeTensorMode and eager keep the offset of self",
}
# How far from its hint each symbol is moved for the second comparison: a
# multiple that keeps divisibility facts of small divisors true.
STEP = 64


def evaluate(text: str, symbols: dict[str, int]) -> Any:
    return eval(text, {"__builtins__": {}}, {**FUNCTIONS, **symbols})


def assignments(hints: dict[str, int]) -> list[dict[str, int]]:
    rng = random.Random(0)
    moved = [{s: v + STEP * rng.randint(1, 9) for s, v in hints.items()} for _ in range(3)]
    return [hints, *moved]


class Comparison:
    def __init__(self, hints: dict[str, int]) -> None:
        self._assignments = assignments(hints)
        # Kiln's storages of each of PyTorch's: more than one only for inputs.
        self._storages: dict[int, set[int]] = {}

    def _same_expr(self, want: str, got: str) -> bool:
        return want == got or all(evaluate(want, a) == evaluate(got, a) for a in self._assignments)

    def _same_exprs(self, want: list[str], got: list[str]) -> bool:
        return len(want) == len(got) and all(self._same_expr(w, g) for w, g in zip(want, got, strict=False))

    def differs(self, want: Any, got: Any, is_input: bool) -> str:
        """The first field that differs, or ''."""
        if want is None or got is None:
            return "" if want == got else "presence"
        if "scalar" in want:
            return "" if "scalar" in got and self._same_expr(want["scalar"], got["scalar"]) else "scalar"
        for field in ("dtype", "device"):
            if want[field] != got.get(field):
                return field
        for field in ("sizes", "strides"):
            if not self._same_exprs(want[field], got[field]):
                return field
        if not is_input and not self._same_expr(want["offset"], got["offset"]):
            return "offset"
        storages = self._storages.setdefault(want["storage"], {got["storage"]})
        if is_input:
            storages.add(got["storage"])
        return "" if got["storage"] in storages else "storage"


def check(program: str, pb: pathlib.Path) -> tuple[int, int, float]:
    expected = json.loads(pb.with_suffix(".json").read_text())
    run = subprocess.run([program, str(pb), "5"], capture_output=True, text=True)
    if run.returncode:
        print(f"{pb.stem}: {run.stderr.strip()}")
        return len(expected["values"]), 0, 0.0
    comparison = Comparison(expected["hints"])
    compared = good = guards = 0
    nodes, microseconds = 1, 0.0
    for line in run.stdout.splitlines():
        row = json.loads(line)
        guards += "guard" in row
        if "guard" in row:
            print(f"{pb.stem}: guard {row['guard']}")
        if "nodes" in row:
            nodes, microseconds = row["nodes"], row["microseconds"]
        if row.get("name") not in expected["values"]:
            continue
        want = expected["values"][row["name"]]
        compared += 1
        field = comparison.differs(want, row["value"], row["name"] in expected["inputs"])
        if (row["name"].rstrip("0123456789_"), field) in KNOWN:
            field = ""
        good += not field
        if field:
            print(f"{pb.stem}: {row['name']}: {field}\n  want {want}\n  got  {row['value']}")
    print(f"{pb.stem}: {good} of {compared} values equal, {guards} guards, {microseconds / nodes:.2f} us a node")
    return compared, good, microseconds


def main() -> int:
    program, directory = sys.argv[1], pathlib.Path(sys.argv[2])
    graphs = sorted(directory.glob("*.pb"))
    compared = good = 0
    for pb in graphs:
        some, right, _ = check(program, pb)
        compared += some
        good += right
    print(f"{len(graphs)} graphs: {good} of {compared} values equal")
    return 0 if graphs and good == compared else 1


if __name__ == "__main__":
    sys.exit(main())
