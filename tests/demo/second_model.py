"""The demo's fourth part: ResNet-18, forward and backward in training mode, against eager."""

from __future__ import annotations

import json

import torch

import kiln
from workloads import models


def main() -> None:
    eager, model = models.resnet18(), models.resnet18()
    run = torch.compile(model, backend="kiln", dynamic=True)
    for batch in (4, 6):
        pixels, labels = models.images(batch, seed=batch)
        expected = eager(pixel_values=pixels, labels=labels)
        expected.loss.backward()
        actual = run(pixel_values=pixels, labels=labels)
        actual.loss.backward()
        torch.testing.assert_close(actual.loss, expected.loss)
        torch.testing.assert_close(actual.logits, expected.logits, rtol=1e-4, atol=1e-4)
    worst = 0.0
    for (name, want), have in zip(eager.named_parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(have.grad, want.grad, rtol=1e-3, atol=1e-4, msg=lambda m, n=name: f"{n}: {m}")
        worst = max(worst, float((have.grad - want.grad).abs().max()))
    for (name, want), have in zip(eager.named_buffers(), model.buffers(), strict=True):
        torch.testing.assert_close(have, want, rtol=1e-4, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}")
    names = [name for name, _ in eager.named_buffers()]
    print(
        f"   loss {actual.loss.item():.6f} (eager {expected.loss.item():.6f}), "
        f"{len(list(model.parameters()))} gradients within {worst:.1e}, {len(names)} buffers equal, "
        "running statistics among them"
    )
    print(json.dumps({"largest_gradient_difference": worst, "eager_graphs": kiln.stats()["eager_graphs"]}))


if __name__ == "__main__":
    main()
