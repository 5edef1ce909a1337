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

HERE = pathlib.Path(__file__).resolve().parent
BUILT = pathlib.Path(kiln_server.kiln_binary()).parents[2] / "tests" / "bench"


def bench(script: str, plot: str = "", arguments: str = "") -> int:
    """Runs one of the programs beside this one. `arguments` names the environment variable that has more of them."""
    command = [sys.executable, str(HERE / script)] + (["--plot", str(BUILT / plot)] if plot else [])
    return subprocess.run([*command, *os.environ.get(arguments, "").split()]).returncode


def bench_compiled_code() -> int:
    """BENCH_ARGUMENTS="--models gpt2 --modes training", KERNEL_BENCH_ARGUMENTS="bias_gelu --rounds 100"."""
    return (
        bench("model_bench.py", "steps.svg", "BENCH_ARGUMENTS")
        | bench("floor_bench.py", arguments="FLOOR_BENCH_ARGUMENTS")
        | bench("compile_bench.py", "compiles.svg")
        | bench("kernel_bench.py", "kernels.svg", "KERNEL_BENCH_ARGUMENTS")
    )


def bench_rpc() -> int:
    with kiln_server.running() as server:
        return subprocess.run([str(BUILT / "rpc_bench"), f"--address={server.address}"]).returncode


def bench_tiers() -> int:
    """Disk and Redis beside redis-benchmark; hits of memory while Redis is away."""
    return subprocess.run([str(BUILT / "tier_bench"), "--kiln", kiln_server.kiln_binary()]).returncode


def bench_herds() -> int:
    return bench("herd_bench.py")


def bench_fake_tensors() -> int:
    """FakeTensorMode beside PyTorch, and how it grows; each runs alone as well."""
    program = BUILT / "propagate_bench"
    failed = subprocess.run([sys.executable, str(HERE / "fake_tensor_bench.py"), str(program)]).returncode
    plot = ["--plot", str(BUILT / "stress.svg")]
    return failed | subprocess.run([sys.executable, str(HERE / "stress_bench.py"), str(program), *plot]).returncode


def bench_cache() -> int:
    """Lookups among many variants, what a bounded tier gives up, and a start with 100,000 entries."""
    failed = 0
    for name, plot in (("guard_index_bench", "index.svg"), ("eviction_bench", "eviction.svg")):
        program = [str(HERE / f"{name}.py"), str(BUILT / name), "--plot", str(BUILT / plot)]
        failed |= subprocess.run([sys.executable, *program]).returncode
    return failed | subprocess.run([str(BUILT / "restart_bench")]).returncode


def main() -> int:
    return bench_compiled_code() | bench_rpc() | bench_tiers() | bench_herds() | bench_fake_tensors() | bench_cache()


if __name__ == "__main__":
    sys.exit(main())
