"""Trains the GPT-2 of models.py in this process and prints one JSON line about it.

    python -m workloads.train --backend kiln --steps 20

Run it in a process of its own: what it measures includes everything that a new
process pays from the first call on, but not the imports.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch

from workloads import models

BATCH, LENGTH = 4, 128


def compiled(model: torch.nn.Module, backend: str, options: dict[str, Any] | None = None) -> Any:
    """The model under torch.compile; as it is for backend "none" (plain eager)."""
    if backend == "none":
        return model
    return torch.compile(model, backend=backend, dynamic=True, options=options)


def train(backend: str, steps: int, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Losses of `steps` steps of AdamW, seconds of the first step and of a later one."""
    model = models.gpt2()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    run = compiled(model, backend, options)
    batches = models.text_batches(BATCH, LENGTH)
    losses, seconds = [], []
    for _ in range(steps):
        batch = next(batches)
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = run(input_ids=batch, labels=batch).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    later = sorted(seconds[2:] or seconds)
    return {
        "backend": backend,
        "losses": losses,
        "first_step_seconds": seconds[0],
        "second_step_seconds": seconds[1] if steps > 1 else None,
        "step_seconds": later[len(later) // 2],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="kiln", help="kiln, inductor, aot_eager, eager, or none for no compile")
    parser.add_argument("--steps", type=int, default=3)
    arguments = parser.parse_args()
    result = train(arguments.backend, arguments.steps)
    if arguments.backend == "kiln":
        import kiln

        result["kiln"] = kiln.stats()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
