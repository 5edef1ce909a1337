"""Times fused kernels under several backends in one process, in turn, and prints one JSON line a kernel.

    python -m workloads.time_kernels --names bias_gelu masked_softmax --bytes bias_gelu=6303744

`steps` are Kiln's, where KILN_PROFILE says so: such times are of Kiln alone and a little longer, so nothing else is
timed then. `--bytes` adds a runner "copy", which moves as many bytes as are given: what memory takes at least.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

import kiln
from workloads.fused_kernels import KERNELS, FusedKernel

BACKENDS = ("eager", "inductor", "kiln")
# What one backend runs for in one round, at least: the clock and the loop are nothing beside it.
ROUND_SECONDS = 0.0005
# Kiln's own profile: the smallest of several means, each of some calls.
PROFILES, PROFILED_CALLS = 8, 5
# By bytes of an element: what results may differ by from eager's.
TOLERANCES = {2: (2e-2, 2e-2), 4: (2e-3, 2e-4)}


def compiled(kernel: FusedKernel, backend: str) -> Callable[..., Any]:
    """The function under the backend. Each has code of its own: Dynamo's caches hang on it, and another backend's
    entry would be looked at first."""
    if backend == "eager":
        return kernel.run
    run: Any = kernel.run
    own = types.FunctionType(run.__code__.replace(co_name=f"{run.__name__}_{backend}"), run.__globals__)
    return torch.compile(own, backend=backend, dynamic=False)


def copy_of(size_bytes: int) -> Callable[..., Any]:
    source = torch.zeros(max(size_bytes // 8, 1))
    target = torch.empty_like(source)
    return lambda *_: target.copy_(source)


def flat(result: Any) -> list[torch.Tensor]:
    results = result if isinstance(result, (tuple, list)) else [result]
    return [x for x in results if isinstance(x, torch.Tensor)]


def check(name: str, backend: str, expected: Any, actual: Any) -> None:
    for i, (x, y) in enumerate(zip(flat(expected), flat(actual), strict=True)):
        relative, absolute = TOLERANCES.get(x.element_size() if x.is_floating_point() else 0, (0.0, 0.0))
        # Sums over many elements are as wrong as the largest of them is.
        scale = float(x.abs().max()) if x.is_floating_point() else 1.0
        place = f"{name}, {backend}, result {i}: "
        torch.testing.assert_close(y, x, rtol=relative, atol=absolute * max(scale, 1.0), msg=place.__add__)


Clock = Callable[[], float]


def seconds_of(run: Callable[..., Any], inputs: Sequence[torch.Tensor], calls: int, clock: Clock) -> float:
    start = clock()
    for _ in range(calls):
        run(*inputs)
    return (clock() - start) / calls


def times_in_turn(
    runs: Mapping[str, Callable[..., Any]], inputs: Sequence[torch.Tensor], rounds: int, clock: Clock
) -> dict[str, dict[str, float]]:
    calls = {
        name: max(1, round(ROUND_SECONDS / min(seconds_of(run, inputs, 1, clock) for _ in range(3))))
        for name, run in runs.items()
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds_of(run, inputs, calls[name], clock))
    return {name: {"minimum": min(t), "median": statistics.median(t)} for name, t in times.items()}


def profiled_steps(run: Callable[..., Any], inputs: Sequence[torch.Tensor]) -> list[dict[str, Any]]:
    """Kiln's kernels and extern calls of one call of the function."""
    from kiln._host import profile

    steps: dict[tuple[str, ...], dict[str, Any]] = {}
    for _ in range(PROFILES):
        profile.clear()
        for _ in range(PROFILED_CALLS):
            run(*inputs)
        for row in kiln.profile():
            named = {"name": row["name"], "kind": row["kind"], "seconds": math.inf}
            step = steps.setdefault((row["name"], *row["nodes"]), named)
            step["bytes"] = row["bytes"] // PROFILED_CALLS
            step["seconds"] = min(step["seconds"], row["seconds"] / PROFILED_CALLS)
    return list(steps.values())


def measure(
    name: str, backends: Sequence[str], rounds: int, size_bytes: int, is_profiled: bool, clock: Clock
) -> dict[str, Any]:
    torch._dynamo.reset()
    torch.manual_seed(0)
    kernel = KERNELS[name]
    inputs = kernel.inputs()
    runs = {backend: compiled(kernel, backend) for backend in backends}
    expected = kernel.run(*inputs)
    for backend, run in runs.items():
        for _ in range(2):
            actual = run(*inputs)
        if not kernel.is_random:
            check(name, backend, expected, actual)
    if is_profiled:
        return {"name": name, "steps": profiled_steps(runs["kiln"], inputs)}
    if size_bytes > 0:
        runs["copy"] = copy_of(size_bytes)
    return {"name": name, "times": times_in_turn(runs, inputs, rounds, clock)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", choices=tuple(KERNELS), default=tuple(KERNELS))
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--busy", action="store_true", help="one thread, by the time that it computed")
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--bytes", nargs="*", default=(), help="NAME=BYTES, what a kernel moves")
    arguments = parser.parse_args()
    if arguments.threads is not None or arguments.busy:
        torch.set_num_threads(1 if arguments.busy else arguments.threads)
    clock = time.thread_time if arguments.busy else time.perf_counter
    sizes = dict(item.split("=") for item in arguments.bytes)
    is_profiled = os.environ.get("KILN_PROFILE", "") not in ("", "0")
    backends = ("kiln",) if is_profiled else arguments.backends
    with torch.no_grad():
        for name in arguments.names:
            result = measure(name, backends, arguments.rounds, int(sizes.get(name, 0)), is_profiled, clock)
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
