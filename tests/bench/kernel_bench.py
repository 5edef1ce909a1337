"""Fused kernels as they stand in graphs of the benchmark models: Kiln's code beside Inductor's for the same subgraph.

    python tests/bench/kernel_bench.py [NAME ...] [--rounds 100] [--threads 2] [--against eager] [--plot kernels.svg]

One process calls eager, Inductor's code and Kiln's in turn, through torch.compile's callable, so that the ratio
counts what a call costs. Another has Kiln's profile: how long its kernels took by themselves, and the bytes that
they need at least. "floor" is the time in which PyTorch copies as many bytes, caches as warm: a kernel near
it has nothing left to win. Over 1 means that Kiln is better. On a machine that does other things, `--busy` counts the
time that one thread computed, which preemption does not lengthen; the profile's times stay those of the clock.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from bar_chart import draw
from ratios import geometric_mean
from text_table import table

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import server as kiln_server  # noqa: E402
from workloads.python_process import environment_of  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Measured:
    name: str
    steps: list[dict[str, Any]]
    times: dict[str, dict[str, float]]

    @property
    def size_bytes(self) -> int:
        return sum(int(step["bytes"]) for step in self.steps)

    @property
    def kernel_seconds(self) -> float:
        return sum(float(step["seconds"]) for step in self.steps)

    def seconds(self, run: str, figure: str = "minimum") -> float:
        return self.times[run][figure]

    def ratio(self, other: str, figure: str = "minimum") -> float:
        return self.seconds(other, figure) / self.seconds("kiln", figure)

    def floor_share(self) -> float:
        """Of the time that Kiln's kernels took, what memory needs."""
        return self.seconds("copy") / self.kernel_seconds if "copy" in self.times else float("nan")

    def extern_ops(self) -> str:
        return " ".join(step["name"] for step in self.steps if step["kind"] == "extern")


def run_program(environment: dict[str, str], arguments: Sequence[str]) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "workloads.time_kernels", *arguments]
    results = []
    with subprocess.Popen(command, env=environment_of(environment), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith("{"):
                continue
            results.append(json.loads(line))
            # All of them take minutes: the first ones are something to look at meanwhile.
            print(line, end="", file=sys.stderr, flush=True)
    if process.returncode != 0:
        raise SystemExit(process.returncode)
    return results


def measure(names: Sequence[str], others: Sequence[str], rounds: int, flags: list[str]) -> list[Measured]:
    flags += ["--names", *names] if names else []
    with kiln_server.running() as server:
        profiled = run_program({**server.environment, "KILN_PROFILE": "1"}, flags)
        sizes = [f"{kernel['name']}={sum(step['bytes'] for step in kernel['steps'])}" for kernel in profiled]
        timing = ["--rounds", str(rounds), "--backends", *others, "kiln", "--bytes", *sizes]
        timed = run_program(server.environment, [*flags, *timing])
    return [
        Measured(profile["name"], profile["steps"], times["times"])
        for profile, times in zip(profiled, timed, strict=True)
    ]


def microseconds(seconds: float) -> str:
    return f"{1e6 * seconds:.1f}"


def print_table(all_measured: Sequence[Measured], others: Sequence[str]) -> None:
    rows: list[tuple[str, ...]] = [
        (
            "us a call",
            *others,
            "kiln",
            *(f"{other}/kiln" for other in others),
            *(f"{other}/kiln, medians" for other in others),
            "kernels",
            "KiB",
            "floor",
            "floor/kernels",
        )
    ]
    for m in all_measured:
        rows.append(
            (
                m.name,
                *(microseconds(m.seconds(run)) for run in (*others, "kiln")),
                *(f"{m.ratio(other):.2f}" for other in others),
                *(f"{m.ratio(other, 'median'):.2f}" for other in others),
                f"{microseconds(m.kernel_seconds)} in {len(m.steps)}",
                f"{m.size_bytes / 1024:.0f}",
                microseconds(m.seconds("copy")) if "copy" in m.times else "",
                f"{m.floor_share():.2f}",
            )
        )
    table(rows)
    for m in all_measured:
        if m.extern_ops():
            print(f"  {m.name} calls {m.extern_ops()}")


def print_summary(all_measured: Sequence[Measured], others: Sequence[str]) -> None:
    for other in others:
        minima = [m.ratio(other) for m in all_measured]
        medians = [m.ratio(other, "median") for m in all_measured]
        slower = sum(ratio < 1 for ratio in minima)
        print(
            f"  {other} / kiln over {len(all_measured)} kernels: geometric mean {geometric_mean(minima):.2f} of minima,"
            f" {geometric_mean(medians):.2f} of medians; kiln slower in {slower}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="of tests/workloads/fused_kernels.py; all without any")
    parser.add_argument("--rounds", type=int, default=100, help="of each backend, in turn")
    parser.add_argument("--threads", type=int, help="of PyTorch")
    parser.add_argument("--busy", action="store_true", help="one thread, by the time that it computed, not the clock's")
    parser.add_argument("--against", nargs="+", choices=("eager", "inductor"), default=("eager", "inductor"))
    parser.add_argument("--plot", type=pathlib.Path, help="where to write the chart, an SVG")
    arguments = parser.parse_args()
    flags = ["--threads", str(arguments.threads)] if arguments.threads else []
    flags += ["--busy"] if arguments.busy else []
    all_measured = measure(arguments.names, arguments.against, arguments.rounds, flags)
    print_table(all_measured, arguments.against)
    print_summary(all_measured, arguments.against)
    if arguments.plot:
        bars = {m.name: {other: m.ratio(other) for other in arguments.against} for m in all_measured}
        arguments.plot.write_text(draw("Time of others over Kiln's: longer than the line is slower", bars))
    return 0


if __name__ == "__main__":
    sys.exit(main())
