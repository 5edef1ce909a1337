"""What Kiln adds to the start of a second process on a node, over a compiled object that does nothing.

    python tests/bench/second_process_bench.py [--models gpt2] [--modes inference training] [--processes 10]

The second process finds its graphs in AOTAutograd's cache and its artifacts in the server. Processes of the two kinds
take turns, each with a cache folder that a first one has filled; seconds are those around the backend's call.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import sys
import tempfile
from typing import Any

from text_table import table

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import MODEL_NAMES  # noqa: E402
from workloads import server as kiln_server  # noqa: E402
from workloads.python_process import run_module  # noqa: E402

KINDS = ("nothing", "kiln")


def measure(model: str, mode: str, processes: int) -> dict[str, list[dict[str, Any]]]:
    flags = ["--model", model] + ["--training"] * (mode == "training")
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder, kiln_server.running() as server:
        for turn in range(processes + 1):
            for kind in KINDS:
                environment = {**server.environment, "TORCHINDUCTOR_CACHE_DIR": f"{folder}/{kind}"}
                result = run_module("workloads.second_process", [*flags, "--backend", kind], environment)
                # The first of each fills its cache.
                if turn > 0:
                    assert result["hits"] > 0, f"{kind}: AOTAutograd's cache has nothing"
                    found[kind].append(result)
    return found


def row(name: str, found: dict[str, list[dict[str, Any]]]) -> tuple[str, ...]:
    seconds = {kind: [result["backend_seconds"] for result in results] for kind, results in found.items()}
    medians = {kind: statistics.median(values) for kind, values in seconds.items()}
    stages: dict[str, float] = {}
    for result in found["kiln"]:
        for stage, value in result["stages"].items():
            stages[stage] = stages.get(stage, 0.0) + value / len(found["kiln"])
    longest = sorted(stages.items(), key=lambda item: -item[1])[:5]
    return (
        name,
        f"{medians['nothing']:.3f}",
        f"{medians['kiln']:.3f}",
        f"{medians['kiln'] - medians['nothing']:+.3f}",
        f"{min(seconds['kiln']) - min(seconds['nothing']):+.3f}",
        ", ".join(f"{stage} {1e3 * value:.0f}" for stage, value in longest),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODEL_NAMES, default=MODEL_NAMES)
    parser.add_argument("--modes", nargs="+", choices=("inference", "training"), default=("inference", "training"))
    parser.add_argument("--processes", type=int, default=10, help="of each kind, in turn")
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = [("seconds", "nothing", "kiln", "added", "of minima", "kiln's stages, ms")]
    for model in arguments.models:
        for mode in arguments.modes:
            rows.append(row(f"{model} {mode}", measure(model, mode, arguments.processes)))
            print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
