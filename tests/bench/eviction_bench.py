"""Eviction by value against LRU and LFU, in compile seconds saved: a table, and bars as SVG.

    eviction_bench.py BUILD/tests/bench/eviction_bench [--plot eviction.svg]
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys

import bar_chart
from text_table import table

TRACES = pathlib.Path(__file__).resolve().parent / "traces"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--plot", type=pathlib.Path)
    parser.add_argument("--requests", type=int, default=200000)
    arguments = parser.parse_args()
    traces = (f"--replay={TRACES / 'asked.txt'}", f"--trace={TRACES / 'compiles.txt'}")
    command = [arguments.program, *traces, f"--requests={arguments.requests}"]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    saved: dict[tuple[str, float], dict[str, float]] = {}
    for row in map(json.loads, ran.stdout.splitlines()):
        saved.setdefault((row["trace"], row["room"]), {})[row["policy"]] = row["saved"]
    policies = list(next(iter(saved.values())))
    print("Compile seconds saved, of what a tier without a bound would save; room: of the bytes of everything")
    rows = [("trace", "room", *policies)]
    for (trace, room), by_policy in saved.items():
        rows.append((trace, f"{room:.0%}", *(f"{by_policy[policy]:.3f}" for policy in policies)))
    table(rows)
    if arguments.plot:
        shown = ("LRU", "LFU", "value")
        groups = {
            f"{trace}, {room:.0%}": {policy: by_policy[policy] for policy in shown}
            for (trace, room), by_policy in saved.items()
        }
        arguments.plot.write_text(bar_chart.draw("Compile seconds saved, 1: without a bound", groups))
        print(f"plot: {arguments.plot}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
