"""Kiln beside Inductor and eager on six models at full size: compile time, step time and memory, as ratios.

    python tests/bench/model_bench.py [--models gpt2 t5] [--modes inference training] [--shapes static dynamic]

For each case four fresh processes measure first steps: aot_eager (what Dynamo and AOTAutograd cost anyone), Kiln
with an empty cache, Kiln again, and Inductor with an empty cache. Then one process runs the steps of eager, Inductor
and Kiln in turn. Over 1 means that Kiln is better, in every ratio.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from bar_chart import draw
from ratios import geometric_mean
from text_table import table

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import MODEL_NAMES  # noqa: E402
from workloads import server as kiln_server  # noqa: E402
from workloads.python_process import run_module  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Case:
    model: str
    mode: str
    shapes: str

    def __str__(self) -> str:
        return f"{self.model} {self.mode} {self.shapes}"

    def flags(self) -> list[str]:
        flags = ["--model", self.model]
        flags += ["--training"] * (self.mode == "training")
        return flags + ["--dynamic"] * (self.shapes == "dynamic")


@dataclasses.dataclass(frozen=True)
class Measured:
    """One case: first steps by run, and steps of backends in turn."""

    case: Case
    first: dict[str, dict[str, Any]]
    steps: dict[str, Any]

    def backend_seconds(self, run: str) -> float:
        """Inside the backend's callables, and what its first step takes longer than its second beyond that of
        aot_eager: loading, relocation, first touches of memory."""
        first, floor = self.first[run], self.first["aot_eager"]
        return float(first["callable_seconds"]) + max(0.0, self._wall(first) - self._wall(floor))

    def _wall(self, run: dict[str, Any]) -> float:
        return float(run["first_step_seconds"] - run["second_step_seconds"] - run["callable_seconds"])

    def ratio(self, key: str, kiln: str = "kiln cold", other: str = "inductor cold") -> float:
        return float(self.first[other][key]) / max(float(self.first[kiln][key]), 1e-9)

    def compile_ratio(self) -> float:
        return self.ratio("callable_seconds")

    def step_ratio(self, other: str, figure: str = "minimum_seconds") -> float:
        return float(self.steps[other][figure]) / float(self.steps["kiln"][figure])


def measure(case: Case, rounds: int) -> Measured:
    flags = case.flags()
    with tempfile.TemporaryDirectory() as cache, kiln_server.running() as server:
        inductor = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache}

        def first(backend: str, environment: dict[str, str]) -> dict[str, Any]:
            return run_module("workloads.measure", [*flags, "--backend", backend], environment)

        runs = {
            "aot_eager": first("aot_eager", dict(os.environ)),
            "kiln cold": first("kiln", server.environment),
            "kiln warm": first("kiln", server.environment),
            "inductor cold": first("inductor", inductor),
            "inductor warm": first("inductor", inductor),
        }
        both = {**server.environment, **inductor}
        steps = run_module("workloads.compare_steps", [*flags, "--rounds", str(rounds)], both)
    return Measured(case, runs, steps)


def print_case(m: Measured) -> None:
    print(m.case)
    floor = m.first["aot_eager"]["first_step_seconds"]
    rows: list[tuple[str, ...]] = [
        ("first steps", "callables s", "less aot_eager s", "first step s", "peak MiB", "saved MiB")
    ]
    for name, run in m.first.items():
        rows.append(
            (
                name,
                f"{run['callable_seconds']:.2f}",
                f"{run['first_step_seconds'] - floor:.2f}",
                f"{run['first_step_seconds']:.2f}",
                f"{run['peak_bytes'] / 2**20:.0f}",
                f"{run['saved_bytes'] / 2**20:.0f}",
            )
        )
    table(rows)
    rows = [("steps in turn", "minimum ms", "median ms", "against kiln")]
    for name in ("none", "inductor", "kiln", "kiln static"):
        if name not in m.steps:
            continue
        times = m.steps[name]
        rows.append(
            (
                "eager" if name == "none" else name,
                f"{1e3 * times['minimum_seconds']:.1f}",
                f"{1e3 * times['median_seconds']:.1f}",
                f"{m.step_ratio(name):.2f}",
            )
        )
    table(rows)
    for name, difference in m.steps.get("difference_to_eager", {}).items():
        print(f"  logits of {name} differ from eager's by {difference:.1e} of their largest")
    print(flush=True)


@dataclasses.dataclass(frozen=True)
class Row:
    """What the summary prints: the ratio of each case of some shapes and modes."""

    name: str
    ratio: Callable[[Measured], float]
    of: Callable[[Case], bool] = lambda case: True


SUMMARY = (
    Row("inductor / kiln: compile", Measured.compile_ratio),
    Row("inductor / kiln: first step, cold", lambda m: m.ratio("first_step_seconds")),
    Row("inductor / kiln: first step, warm", lambda m: m.ratio("first_step_seconds", "kiln warm", "inductor warm")),
    Row("inductor / kiln: step", lambda m: m.step_ratio("inductor")),
    Row("eager / kiln: step", lambda m: m.step_ratio("none")),
    Row("inductor / kiln: peak memory", lambda m: m.ratio("peak_bytes")),
    Row("static / dynamic kiln: step", lambda m: m.step_ratio("kiln static"), lambda case: case.shapes == "dynamic"),
    Row("inductor / kiln: bytes saved", lambda m: m.ratio("saved_bytes"), lambda case: case.mode == "training"),
)


def print_summary(all_measured: Sequence[Measured]) -> None:
    rows: list[tuple[str, ...]] = [("over 1: Kiln is better", "worst", "of", "geometric mean")]
    for row in SUMMARY:
        cases = [m for m in all_measured if row.of(m.case)]
        if cases:
            worst = min(cases, key=row.ratio)
            mean = geometric_mean(row.ratio(m) for m in cases)
            rows.append((row.name, f"{row.ratio(worst):.2f}", str(worst.case), f"{mean:.2f}"))
    table(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODEL_NAMES, default=MODEL_NAMES)
    parser.add_argument("--modes", nargs="+", choices=("inference", "training"), default=("inference", "training"))
    parser.add_argument("--shapes", nargs="+", choices=("static", "dynamic"), default=("static", "dynamic"))
    parser.add_argument("--rounds", type=int, default=10, help="steps of each backend, in turn")
    parser.add_argument("--plot", type=pathlib.Path, help="where to write the chart of step times, an SVG")
    arguments = parser.parse_args()
    done = []
    for model in arguments.models:
        for mode in arguments.modes:
            for shapes in arguments.shapes:
                done.append(measure(Case(model, mode, shapes), arguments.rounds))
                print_case(done[-1])
    print_summary(done)
    if arguments.plot:
        bars = {
            str(m.case): {
                "eager": m.step_ratio("none"),
                "inductor": m.step_ratio("inductor"),
            }
            for m in done
        }
        arguments.plot.write_text(draw("Step time of others over Kiln's: longer than the line is slower", bars))
    return 0


if __name__ == "__main__":
    sys.exit(main())
