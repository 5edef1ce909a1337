"""Trains a small version of one benchmark model for some steps and prints its losses as one JSON line.

python -m workloads.training_curve --model bert --backend kiln --threads 2 --steps 200
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import torch
import transformers

from workloads import models
from workloads.train import compiled

# Enough tokens that eager cuts its sums up by the number of threads.
BATCH, LENGTH, LABELS, VOCABULARY = 8, 128, 10, 256
# Small enough for 200 steps, and large enough for the last batch norm to have 64 values a channel: over fewer, eager
# itself parts from eager at once.
IMAGE_BATCH, IMAGE = 16, 64

Batches = Iterator[dict[str, torch.Tensor]]


@dataclasses.dataclass(frozen=True)
class SmallModel:
    """Of the family of a full_size_models.MODELS row; without dropout, since eager draws other numbers."""

    make: Callable[[], torch.nn.Module]
    batches: Callable[[], Batches]


def _text() -> Batches:
    for batch in models.text_batches(BATCH, LENGTH):
        yield {"input_ids": batch, "labels": batch}


def _translation() -> Batches:
    for kwargs in _text():
        yield {**kwargs, "decoder_input_ids": kwargs["input_ids"]}


def _images() -> Batches:
    """Always new pixels around one of LABELS patterns, so that there is something to learn."""
    generator = torch.Generator().manual_seed(4)
    patterns = torch.randn(LABELS, 3, IMAGE, IMAGE, generator=generator)
    while True:
        labels = torch.randint(LABELS, (IMAGE_BATCH,), generator=generator)
        noise = torch.randn(IMAGE_BATCH, 3, IMAGE, IMAGE, generator=generator)
        yield {"pixel_values": patterns[labels] + noise, "labels": labels}


def _gpt2() -> torch.nn.Module:
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY, n_positions=LENGTH, n_embd=128, n_layer=2, n_head=4, use_cache=False,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return models.with_loss(transformers.GPT2LMHeadModel(config), "ForCausalLM")


def _bert() -> torch.nn.Module:
    config = transformers.BertConfig(
        vocab_size=VOCABULARY, hidden_size=128, num_hidden_layers=2, num_attention_heads=4, intermediate_size=512,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return models.with_loss(transformers.BertForMaskedLM(config), "ForMaskedLM")


def _llama() -> torch.nn.Module:
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=128, intermediate_size=344, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, use_cache=False,
    )  # fmt: skip
    return models.with_loss(transformers.LlamaForCausalLM(config), "ForCausalLM")


def _t5() -> torch.nn.Module:
    config = transformers.T5Config(
        vocab_size=VOCABULARY, d_model=128, d_kv=32, d_ff=512, num_layers=2, num_heads=4, dropout_rate=0.0,
        use_cache=False, decoder_start_token_id=0,
    )  # fmt: skip
    return transformers.T5ForConditionalGeneration(config)


def _resnet50() -> torch.nn.Module:
    config = transformers.ResNetConfig(
        embedding_size=32, hidden_sizes=[64, 128, 128, 256], depths=[1, 1, 1, 1], num_labels=LABELS,
        problem_type="single_label_classification",
    )  # fmt: skip
    return transformers.ResNetForImageClassification(config)


def _vit() -> torch.nn.Module:
    config = transformers.ViTConfig(
        hidden_size=128, num_hidden_layers=2, num_attention_heads=4, intermediate_size=512, image_size=IMAGE,
        patch_size=8, num_labels=LABELS, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        problem_type="single_label_classification",
    )  # fmt: skip
    return transformers.ViTForImageClassification(config)


# Sorted by name.
SMALL_MODELS: dict[str, SmallModel] = {
    "bert": SmallModel(_bert, _text),
    "gpt2": SmallModel(_gpt2, _text),
    "llama": SmallModel(_llama, _text),
    "resnet50": SmallModel(_resnet50, _images),
    "t5": SmallModel(_t5, _translation),
    "vit": SmallModel(_vit, _images),
}


def losses(name: str, backend: str, steps: int, dtype: torch.dtype) -> list[float]:
    """One a step, before the step's update by AdamW. Weights and pixels are made in float32, whatever the dtype."""
    torch.manual_seed(0)
    model = SMALL_MODELS[name].make().train().to(dtype)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    run: Any = compiled(model, backend)
    batches = SMALL_MODELS[name].batches()
    result = []
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        batch = {key: t.to(dtype) if t.is_floating_point() else t for key, t in next(batches).items()}
        loss = run(**batch).loss
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=tuple(SMALL_MODELS), required=True)
    parser.add_argument("--backend", default="kiln", help="kiln, inductor, aot_eager, or none for eager")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    dtype: torch.dtype = getattr(torch, arguments.dtype)
    result: dict[str, Any] = {"losses": losses(arguments.model, arguments.backend, arguments.steps, dtype)}
    if arguments.backend == "kiln":
        import kiln

        result["eager_graphs"] = kiln.stats()["eager_graphs"]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
