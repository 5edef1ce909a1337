"""Profiles the steps of a model under Kiln and prints one JSON line: what each kernel and extern operator took.

    KILN_PROFILE=1 python -m workloads.profile_step --model gpt2 --training

`rows` are kernels and extern operators with the seconds and bytes of one step; seconds are the least of several
steps. `step_seconds` is the least time of a step, profile included. `bytes_per_second` is what PyTorch's copy of a
large tensor reads and writes on this machine, with as many threads.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import torch

import kiln
from workloads.full_size_models import MODELS
from workloads.measure import Stopwatch, compiled, seconds_of

STEPS = 6
# Larger than any cache.
COPIED_BYTES = 1 << 28


def bytes_per_second() -> float:
    source = torch.ones(COPIED_BYTES // 4)
    target = torch.empty_like(source)
    seconds = min(seconds_of(lambda run: run(source), target.copy_) for _ in range(10))
    return 2 * COPIED_BYTES / seconds


def profiled(name: str, training: bool) -> dict[str, Any]:
    from kiln._host import profile

    module, step = MODELS[name].module(training), MODELS[name].step(training)
    run = compiled(module, "kiln", False, Stopwatch())
    for _ in range(2):
        step(run)
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    step_seconds = []
    for _ in range(STEPS):
        profile.clear()
        step_seconds.append(seconds_of(step, run))
        for row in kiln.profile():
            key = (row["graph"], row["name"], *row["nodes"])
            one = rows.setdefault(key, {name: row[name] for name in ("name", "kind", "calls", "bytes", "seconds")})
            one["seconds"] = min(one["seconds"], row["seconds"])
    if not rows:
        raise RuntimeError(f"{name} ran eagerly: {kiln.stats()['eager_graphs_by_reason']}")
    return {
        "step_seconds": min(step_seconds),
        "bytes_per_second": bytes_per_second(),
        "rows": list(rows.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=tuple(MODELS), required=True)
    parser.add_argument("--training", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(profiled(arguments.model, arguments.training)))


if __name__ == "__main__":
    main()
