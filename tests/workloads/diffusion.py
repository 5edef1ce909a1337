"""Two denoisers of the kinds that diffusion models have: a transformer over patches, and a U-Net with cross attention.

Both take a noisy image, a time step and the hidden states of a text, and return the noise.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

CHANNELS, SIDE, TEXT_WIDTH, TEXT_LENGTH, WIDTH, HEADS = 3, 16, 24, 6, 32, 4
DYNAMIC = {"sample": (0,), "timestep": (0,), "text": (0, 1)}


def batch() -> dict[str, torch.Tensor]:
    return {
        "sample": torch.randn(4, CHANNELS, SIDE, SIDE),
        "timestep": torch.randint(0, 1000, (4,)),
        "text": torch.randn(4, TEXT_LENGTH, TEXT_WIDTH),
    }


def timestep_embedding(timestep: torch.Tensor, width: int) -> torch.Tensor:
    """Sines and cosines of the time at geometrically spaced frequencies: [batch] -> [batch, width]."""
    half = width // 2
    frequencies = torch.exp(-math.log(10000.0) * torch.arange(half, device=timestep.device) / half)
    angles = timestep[:, None].float() * frequencies[None]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class TimeEmbedding(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def forward(self, timestep: torch.Tensor) -> torch.Tensor:
        return self.layers(timestep_embedding(timestep, self.width))


class Attention(nn.Module):
    """Of `x` to `context`, or to itself."""

    def __init__(self, width: int, context_width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(context_width, 2 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        key, value = self.key_value(context).chunk(2, dim=-1)
        query, key, value = (t.unflatten(-1, (HEADS, -1)).transpose(1, 2) for t in (self.query(x), key, value))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).flatten(2))


class AdaptiveBlock(nn.Module):
    """A transformer block whose norms the time step shifts, scales and gates."""

    def __init__(self) -> None:
        super().__init__()
        self.modulation = nn.Linear(WIDTH, 6 * WIDTH)
        self.norm1 = nn.LayerNorm(WIDTH, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(WIDTH, elementwise_affine=False)
        self.self_attention = Attention(WIDTH, WIDTH)
        self.cross_attention = Attention(WIDTH, TEXT_WIDTH)
        self.feed_forward = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(approximate="tanh"), nn.Linear(2 * WIDTH, WIDTH)
        )

    def forward(self, x: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        modulation = self.modulation(functional.silu(time)).unsqueeze(1)
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation.chunk(6, dim=-1)
        normed = self.norm1(x) * (1 + scale1) + shift1
        x = x + gate1 * self.self_attention(normed, normed)
        x = x + self.cross_attention(x, text)
        return x + gate2 * self.feed_forward(self.norm2(x) * (1 + scale2) + shift2)


class DiffusionTransformer(nn.Module):
    PATCH = 4

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(CHANNELS, WIDTH, self.PATCH, stride=self.PATCH)
        self.position = nn.Parameter(torch.randn(1, (SIDE // self.PATCH) ** 2, WIDTH))
        self.time = TimeEmbedding(WIDTH)
        self.blocks = nn.ModuleList([AdaptiveBlock(), AdaptiveBlock()])
        self.norm = nn.LayerNorm(WIDTH)
        self.out = nn.Linear(WIDTH, self.PATCH**2 * CHANNELS)

    def forward(self, sample: torch.Tensor, timestep: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        x = self.patches(sample).flatten(2).transpose(1, 2) + self.position
        time = self.time(timestep)
        for block in self.blocks:
            x = block(x, time, text)
        side = SIDE // self.PATCH
        x = self.out(self.norm(x)).view(x.shape[0], side, side, self.PATCH, self.PATCH, CHANNELS)
        return torch.einsum("nhwpqc->nchpwq", x).reshape(x.shape[0], CHANNELS, SIDE, SIDE)


class ResidualBlock(nn.Module):
    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(4, channels_in), nn.GroupNorm(4, channels_out)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.time = nn.Linear(WIDTH, channels_out)
        self.skip = nn.Conv2d(channels_in, channels_out, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        h = self.conv1(functional.silu(self.norm1(x)))
        h = h + self.time(functional.silu(time))[:, :, None, None]
        h = self.conv2(self.dropout(functional.silu(self.norm2(h))))
        return self.skip(x) + h


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.time = TimeEmbedding(WIDTH)
        self.stem = nn.Conv2d(CHANNELS, 16, 3, padding=1)
        self.down1, self.down2 = ResidualBlock(16, 16), ResidualBlock(16, WIDTH)
        self.halve = nn.Conv2d(16, 16, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(4, WIDTH)
        self.attention = Attention(WIDTH, TEXT_WIDTH)
        self.middle = ResidualBlock(WIDTH, WIDTH)
        self.up = ResidualBlock(WIDTH + 16, 16)
        self.out = nn.Conv2d(16, CHANNELS, 3, padding=1)

    def forward(self, sample: torch.Tensor, timestep: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        time = self.time(timestep)
        wide = self.down1(self.stem(sample), time)
        x = self.down2(self.halve(wide), time)
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        x = x + self.attention(tokens, text).transpose(1, 2).unflatten(2, x.shape[2:])
        x = self.middle(x, time)
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.out(functional.silu(self.up(torch.cat([x, wide], dim=1), time)))


def dit() -> nn.Module:
    return DiffusionTransformer()


def unet() -> nn.Module:
    return UNet()
