"""Compiles one case with `backend="kiln"` in a process of its own and prints one JSON line about the compile.

    python -m workloads.compile_once --case gpt2_layers --size 12 [--dynamic]

The cases are small in memory and long in operators: what they are for is the time of a compile, by its size and with
symbolic sizes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
import transformers

from workloads.full_size_models import MODELS
from workloads.models import with_loss

# A step of one compiled module, ready to run.
Step = Callable[[], Any]
Compile = Callable[[Any], Any]


def _gpt2_layers(compile_: Compile, layers: int) -> Step:
    config = transformers.GPT2Config(
        vocab_size=256, n_positions=64, n_embd=64, n_layer=layers, n_head=2, use_cache=False, bos_token_id=0,
        eos_token_id=0,
    )  # fmt: skip
    run = compile_(with_loss(transformers.GPT2LMHeadModel(config), "ForCausalLM"))
    tokens = torch.randint(256, (2, 32))
    return lambda: run(input_ids=tokens, labels=tokens).loss.backward()


def _pooling(x: torch.Tensor, depth: int) -> torch.Tensor:
    """Windows over windows, with borders that only a ceiling reaches."""
    for i in range(depth):
        x = F.max_pool2d(x, 3, stride=2, padding=1, ceil_mode=i % 2 == 0)
        x = F.avg_pool2d(F.pad(x, (1, 2, 2, 1)), 3, stride=1, count_include_pad=i % 2 == 0) + 1
    return x.relu()


def _strided_convolutions(x: torch.Tensor, depth: int) -> torch.Tensor:
    """Down and up again, joined at each size as in a U-Net."""
    weight, smaller = torch.ones(x.shape[1], x.shape[1], 3, 3), []
    for _ in range(depth):
        smaller.append(x)
        x = F.conv2d(x, weight, stride=2, padding=1).relu()
    for like in reversed(smaller):
        x = F.interpolate(x, size=like.shape[-2:], mode="bilinear") + like
    return x


def _relative_positions(x: torch.Tensor, depth: int) -> torch.Tensor:
    """T5's bias, whose index is a function of the two positions, before attention."""
    batch, channels = x.shape[:2]
    tokens = x.reshape(batch, channels, -1).transpose(1, 2)
    length = tokens.shape[1]
    for i in range(depth):
        distance = torch.arange(length)[:, None] - torch.arange(length)[None, :]
        near = distance.abs() < 16
        far = 16 + (torch.log(distance.abs().clamp(min=1).float() / 16) * 4).long().clamp(max=15)
        bias = torch.linspace(-1, 1, 32 + i)[torch.where(near, distance.abs(), far)]
        scores = tokens @ tokens.transpose(1, 2) / channels + bias
        tokens = tokens + scores.softmax(-1) @ tokens
    return tokens


def _scans(x: torch.Tensor, depth: int) -> torch.Tensor:
    """Running sums within and over chunks of a length that is padded to whole chunks, as in state-space models."""
    batch, channels = x.shape[:2]
    flat = x.reshape(batch, channels, -1)
    length = flat.shape[-1]
    for i in range(depth):
        chunk = 8 - i % 3
        chunks = F.pad(flat, (0, -length % chunk)).unflatten(-1, (-1, chunk))
        within = chunks.cumsum(-1)
        carried = within[..., -1].cumsum(-1)
        whole = within + F.pad(carried[..., :-1], (1, 0))[..., None]
        flat = (whole.flatten(-2)[..., :length] / 16).sigmoid()
    return flat


def _function(function: Callable[[torch.Tensor, int], torch.Tensor]) -> Callable[[Compile, int], Step]:
    def make(compile_: Compile, size: int) -> Step:
        run = compile_(lambda x: function(x, size))
        x = torch.randn(2, 4, 48, 64)

        def step() -> Any:
            with torch.no_grad():
                return run(x)

        return step

    return make


def _full_size(name: str) -> Callable[[Compile, int], Step]:
    def make(compile_: Compile, training: int) -> Step:
        run, step = compile_(MODELS[name].module(bool(training))), MODELS[name].step(bool(training))
        return lambda: step(run)

    return make


# By name, what makes the step; the size of a full-size model is 1 for training, 0 for inference.
CASES: dict[str, Callable[[Compile, int], Step]] = {
    "gpt2_layers": _gpt2_layers,
    "pooling": _function(_pooling),
    "relative_positions": _function(_relative_positions),
    "scans": _function(_scans),
    "strided_convolutions": _function(_strided_convolutions),
    **{name: _full_size(name) for name in MODELS},
}


def main() -> None:
    import kiln

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=tuple(CASES), required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--dynamic", action="store_true")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    CASES[arguments.case](lambda f: torch.compile(f, backend="kiln", dynamic=arguments.dynamic), arguments.size)()
    graphs = kiln.graphs()
    result = {
        "statistics": kiln.stats(),
        "nodes": sum(graph["nodes"] for graph in graphs),
        "symbols": sum(len(graph["symbols"]) for graph in graphs),
        "kernels": sum(len(variant["kernels"]) for graph in graphs for variant in graph["variants"]),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
