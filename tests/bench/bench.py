"""Kiln against Inductor and an empty RPC, all in one run: run by `make bench`.

Prints ratios. For compile time over 1 means that Kiln is faster; so for step time.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import server as kiln_server  # noqa: E402


def bench_models() -> int:
    """BENCH_ARGUMENTS has arguments of model_bench.py: "--models gpt2 --modes training"."""
    here = pathlib.Path(__file__).resolve().parent
    plot = pathlib.Path(kiln_server.kiln_binary()).parents[2] / "tests" / "bench" / "steps.svg"
    chosen = os.environ.get("BENCH_ARGUMENTS", "").split()
    return subprocess.run([sys.executable, str(here / "model_bench.py"), "--plot", str(plot), *chosen]).returncode


def bench_compiles() -> int:
    here = pathlib.Path(__file__).resolve().parent
    plot = pathlib.Path(kiln_server.kiln_binary()).parents[2] / "tests" / "bench" / "compiles.svg"
    return subprocess.run([sys.executable, str(here / "compile_bench.py"), "--plot", str(plot)]).returncode


def bench_kernels() -> int:
    """KERNEL_BENCH_ARGUMENTS has arguments of kernel_bench.py: "bias_gelu masked_softmax --rounds 100"."""
    here = pathlib.Path(__file__).resolve().parent
    plot = pathlib.Path(kiln_server.kiln_binary()).parents[2] / "tests" / "bench" / "kernels.svg"
    chosen = os.environ.get("KERNEL_BENCH_ARGUMENTS", "").split()
    return subprocess.run([sys.executable, str(here / "kernel_bench.py"), "--plot", str(plot), *chosen]).returncode


def bench_rpc() -> int:
    rpc_bench = pathlib.Path(kiln_server.kiln_binary()).parents[2] / "tests" / "bench" / "rpc_bench"
    with kiln_server.running() as server:
        return subprocess.run([str(rpc_bench), f"--address={server.address}"]).returncode


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
    return bench_models() | bench_compiles() | bench_kernels() | bench_rpc() | bench_fake_tensors()


if __name__ == "__main__":
    sys.exit(main())
