"""A mixture of experts that routes by data: each expert sees the tokens that chose it, however many those are."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

WIDTH, EXPERTS, CHOSEN, LABELS = 32, 3, 2, 10


class Router(nn.Module):
    """Tokens [n, width] -> the experts of each and their weights, both [n, chosen]."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, EXPERTS, bias=False)

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weights, chosen = torch.topk(self.gate(tokens).softmax(-1), CHOSEN, dim=-1)
        return weights / weights.sum(-1, keepdim=True), chosen


class Expert(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(WIDTH, 2 * WIDTH, bias=False), nn.Linear(WIDTH, 2 * WIDTH, bias=False)
        self.down = nn.Linear(2 * WIDTH, WIDTH, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class RoutedLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.router = Router()
        self.experts = nn.ModuleList(Expert() for _ in range(EXPERTS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.norm(x).flatten(0, 1)
        weights, chosen = self.router(tokens)
        mixed = torch.zeros_like(tokens)
        for number, expert in enumerate(self.experts):
            token, place = torch.where(chosen == number)
            mixed = mixed.index_add(0, token, expert(tokens[token]) * weights[token, place, None])
        return x + mixed.view_as(x)


class RoutedClassifier(nn.Module):
    """Two layers, and a loss over the elements that a mask keeps: one more size that only data tells."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(RoutedLayer() for _ in range(2))
        self.head = nn.Linear(WIDTH, LABELS)

    def forward(self, x: torch.Tensor, labels: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return functional.cross_entropy(self.head(x[mask]), labels[mask])


def batch() -> dict[str, torch.Tensor]:
    return {
        "x": torch.randn(4, 16, WIDTH),
        "labels": torch.randint(0, LABELS, (4, 16)),
        "mask": torch.rand(4, 16) > 0.3,
    }


DYNAMIC = {"x": (0, 1), "labels": (0, 1), "mask": (0, 1)}
