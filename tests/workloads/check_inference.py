"""Compares both models without gradients, in training and in evaluation mode, with eager's.

Prints one JSON line. Fails with torch.testing's message at the first difference.
"""

from __future__ import annotations

import json
from typing import Any

import torch

from workloads import models


def arguments(name: str, batch: int) -> dict[str, Any]:
    if name == "resnet18":
        return {"pixel_values": models.images(batch)[0]}
    return {"input_ids": next(models.text_batches(batch, 64))}


def main() -> None:
    import kiln

    compared = 0
    for name in ("gpt2", "resnet18"):
        for training in (True, False):
            torch._dynamo.reset()
            eager = getattr(models, name)().train(training)
            run = torch.compile(getattr(models, name)().train(training), backend="kiln", dynamic=True)
            with torch.no_grad():
                for batch in (2, 3):
                    inputs = arguments(name, batch)
                    torch.testing.assert_close(run(**inputs).logits, eager(**inputs).logits, rtol=1e-4, atol=1e-4)
                    compared += 1
    print(json.dumps({"compared": compared, "eager_graphs": kiln.stats()["eager_graphs"]}))


if __name__ == "__main__":
    main()
