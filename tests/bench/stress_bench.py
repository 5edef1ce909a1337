"""Graphs that grow to eight times their size: time, the fitted exponent, a plot. Run by `make bench`.

python tests/bench/stress_bench.py PROPAGATE_BENCH [--plot stress.svg] [--repeats 5]
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import subprocess
import sys

from growth_plot import Series, draw, exponent

# A body that grows faster than this fails the benchmark.
STEEPEST = 1.4


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--plot", type=pathlib.Path, default=pathlib.Path("stress.svg"))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    run = subprocess.run(
        [options.program, "--stress", "--repeats", str(options.repeats)], stdout=subprocess.PIPE, text=True, check=True
    )
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    series: Series = collections.defaultdict(list)
    for row in rows:
        series[row["name"]].append((row["n"], row["min_us"] + row["guards_min_us"]))
    print("stress bodies, at the largest of n, 2n, 4n, 8n; time is propagation and the reduction of its guards")
    print(f"  {'':20}{'n':>6}{'nodes':>8}{'guards':>8}{'ms':>10}{'us/node':>10}{'bytes/node':>12}{'exponent':>10}")
    steep = []
    for name, points in series.items():
        last = [row for row in rows if row["name"] == name][-1]
        slope = exponent(points)
        microseconds = points[-1][1]
        print(
            f"  {name:20}{last['n']:>6}{last['nodes']:>8}{last['guards']:>8}{microseconds / 1e3:>10.2f}"
            f"{microseconds / last['nodes']:>10.2f}{last['bytes_kept'] / last['nodes']:>12.0f}{slope:>10.2f}"
        )
        if slope > STEEPEST:
            steep.append(name)
    options.plot.write_text(draw(series, "Propagation and its guards"))
    print(f"  plot: {options.plot}")
    if steep:
        print(f"  grow faster than n^{STEEPEST}: {', '.join(steep)}")
    return 1 if steep else 0


if __name__ == "__main__":
    sys.exit(main())
