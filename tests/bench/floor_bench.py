"""How far a step is from its floor, and which kernels lose what lies between.

    python tests/bench/floor_bench.py [--models gpt2] [--modes inference training] [--worst 10]

The floor of a step is the sum of its extern operators (libraries' code, timed inside the step) and of the bytes that
its kernels need at least over the bandwidth of memory that PyTorch's own copy reaches. A kernel whose data is in a
cache may be under its floor; it loses nothing. The rest of a step is AOTAutograd's wrappers, the autograd engine and
the profile itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import sys
from typing import Any

from text_table import table

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import MODEL_NAMES  # noqa: E402
from workloads import server as kiln_server  # noqa: E402
from workloads.python_process import run_module  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Step:
    """One model's profiled step. Seconds."""

    name: str
    whole: float
    bytes_per_second: float
    rows: list[dict[str, Any]]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["kind"] == kind]

    def seconds_of(self, kind: str) -> float:
        return sum(float(row["seconds"]) for row in self.of_kind(kind))

    def floor_of(self, row: dict[str, Any]) -> float:
        return float(row["bytes"]) / self.bytes_per_second

    def loss_of(self, row: dict[str, Any]) -> float:
        return max(0.0, float(row["seconds"]) - self.floor_of(row))

    @property
    def kernels_floor(self) -> float:
        return sum(self.floor_of(row) for row in self.of_kind("kernel"))

    @property
    def floor(self) -> float:
        return self.seconds_of("extern") + self.kernels_floor


def measure(model: str, mode: str) -> Step:
    flags = ["--model", model] + ["--training"] * (mode == "training")
    with kiln_server.running() as server:
        result = run_module("workloads.profile_step", flags, {**server.environment, "KILN_PROFILE": "1"})
    return Step(f"{model} {mode}", result["step_seconds"], result["bytes_per_second"], result["rows"])


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.2f}"


def print_step(step: Step, worst: int) -> None:
    print(f"{step.name}: copy reads and writes {step.bytes_per_second / 1e9:.1f} GB/s")
    rest = step.whole - step.seconds_of("extern") - step.seconds_of("kernel")
    table(
        [
            ("ms", "step", "extern", "kernels", "rest", "kernels' floor", "floor", "step/floor"),
            (
                "",
                milliseconds(step.whole),
                milliseconds(step.seconds_of("extern")),
                milliseconds(step.seconds_of("kernel")),
                milliseconds(rest),
                milliseconds(step.kernels_floor),
                milliseconds(step.floor),
                f"{step.whole / step.floor:.2f}",
            ),
        ]
    )
    rows: list[tuple[str, ...]] = [("kernels that lose most", "calls", "ms", "floor ms", "lost ms", "of the step")]
    for row in sorted(step.of_kind("kernel"), key=step.loss_of, reverse=True)[:worst]:
        rows.append(
            (
                row["name"],
                str(row["calls"]),
                milliseconds(row["seconds"]),
                milliseconds(step.floor_of(row)),
                milliseconds(step.loss_of(row)),
                f"{step.loss_of(row) / step.whole:.1%}",
            )
        )
    table(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODEL_NAMES, default=MODEL_NAMES)
    parser.add_argument("--modes", nargs="+", choices=("inference", "training"), default=("inference", "training"))
    parser.add_argument("--worst", type=int, default=10, help="how many kernels to name")
    arguments = parser.parse_args()
    for model in arguments.models:
        for mode in arguments.modes:
            print_step(measure(model, mode), arguments.worst)
    return 0


if __name__ == "__main__":
    sys.exit(main())
