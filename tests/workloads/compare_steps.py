"""Times the steps of several backends in one process, in turn, and prints one JSON line.

    python -m workloads.compare_steps --model gpt2 --training --backends none inductor kiln

In turn, so that what the machine does meanwhile meets all of them. Weights are the same; results are compared with
eager's, since a fast wrong answer is none. With --dynamic, Kiln's static artifact is timed beside its dynamic one.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
from typing import Any

import torch

from workloads.full_size_models import MODELS
from workloads.measure import BACKENDS, Stopwatch, compiled, seconds_of

# Of a dynamic case: what the sizes cost that are not constants.
STATIC_KILN = "kiln static"


def _largest_difference(a: Any, b: Any) -> float:
    """Of logits, relative to their largest."""
    x, y = a.logits.detach(), b.logits.detach()
    return float((x - y).abs().max() / x.abs().max().clamp(min=1e-12))


def compare(name: str, backends: list[str], training: bool, dynamic: bool, rounds: int) -> dict[str, Any]:
    model = MODELS[name]
    step = model.step(training)
    original = model.module(training)
    runs = {}
    for backend in backends:
        # Each has a class of its own: Dynamo's caches hang on code objects, and other backends' entries
        # would be looked at first.
        torch._dynamo.config.recompile_limit = 64
        runs[backend] = compiled(copy.deepcopy(original), backend, dynamic, Stopwatch())
    if dynamic and "kiln" in backends:
        runs[STATIC_KILN] = compiled(copy.deepcopy(original), "kiln", False, Stopwatch())
    for run in runs.values():
        for _ in range(2):
            step(run)
    times: dict[str, list[float]] = {backend: [] for backend in runs}
    for _ in range(rounds):
        for backend in runs:
            times[backend].append(seconds_of(step, runs[backend]))
    result: dict[str, Any] = {
        backend: {"minimum_seconds": min(seconds), "median_seconds": statistics.median(seconds)}
        for backend, seconds in times.items()
    }
    if not training:
        answers = {backend: step(run) for backend, run in runs.items()}
        result["difference_to_eager"] = {
            backend: _largest_difference(answers["none"], answer)
            for backend, answer in answers.items()
            if backend != "none"
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=tuple(MODELS), required=True)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=["none", "inductor", "kiln"])
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--dynamic", action="store_true")
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    print(
        json.dumps(
            compare(arguments.model, arguments.backends, arguments.training, arguments.dynamic, arguments.rounds)
        )
    )


if __name__ == "__main__":
    main()
