"""The demo's third part: other batches and lengths of one compiled model, and what separates variants."""

from __future__ import annotations

import json
import logging

import torch

import kiln
from workloads import models

BATCHES, LENGTHS = (2, 3, 8), (64, 96, 128)


class _Lines(logging.Handler):
    """Keeps what Dynamo says about recompiles."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def listen_to_dynamo() -> _Lines:
    torch._logging.set_logs(recompiles=True)
    lines = _Lines()
    logger = logging.getLogger("torch._dynamo.guards.__recompiles")
    logger.handlers = [lines]
    logger.propagate = False
    return lines


def step(run: torch.nn.Module, batch: int, length: int) -> float:
    tokens = next(models.text_batches(batch, length))
    loss = run(input_ids=tokens, labels=tokens).loss
    loss.backward()
    return float(loss.detach())


def compiles() -> int:
    """How many of this process's graphs were compiled for it."""
    return int(kiln.stats()["compiles"])


def main() -> None:
    model = models.gpt2()
    run = torch.compile(model, backend="kiln", dynamic=True)
    step(run, 4, 128)
    # Only now: Dynamo sets its loggers up when it is first used.
    recompiles = listen_to_dynamo()
    asked = kiln.stats()["requests"]
    for batch in BATCHES:
        for length in LENGTHS:
            step(run, batch, length)
    print(
        f"   batches {BATCHES} x lengths {LENGTHS}: {compiles()} compiles, "
        f"{kiln.stats()['requests'] - asked} further requests, {len(recompiles.messages)} traces by Dynamo"
    )
    step(run, 1, 128)
    print(f"   a batch of 1 is another graph; Dynamo's guard: {recompiles.messages[0].splitlines()[-1].strip()[:160]}")

    print("   with options={'specialize_divisible': 'true'}: sizes are peeked at, so other shapes are other variants")
    torch._dynamo.reset()
    recompiles.messages.clear()
    special = torch.compile(models.gpt2(), backend="kiln", dynamic=True, options={"specialize_divisible": "true"})
    step(special, 4, 128)
    before = compiles()
    step(special, 3, 100)
    print(
        f"      lengths 128, then 100: {compiles() - before} more compiles, "
        f"{len(recompiles.messages)} further traces by Dynamo"
    )
    shown = 0
    for graph in kiln.graphs():
        for variant in graph["variants"]:
            for guard in variant["guards"]:
                if "[performance]" in guard and shown < 4:
                    print(f"      {guard}")
                    shown += 1
    print(json.dumps({"compiles": compiles()}))


if __name__ == "__main__":
    main()
