"""Two models that are nothing like each other, with data, made from a seed."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import torch
import transformers


def with_loss(module: torch.nn.Module, loss: str) -> torch.nn.Module:
    """The module with its loss named, so that it does not log a guess of it, where Dynamo would break the graph."""
    module.loss_type = loss  # type: ignore[assignment]
    return module


def gpt2(seed: int = 0) -> torch.nn.Module:
    """A GPT-2 of 6 layers and width 384 over bytes: 10.8 million parameters, no dropout."""
    torch.manual_seed(seed)
    config = transformers.GPT2Config(
        vocab_size=256,
        n_positions=256,
        n_embd=384,
        n_layer=6,
        n_head=6,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        use_cache=False,
        bos_token_id=0,
        eos_token_id=0,
    )
    return with_loss(transformers.GPT2LMHeadModel(config), "ForCausalLM")


def resnet18(seed: int = 0) -> torch.nn.Module:
    """ResNet-18 with 10 classes, random weights, in training mode."""
    torch.manual_seed(seed)
    config = transformers.ResNetConfig(
        depths=[2, 2, 2, 2],
        hidden_sizes=[64, 128, 256, 512],
        layer_type="basic",
        num_labels=10,
        # Named, so that the model does not set it at its first step, which makes Dynamo trace again.
        problem_type="single_label_classification",
    )
    return transformers.ResNetForImageClassification(config)


def prose() -> torch.Tensor:
    """The bytes of PyTorch's documentation of tensors, as int64: a text that changes with its version alone."""
    data = pathlib.Path(torch.__file__).with_name("_tensor_docs.py").read_bytes()
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).long()


def text_batches(batch: int, length: int, seed: int = 0) -> Iterator[torch.Tensor]:
    """Endless [batch, length] windows of the prose, the same for the same seed."""
    text = prose()
    generator = torch.Generator().manual_seed(seed)
    while True:
        starts = torch.randint(len(text) - length, (batch,), generator=generator)
        yield torch.stack([text[s : s + length] for s in starts.tolist()])


def images(batch: int, size: int = 64, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """[batch, 3, size, size] images and [batch] labels."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randn(batch, 3, size, size, generator=generator)
    return pixels, torch.randint(10, (batch,), generator=generator)
