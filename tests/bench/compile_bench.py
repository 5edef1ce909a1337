"""How long Kiln's compile takes: by the number of layers, and with symbolic sizes beside plain ones.

    python tests/bench/compile_bench.py [--layers 1 2 4 8] [--cases pooling gpt2] [--repeats 3] [--plot growth.svg]

Seconds are those inside the backend's callables, without the import of gRPC and the connection, which a process pays
once, and of these the server's by stage. Each compile is of a fresh process and a server that has not seen the graph;
the minimum of the repeats counts.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import sys

from growth_plot import Series, draw, exponent
from text_table import table

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import MODEL_NAMES  # noqa: E402
from workloads import server as kiln_server  # noqa: E402
from workloads.python_process import run_module  # noqa: E402

LAYERS = (1, 2, 4, 8, 16, 32, 64, 96)
STAGES = ("propagate", "decompose", "layout", "lower", "schedule", "codegen", "link")
# Their sizes: the depth of what is nested or chained.
NESTED = {"pooling": 5, "relative_positions": 4, "scans": 6, "strided_convolutions": 4}


@dataclasses.dataclass(frozen=True)
class Compiled:
    seconds: float
    # Milliseconds in the server, by stage.
    stages: dict[str, float]
    nodes: int
    kernels: int
    symbols: int
    eager_graphs: int


def compile_once(case: str, size: int, dynamic: bool) -> Compiled:
    flags = [f"--case={case}", f"--size={size}", *["--dynamic"] * dynamic]
    with kiln_server.running() as server:
        result = run_module("workloads.compile_once", flags, server.environment)
        stages = {row["stage"]: row["milliseconds"] for row in server.counters()["stage_totals"]}
    statistics = result["statistics"]
    return Compiled(
        statistics["backend_seconds"] - statistics["seconds_by_stage"].get("connect", 0.0),
        stages,
        result["nodes"],
        result["kernels"],
        result["symbols"],
        statistics["eager_graphs"],
    )


def fastest(case: str, size: int, dynamic: bool, repeats: int) -> Compiled:
    best = min((compile_once(case, size, dynamic) for _ in range(repeats)), key=lambda c: c.seconds)
    # The tables come at the end of many minutes.
    print(f"  {case} {size}{' dynamic' * dynamic}: {1e3 * best.seconds:.1f} ms", file=sys.stderr, flush=True)
    return best


def stage_cells(compiled: Compiled) -> list[str]:
    return [f"{compiled.stages.get(stage, 0.0):.1f}" for stage in STAGES]


def bench_layers(layers: list[int], repeats: int, plot: pathlib.Path) -> None:
    print("GPT-2, width 64, a training step: compile time by layers, milliseconds")
    rows: list[tuple[str, ...]] = [("layers", "nodes", "kernels", "backend", *STAGES)]
    series: Series = {"backend": [], **{stage: [] for stage in STAGES}}
    for n in layers:
        compiled = fastest("gpt2_layers", n, False, repeats)
        cells = [str(n), str(compiled.nodes), str(compiled.kernels), f"{1e3 * compiled.seconds:.1f}"]
        rows.append((*cells, *stage_cells(compiled)))
        # The plot takes microseconds.
        series["backend"].append((n, 1e6 * compiled.seconds))
        for stage in STAGES:
            series[stage].append((n, 1e3 * max(compiled.stages.get(stage, 0.0), 0.01)))
    table(rows)
    if len(layers) > 1:
        print(f"  backend grows as n^{exponent(series['backend']):.2f}\n")
        plot.write_text(draw(series, "Compiles of GPT-2 by layers"))


def bench_symbols(cases: list[str], repeats: int) -> None:
    print("The same graph with symbolic sizes beside plain ones: milliseconds inside the backend")
    rows: list[tuple[str, ...]] = [("case", "symbols", "static", "symbolic", "ratio", *STAGES)]
    for case in cases:
        for size in [NESTED[case]] if case in NESTED else [0, 1]:
            static, symbolic = (fastest(case, size, dynamic, repeats) for dynamic in (False, True))
            name = case if case in NESTED else f"{case} {('inference', 'training')[size]}"
            if static.eager_graphs or symbolic.eager_graphs:
                name += " (PARTLY EAGER)"
            ratio = symbolic.seconds / static.seconds
            cells = [name, str(symbolic.symbols), f"{1e3 * static.seconds:.1f}", f"{1e3 * symbolic.seconds:.1f}"]
            rows.append((*cells, f"{ratio:.2f}", *stage_cells(symbolic)))
    table(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", nargs="*", type=int, default=list(LAYERS))
    parser.add_argument("--cases", nargs="*", choices=(*NESTED, *MODEL_NAMES), default=[*NESTED, *MODEL_NAMES])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--plot", type=pathlib.Path, default=pathlib.Path("growth.svg"), help="by layers, an SVG")
    arguments = parser.parse_args()
    if arguments.layers:
        bench_layers(arguments.layers, arguments.repeats, arguments.plot)
    if arguments.cases:
        bench_symbols(arguments.cases, arguments.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
