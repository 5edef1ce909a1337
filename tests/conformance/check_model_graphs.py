"""Compares what Kiln propagates through recorded model graphs to PyTorch's metadata, value by value.

    python tests/conformance/check_model_graphs.py REPLAY_MODULE DIR [--verbose]

DIR comes from record_model_graphs.py. Every value that PyTorch's nodes have is
compared: dtype, device, sizes, strides, offset and storage.

Size expressions are equal when they evaluate alike at the hints and at other
values of the symbols that satisfy PyTorch's guards; a symbol that Kiln made
stands for the one that PyTorch has in its place. What a backward graph computes
again has sizes that PyTorch knows from the forward graph; Kiln has symbols of its
own there, and asserts them equal to the inputs' where they meet.

Storages: where PyTorch's node has two values in one storage, Kiln must too, not
the other way round, since AOTAutograd replays views from their base and so takes
metadata of copies. Static graphs are compared once more, to FakeTensorMode run
over the same graph, and there storages must be equal both ways. Inputs are the
exception: the client shows each as a storage of its own, at offset 0.

Limits: a graph whose sizes PyTorch pins, or for which no other sizes were found, is
compared at the traced sizes alone, and counted. Recordings must be made without
FakeTensorMode's cache, which forgets the offset of `copy` (record_model_graphs.py).
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import pathlib
import random
import re
import subprocess
import sys
from typing import Any

from size_text import evaluate

# Besides small steps, symbols move by multiples of this, which keeps what PyTorch
# guarded about divisibility by small numbers.
STEP = 64
POINTS, TRIES = 6, 400
UNBACKED = re.compile(r"^u\d+$")
EQUATED = re.compile(r"^Eq\((s\d+), (s\d+)\)$")
UNBACKED_PAIR = re.compile(r"^(u\d+) == (u\d+)$")
UNKNOWN_SIZES = range(3, 40)


def satisfied(facts: list[str], symbols: dict[str, int]) -> bool:
    try:
        return all(evaluate(fact, symbols) for fact in facts)
    except (NameError, ZeroDivisionError):
        return False


def as_equated(facts: list[str], symbols: set[str]) -> dict[str, str]:
    """Symbol -> the one of those that must equal it whose value it takes."""
    first = {symbol: symbol for symbol in symbols}
    for pair in (match.groups() for fact in facts if (match := EQUATED.match(fact))):
        kept, gone = sorted(first[symbol] for symbol in pair)
        first = {symbol: kept if value == gone else value for symbol, value in first.items()}
    return first


def assignments(expected: dict[str, Any]) -> list[dict[str, int]]:
    """The hints, and other sizes that PyTorch's guards admit; sizes that only data tells are drawn in each."""
    hints: dict[str, int] = expected["hints"]
    unknown = sorted({*hints, *expected["lower"]} - hints.keys())
    facts = [f for f in expected["facts"] if set(re.findall(r"\b[su]\d+\b", f)) <= hints.keys()]
    first = as_equated(facts, set(hints))
    rng = random.Random(0)
    points = [dict(hints)]
    for attempt in range(TRIES if hints or unknown else 0):
        # Every other draw takes small steps, as far as the guards allow them.
        steps = [STEP * k for k in range(10)] if attempt % 2 else [0, 1, 2, 3, 5, 8, 16]
        step = {symbol: rng.choice(steps) for symbol in hints}
        point = {symbol: value + step[first[symbol]] for symbol, value in hints.items()}
        if (point not in points or not hints) and satisfied(facts, point):
            points.append(point)
        if len(points) > POINTS:
            break
    for point in points:
        point.update({symbol: rng.choice(UNKNOWN_SIZES) for symbol in unknown})
    return points


class Comparison:
    """Of one graph's values to one account of them."""

    def __init__(self, points: list[dict[str, int]], both_ways: bool, asserted: dict[str, str]) -> None:
        self._points = points
        self._asserted = asserted
        self._both_ways = both_ways
        # Kiln's storages of each of PyTorch's: more than one only for inputs.
        self._storages: dict[int, set[int]] = {}
        self._owners: dict[int, int] = {}
        # What PyTorch's offsets into Kiln's storages have too much: the offset of the input there.
        self._shifts: dict[int, str] = {}
        # Symbols that Kiln made, and those that PyTorch has in their place.
        self._unbacked: dict[str, str] = {}

    def _translated(self, got: str) -> str:
        return re.sub(r"\bu\d+\b", lambda m: self._unbacked.get(m[0], m[0]), self._as_asserted(got))

    def _as_asserted(self, got: str) -> str:
        return re.sub(r"\bu\d+\b", lambda m: self._asserted.get(m[0], m[0]), got)

    def _same_expr(self, want: str, got: str) -> bool:
        symbol = self._as_asserted(got)
        if UNBACKED.match(want) and UNBACKED.match(symbol) and want not in self._unbacked.values():
            self._unbacked.setdefault(symbol, want)
        got = self._translated(got)
        try:
            return want == got or all(evaluate(want, p) == evaluate(got, p) for p in self._points)
        except NameError:
            return False

    def _same_exprs(self, want: list[str], got: list[str]) -> bool:
        return len(want) == len(got) and all(self._same_expr(w, g) for w, g in zip(want, got, strict=True))

    def _same_storage(self, want: int, got: int, is_input: bool) -> bool:
        storages = self._storages.setdefault(want, {got})
        if is_input:
            storages.add(got)
        return got in storages and (not self._both_ways or self._owners.setdefault(got, want) == want)

    def differs(self, want: Any, got: Any, is_input: bool) -> str:
        """The first field that differs, or ''."""
        if want is None or got is None:
            return "" if want == got else "presence"
        if "scalar" in want or "scalar" in got:
            same = "scalar" in want and "scalar" in got and self._same_expr(want["scalar"], got["scalar"])
            return "" if same else "scalar"
        for field in ("dtype", "device"):
            if want[field] != got[field]:
                return field
        for field in ("sizes", "strides"):
            if not self._same_exprs(want[field], got[field]):
                return field
        if is_input and want["offset"] != got["offset"]:
            self._shifts[got["storage"]] = want["offset"]
        shift = self._shifts.get(got["storage"], "0")
        if not self._same_expr(want["offset"], f"({got['offset']}) + ({shift})"):
            return "offset"
        return "" if self._same_storage(want["storage"], got["storage"], is_input) else "storage"


@dataclasses.dataclass
class Tally:
    """Of one graph, or of many."""

    graphs: int = 0
    nodes: int = 0
    values: int = 0
    equal: int = 0
    guards: int = 0
    pinned: int = 0
    microseconds: float = 0.0

    def add(self, other: Tally) -> None:
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def replay(program: str, pb: pathlib.Path) -> tuple[list[dict[str, Any]], str]:
    run = subprocess.run([program, str(pb), "3"], capture_output=True, text=True)
    return [json.loads(line) for line in run.stdout.splitlines()], run.stderr.strip() if run.returncode else ""


def asserted_equal(rows: list[dict[str, Any]]) -> dict[str, str]:
    """A size that only data tells -> the earliest one that Kiln asserts to be equal."""
    equal: dict[str, str] = {}
    pairs = [match.groups() for row in rows if (match := UNBACKED_PAIR.match(row.get("assert", "")))]
    for pair in sorted(pairs, key=lambda names: sorted(int(name[1:]) for name in names)):
        first, second = sorted((equal.get(name, name) for name in pair), key=lambda name: int(name[1:]))
        equal.update({name: first for name, other in equal.items() if other == second})
        equal[second] = first
    return equal


def differences(
    expected: dict[str, Any], rows: list[dict[str, Any]], account: str, points: list[dict[str, int]]
) -> dict[str, str]:
    """Name -> the field that differs."""
    values = {row["name"]: row["value"] for row in rows if "name" in row}
    comparison = Comparison(points, account == "propagated", asserted_equal(rows))
    found = {}
    # In Kiln's order, which is that of the nodes.
    for name, got in values.items():
        want = expected[account].get(name, ...)
        if want is ...:
            continue
        field = comparison.differs(want, got, name in expected["inputs"])
        if field:
            found[name] = field
    # An assertion has no result and so no name.
    wanted = {name for name, want in expected[account].items() if want is not None}
    found.update(dict.fromkeys(wanted - values.keys(), "absence"))
    return found


def check(program: str, pb: pathlib.Path, verbose: bool) -> Tally:
    expected = json.loads(pb.with_suffix(".json").read_text())
    tally = Tally(graphs=1, nodes=len(expected["targets"]), values=len(expected["values"]))
    rows, error = replay(program, pb)
    if error:
        print(f"{pb.stem}: {error}")
        return tally
    values = {row["name"]: row["value"] for row in rows if "name" in row}
    points = assignments(expected)
    # PyTorch's guards may admit the traced sizes alone; then these are all there is to compare at.
    tally.pinned = int(bool(expected["hints"]) and len(points) < 2)
    bad: set[str] = set()
    for account in ("values", "propagated"):
        for name, field in differences(expected, rows, account, points).items() if account in expected else ():
            bad.add(name)
            print(f"{pb.stem}: {name}: {field}, {account}\n  want {expected[account][name]}\n  got  {values.get(name)}")
    for row in rows if verbose else []:
        if "guard" in row:
            print(f"{pb.stem}: guard {row['guard']}")
    tally.equal = tally.values - len(bad)
    tally.guards = sum("guard" in row for row in rows)
    tally.microseconds = rows[-1]["microseconds"]
    return tally


COLUMNS = ("static.forward", "static.backward", "dynamic.forward", "dynamic.backward", "inference.inference")


def print_table(tallies: dict[str, dict[str, Tally]]) -> None:
    """A line for each model: nodes of its graphs, and * where a value differs."""
    print(f"{'architecture':24}" + "".join(f"{column.replace('.', ' '):>20}" for column in COLUMNS) + f"{'us/node':>9}")
    for name, columns in tallies.items():
        cells = ""
        total = Tally()
        for column in COLUMNS:
            tally = columns.get(column, Tally())
            total.add(tally)
            cell = f"{tally.equal}/{tally.values}{'' if tally.equal == tally.values else ' *'}" if tally.graphs else "-"
            cells += f"{cell:>20}"
        print(f"{name:24}{cells}{total.microseconds / max(1, total.nodes):9.2f}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--verbose", action="store_true", help="print guards")
    options = parser.parse_args()
    tallies: dict[str, dict[str, Tally]] = collections.defaultdict(lambda: collections.defaultdict(Tally))
    total, overloads = Tally(), set()
    for pb in sorted(options.directory.glob("*.pb")):
        name, mode, role = pb.stem.split(".")[:3]
        tally = check(options.program, pb, options.verbose)
        # A graph between two that a model's own code broke may need gradients or not.
        key = f"{mode}.{role}" if f"{mode}.{role}" in COLUMNS else f"{mode}.forward"
        tallies[name][key].add(tally)
        total.add(tally)
        overloads.update(json.loads(pb.with_suffix(".json").read_text())["targets"])
    print_table(tallies)
    failed = sorted(options.directory.glob("*.failed"))
    for path in failed:
        print(f"{path.stem}: not recorded: {path.read_text()}")
    print(
        f"{len(tallies)} architectures, {total.graphs} graphs, {total.nodes} nodes of {len(overloads)} overloads: "
        f"{total.equal} of {total.values} values equal, {total.guards} guards, "
        f"{total.pinned} graphs whose sizes PyTorch pins, "
        f"{total.microseconds / max(1, total.nodes):.2f} us a node"
    )
    return 0 if total.graphs and total.equal == total.values and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
