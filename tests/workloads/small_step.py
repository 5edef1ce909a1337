"""One step of a small model; with a path as argument, waits until that file exists before it compiles.

Prints "ready" when it waits, and one JSON line at the end.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import sys
import time

import torch


def main() -> None:
    import kiln

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(32, 64), torch.nn.GELU(), torch.nn.LayerNorm(64), torch.nn.Linear(64, 8)
    )
    run = torch.compile(model, backend="kiln", dynamic=True)
    inputs = torch.randn(16, 32)
    if len(sys.argv) > 1:
        print("ready", flush=True)
        gate = pathlib.Path(sys.argv[1])
        while not gate.exists():
            time.sleep(0.005)
    loss = run(inputs).square().mean()
    loss.backward()
    gradients = b"".join(p.grad.numpy().tobytes() for p in model.parameters())
    digest = hashlib.sha256(gradients).hexdigest()
    counted = {name: kiln.stats()[name] for name in ("eager_graphs", "compiles", "autograd_cache_hits")}
    print(json.dumps({"loss": loss.item(), "digest": digest, **counted}))


if __name__ == "__main__":
    main()
