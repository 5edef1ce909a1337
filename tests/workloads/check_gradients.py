"""Compares loss and gradients of the GPT-2 with eager's for 10 shapes of one compiled model.

Prints one JSON line. Fails with torch.testing's message at the first difference.
"""

from __future__ import annotations

import json

import torch

from workloads import models

# The first is that of train.py: what Dynamo traces it by is part of the graph.
FIRST = (4, 128)
BATCHES, LENGTHS = (2, 3, 8), (64, 96, 128)


def main() -> None:
    import kiln

    eager, model = models.gpt2(), models.gpt2()
    run = torch.compile(model, backend="kiln", dynamic=True)
    shapes = [FIRST, *((batch, length) for batch in BATCHES for length in LENGTHS)]
    for batch, length in shapes:
        tokens = next(models.text_batches(batch, length))
        losses = []
        for candidate, call in ((eager, eager), (model, run)):
            candidate.zero_grad(set_to_none=True)
            loss = call(input_ids=tokens, labels=tokens).loss
            loss.backward()
            losses.append(loss.detach())
        torch.testing.assert_close(losses[1], losses[0])
        for (name, want), have in zip(eager.named_parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(
                have.grad, want.grad, rtol=1e-3, atol=1e-5, msg=lambda m, n=f"{name} at {batch}x{length}": f"{n}: {m}"
            )
    print(json.dumps({"shapes": len(shapes), "eager_graphs": kiln.stats()["eager_graphs"]}))


if __name__ == "__main__":
    main()
