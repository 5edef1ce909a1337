"""Measures one backend on one model in this process and prints one JSON line.

    python -m workloads.measure --model resnet18 --backend inductor

`first_step_seconds` is the wall time of the first step. `callable_seconds` is the
time inside the backend's own compile callables: those that AOTAutograd calls with
the forward and the backward graph. It leaves out Dynamo and AOTAutograd, which
every backend pays.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from workloads import models

BATCH, LENGTH, IMAGE = 2, 128, 224


class Stopwatch:
    """Adds up the seconds inside the callables that it wraps; nested calls count once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._depth += 1
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self.seconds += time.perf_counter() - start

        return timed


def inductor_backend(stopwatch: Stopwatch) -> Callable[..., Any]:
    from torch._inductor import compile_fx

    inner = stopwatch.wrap(compile_fx.compile_fx_inner)
    return lambda gm, inputs: compile_fx.compile_fx(gm, inputs, inner_compile=inner)


def make_step(name: str) -> tuple[torch.nn.Module, Callable[[Any], Any]]:
    """The model, and one training step of it: forward and backward."""
    if name == "gpt2":
        tokens = next(models.text_batches(BATCH, LENGTH))
        return models.gpt2(), lambda run: run(input_ids=tokens, labels=tokens).loss.backward()
    pixels, labels = models.images(BATCH, IMAGE)
    return models.resnet18(), lambda run: run(pixel_values=pixels, labels=labels).loss.backward()


def measure(name: str, backend: str, steps: int) -> dict[str, Any]:
    stopwatch = Stopwatch()
    model, step = make_step(name)
    chosen: Any = inductor_backend(stopwatch) if backend == "inductor" else backend
    run = model if backend == "none" else torch.compile(model, backend=chosen, dynamic=True)
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        step(run)
        seconds.append(time.perf_counter() - start)
    result = {
        "model": name,
        "backend": backend,
        "first_step_seconds": seconds[0],
        "step_seconds": statistics.median(seconds[2:]),
        "callable_seconds": stopwatch.seconds,
    }
    if backend == "kiln":
        import kiln

        result["kiln"] = kiln.stats()
        result["callable_seconds"] = kiln.stats()["backend_seconds"]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=("gpt2", "resnet18"), required=True)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.model, arguments.backend, arguments.steps)))


if __name__ == "__main__":
    main()
