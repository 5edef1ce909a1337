"""How the guard index's lookups grow with the number of variants, beside a scan: prints ratios, draws an SVG.

    guard_index_bench.py BUILD/tests/bench/guard_index_bench [--plot index.svg]
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys

from growth_plot import Series, draw
from text_table import table as print_table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--plot", type=pathlib.Path)
    parser.add_argument("--lookups", type=int, default=20000)
    arguments = parser.parse_args()
    ran = subprocess.run(
        [arguments.program, f"--lookups={arguments.lookups}"], check=True, stdout=subprocess.PIPE, text=True
    )
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    print("A lookup's time in the guard index, and a scan's over the index's (p50)")
    table = [("variants differ in", "number", "hits", "p50 us", "p99 us", "scan/index", "bytes each")]
    for row in rows:
        table.append(
            (
                row["kind"],
                f"{row['variants']:,}",
                f"{row['hit_share']:.2f}",
                f"{row['p50_us']:.2f}",
                f"{row['p99_us']:.2f}",
                f"{row['scan_p50_us'] / row['p50_us']:,.1f}" if "scan_p50_us" in row else "",
                f"{row['index_bytes_per_variant']:,.0f}" if "index_bytes_per_variant" in row else "",
            )
        )
    print_table(table)
    if arguments.plot:
        series: Series = {}
        for row in rows:
            series.setdefault(f"{row['kind']}, p99", []).append((row["variants"], row["p99_us"]))
            if "scan_p50_us" in row:
                series.setdefault(f"{row['kind']}, scan", []).append((row["variants"], row["scan_p50_us"]))
        arguments.plot.write_text(draw(series, "Lookups in the guard index (p99) and in a scan (p50)"))
        print(f"plot: {arguments.plot}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
