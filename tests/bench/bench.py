"""Kiln against Inductor and an empty RPC, all in one run: run by `make bench`.

Prints ratios. For compile time over 1 means that Kiln is faster; so for step time.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import server as kiln_server  # noqa: E402

MODELS = ("gpt2", "resnet18")


def measure(environment: dict[str, str], model: str, backend: str) -> dict[str, Any]:
    environment = {**environment, "PYTHONPATH": kiln_server.python_path(), "TRANSFORMERS_VERBOSITY": "error"}
    command = [sys.executable, "-m", "workloads.measure", "--model", model, "--backend", backend]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print(
            "  "
            + "  ".join(
                cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=False))
            )
        )
    print(flush=True)


def bench_model(server: kiln_server.Server, model: str) -> None:
    with tempfile.TemporaryDirectory() as cache:
        inductor = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache}
        floor = measure(os.environ.copy(), model, "aot_eager")
        eager = measure(os.environ.copy(), model, "none")
        runs = {
            "kiln cold": measure(server.environment, model, "kiln"),
            "kiln warm": measure(server.environment, model, "kiln"),
            "inductor cold": measure(inductor, model, "inductor"),
            "inductor warm": measure(inductor, model, "inductor"),
        }
    print(f"{model}: forward and backward, dynamic shapes, float32")
    rows: list[tuple[str, ...]] = [("", "callables s", "less aot_eager s", "first step s", "step ms")]
    for name, run in runs.items():
        above = run["first_step_seconds"] - floor["first_step_seconds"]
        rows.append(
            (
                name,
                f"{run['callable_seconds']:.2f}",
                f"{above:.2f}",
                f"{run['first_step_seconds']:.2f}",
                f"{1e3 * run['step_seconds']:.1f}",
            )
        )
    rows.append(("aot_eager", "", "", f"{floor['first_step_seconds']:.2f}", f"{1e3 * floor['step_seconds']:.1f}"))
    rows.append(("eager", "", "", f"{eager['first_step_seconds']:.2f}", f"{1e3 * eager['step_seconds']:.1f}"))
    table(rows)

    def ratio(key: str, state: str) -> str:
        return f"{runs[f'inductor {state}'][key] / max(runs[f'kiln {state}'][key], 1e-9):.2f}"

    print(
        f"  inductor / kiln: compile (callables, cold) {ratio('callable_seconds', 'cold')}, "
        f"first step cold {ratio('first_step_seconds', 'cold')}, "
        f"first step warm {ratio('first_step_seconds', 'warm')}, "
        f"step {ratio('step_seconds', 'warm')}"
    )
    print(f"  eager / kiln: step {eager['step_seconds'] / runs['kiln warm']['step_seconds']:.2f}\n", flush=True)


def bench_fake_tensors() -> int:
    """FakeTensorMode beside PyTorch, and how it grows; each runs alone as well."""
    here = pathlib.Path(__file__).resolve().parent
    program = pathlib.Path(kiln_server.kiln_binary()).parents[2] / "tests" / "bench" / "propagate_bench"
    plot = program.with_name("stress.svg")
    failed = subprocess.run([sys.executable, str(here / "fake_tensor_bench.py"), str(program)]).returncode
    return (
        failed
        | subprocess.run([sys.executable, str(here / "stress_bench.py"), str(program), "--plot", str(plot)]).returncode
    )


def main() -> int:
    with kiln_server.running() as server:
        for model in MODELS:
            bench_model(server, model)
        rpc_bench = pathlib.Path(kiln_server.kiln_binary()).parents[2] / "tests" / "bench" / "rpc_bench"
        subprocess.run([str(rpc_bench), f"--address={server.address}"], check=True)
    return bench_fake_tensors()


if __name__ == "__main__":
    sys.exit(main())
