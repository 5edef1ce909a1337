"""A training step and an inference of a small model: what `kiln warm` compiles ahead, and what a job runs then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

import kiln


class _Net(nn.Module):
    """With a graph break in its middle, so that more than one graph is compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(16, 32)
        self.norm = nn.LayerNorm(32)
        self.second = nn.Linear(32, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.norm(self.first(x)).relu()
        torch._dynamo.graph_break()
        result: torch.Tensor = self.second(hidden).softmax(-1)
        return result


def kiln_warm() -> Iterator[tuple[Any, ...]]:
    model = _Net()
    yield model, (torch.randn(8, 16),)
    with torch.no_grad():
        yield model.eval(), (torch.randn(3, 16),), {0: [0]}


def main() -> None:
    torch.manual_seed(0)
    model = _Net()
    loss = torch.compile(model, backend="kiln")(torch.randn(8, 16)).square().sum()
    loss.backward()
    torch._dynamo.reset()
    with torch.no_grad():
        x = torch.randn(5, 16)
        torch._dynamo.mark_dynamic(x, 0)
        torch.testing.assert_close(torch.compile(model.eval(), backend="kiln")(x), model(x))
    stats = kiln.stats()
    print(
        json.dumps({"loss": loss.item(), **{name: stats[name] for name in ("compiles", "eager_graphs", "eager_calls")}})
    )


if __name__ == "__main__":
    main()
