"""The models that the compiler is judged by, at the size that people train: batch 2, 128 tokens or 224 x 224 pixels.

Each is one training step (forward, loss, backward) or one inference. Weights are random, from a seed; dropout is
as each config has it for training unless the model has none, since dropping is part of the work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
import transformers

from workloads.models import with_loss

BATCH, LENGTH, IMAGE, LABELS = 2, 128, 224, 1000


@dataclasses.dataclass(frozen=True)
class FullSizeModel:
    """`make` gives the module, `inputs` the keyword arguments of a call; with labels they make a loss."""

    make: Callable[[], torch.nn.Module]
    inputs: Callable[[], dict[str, torch.Tensor]]
    labels: Callable[[], torch.Tensor]

    def module(self, training: bool) -> torch.nn.Module:
        torch.manual_seed(0)
        module = self.make()
        return module.train() if training else module.eval()

    def step(self, training: bool) -> Callable[[Any], Any]:
        """What is timed. It takes the module, compiled or not."""
        kwargs = self.inputs()
        if not training:

            def infer(run: Any) -> Any:
                with torch.no_grad():
                    return run(**kwargs)

            return infer
        kwargs["labels"] = self.labels()
        return lambda run: run(**kwargs).loss.backward()


def _tokens(vocabulary: int) -> Callable[[], torch.Tensor]:
    return lambda: torch.randint(vocabulary, (BATCH, LENGTH), generator=torch.Generator().manual_seed(1))


def _classes() -> torch.Tensor:
    return torch.randint(LABELS, (BATCH,), generator=torch.Generator().manual_seed(2))


def _text(make: Callable[[], torch.nn.Module], vocabulary: int, **more: Callable[[], torch.Tensor]) -> FullSizeModel:
    tokens = _tokens(vocabulary)
    return FullSizeModel(make, lambda: {"input_ids": tokens(), **{k: f() for k, f in more.items()}}, tokens)


def _image(make: Callable[[], torch.nn.Module]) -> FullSizeModel:
    def pixels() -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(3)
        return {"pixel_values": torch.randn(BATCH, 3, IMAGE, IMAGE, generator=generator)}

    return FullSizeModel(make, pixels, _classes)


def _gpt2() -> torch.nn.Module:
    config = transformers.GPT2Config(use_cache=False)
    return with_loss(transformers.GPT2LMHeadModel(config), "ForCausalLM")


def _bert() -> torch.nn.Module:
    return with_loss(transformers.BertForMaskedLM(transformers.BertConfig()), "ForMaskedLM")


def _resnet50() -> torch.nn.Module:
    config = transformers.ResNetConfig(num_labels=LABELS, problem_type="single_label_classification")
    return transformers.ResNetForImageClassification(config)


def _vit() -> torch.nn.Module:
    config = transformers.ViTConfig(num_labels=LABELS, problem_type="single_label_classification")
    return transformers.ViTForImageClassification(config)


def _llama() -> torch.nn.Module:
    config = transformers.LlamaConfig(
        vocab_size=32000,
        hidden_size=768,
        intermediate_size=2048,
        num_hidden_layers=12,
        num_attention_heads=12,
        num_key_value_heads=4,
        use_cache=False,
    )
    return with_loss(transformers.LlamaForCausalLM(config), "ForCausalLM")


def _t5() -> torch.nn.Module:
    # T5 small, as its checkpoint's config has it.
    config = transformers.T5Config(use_cache=False, decoder_start_token_id=0)
    return transformers.T5ForConditionalGeneration(config)


# Sorted by name.
MODELS: dict[str, FullSizeModel] = {
    "bert": _text(_bert, 30522),
    "gpt2": _text(_gpt2, 50257),
    "llama": _text(_llama, 32000),
    "resnet50": _image(_resnet50),
    "t5": _text(_t5, 32128, decoder_input_ids=_tokens(32128)),
    "vit": _image(_vit),
}
