"""Writes the graphs that AOTAutograd makes of real models, and what PyTorch knows of every value.

    python tests/conformance/record_model_graphs.py OUT_DIR [MODEL...]

Each graph becomes NAME.pb, the module as the client sends it, and NAME.json:
the metadata that PyTorch put on its FX nodes. `check_model_graphs.py` compares
it to what Kiln propagates. Needs the `kiln` package.
"""

from __future__ import annotations

import json
import logging
import pathlib
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
import transformers
from graph_text import DTYPES
from torch._dynamo.backends.common import aot_autograd
from torch._functorch.partitioners import min_cut_rematerialization_partition
from torch._subclasses.fake_tensor import unset_fake_temporarily

from kiln._fx.convert import GraphRole, convert_graph
from kiln._fx.decompositions import decomposition_table
from kiln._fx.expressions import print_expr

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.workloads.models import gpt2, resnet18

BATCH, LENGTH, VOCABULARY = 4, 16, 99


def ids() -> torch.Tensor:
    return torch.randint(0, VOCABULARY, (BATCH, LENGTH))


def pixels(side: int) -> torch.Tensor:
    return torch.randn(BATCH, 3, side, side)


def classes() -> torch.Tensor:
    return torch.randint(0, 10, (BATCH,))


def text_batch() -> dict[str, torch.Tensor]:
    tokens = ids()
    return {"input_ids": tokens, "labels": tokens}


def image_batch(side: int = 64) -> dict[str, torch.Tensor]:
    return {"pixel_values": pixels(side), "labels": classes()}


def gpt2_eager() -> torch.nn.Module:
    model = gpt2()
    model.config._attn_implementation = "eager"
    return model


SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}


def bert() -> torch.nn.Module:
    return transformers.BertForMaskedLM(transformers.BertConfig(**SMALL))


def vit() -> torch.nn.Module:
    sizes = {k: v for k, v in SMALL.items() if k != "vocab_size"}
    return transformers.ViTForImageClassification(
        transformers.ViTConfig(**sizes, image_size=32, patch_size=8, num_labels=10)
    )


def llama() -> torch.nn.Module:
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL, num_key_value_heads=2, use_cache=False))


def mixtral() -> torch.nn.Module:
    config = transformers.MixtralConfig(**SMALL, num_key_value_heads=2, num_local_experts=4, use_cache=False)
    return transformers.MixtralForCausalLM(config)


def t5() -> torch.nn.Module:
    config = transformers.T5Config(
        vocab_size=VOCABULARY, d_model=32, num_layers=2, num_heads=4, d_ff=64, d_kv=8, use_cache=False,
        decoder_start_token_id=0,
    )  # fmt: skip
    return transformers.T5ForConditionalGeneration(config)


def convnext() -> torch.nn.Module:
    config = transformers.ConvNextConfig(hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1], num_labels=10)
    return transformers.ConvNextForImageClassification(config)


def mobilenet() -> torch.nn.Module:
    return transformers.MobileNetV2ForImageClassification(transformers.MobileNetV2Config(num_labels=10))


def swin() -> torch.nn.Module:
    config = transformers.SwinConfig(
        image_size=64, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4, num_labels=10
    )
    return transformers.SwinForImageClassification(config)


# name -> (model, its batch)
MODELS: dict[str, tuple[Callable[[], torch.nn.Module], Callable[[], dict[str, torch.Tensor]]]] = {
    "bert": (bert, text_batch),
    "convnext": (convnext, image_batch),
    "gpt2": (gpt2, text_batch),
    "gpt2_eager": (gpt2_eager, text_batch),
    "llama": (llama, text_batch),
    "mixtral": (mixtral, text_batch),
    "mobilenet": (mobilenet, image_batch),
    "resnet18": (resnet18, image_batch),
    "swin": (swin, image_batch),
    "t5": (t5, text_batch),
    "vit": (vit, lambda: image_batch(32)),
}
DEFAULT = ("gpt2", "gpt2_eager", "resnet18", "bert", "vit", "llama", "t5")


def expr_text(value: Any) -> str:
    if isinstance(value, (bool, int, float)):
        return str(value)
    return str(print_expr(value.node.expr))


def describe(value: Any, storages: dict[int, int]) -> Any:
    if value is None:
        return None
    if isinstance(value, torch.Tensor):
        storage = storages.setdefault(value.untyped_storage()._cdata, len(storages))
        return {
            "dtype": DTYPES[value.dtype],
            "device": str(value.device),
            "sizes": [expr_text(s) for s in value.shape],
            "strides": [expr_text(s) for s in value.stride()],
            "offset": expr_text(value.storage_offset()),
            "storage": storage,
        }
    return {"scalar": expr_text(value)}


def expected(gm: torch.fx.GraphModule) -> dict[str, Any]:
    """What is known of each value, by its name on the wire; hints of the symbols beside it."""
    storages: dict[int, int] = {}
    values: dict[str, Any] = {}
    hints: dict[str, int] = {}
    inputs: list[str] = []
    for node in gm.graph.nodes:
        if node.op == "placeholder":
            inputs.append(node.name)
        if node.op not in ("placeholder", "call_function"):
            continue
        val = node.meta.get("val")
        if not isinstance(val, (list, tuple)):
            values[node.name] = describe(val, storages)
        for item in val if isinstance(val, (list, tuple)) else [val]:
            for part in [*item.shape, *item.stride()] if isinstance(item, torch.Tensor) else [item]:
                if isinstance(part, torch.SymInt) and hasattr(part.node, "shape_env"):
                    env = part.node.shape_env
                    hints.update({str(k): int(v) for k, v in env.backed_var_to_val.items()})
    return {"values": values, "hints": hints, "inputs": inputs}


def recorder(out_dir: pathlib.Path, name: str, role: GraphRole, counts: dict[str, int]) -> Callable[..., Any]:
    def compiler(gm: torch.fx.GraphModule, inputs: Any) -> Any:
        key = f"{name}.{role.value}"
        counts[key] = counts.get(key, 0) + 1
        stem = key if counts[key] == 1 else f"{key}.{counts[key]}"
        (out_dir / f"{stem}.json").write_text(json.dumps(expected(gm)))
        # A graph's constants are real tensors, and the converter reads the small ones.
        with unset_fake_temporarily():
            module = convert_graph(gm, role).module
        (out_dir / f"{stem}.pb").write_bytes(module.SerializeToString())
        return gm.forward

    return compiler


def record(out_dir: pathlib.Path, name: str, train: bool) -> None:
    make_model, make_batch = MODELS[name]
    counts: dict[str, int] = {}
    backend = aot_autograd(
        fw_compiler=recorder(out_dir, name, GraphRole.FORWARD, counts),
        bw_compiler=recorder(out_dir, name, GraphRole.BACKWARD, counts),
        inference_compiler=recorder(out_dir, name, GraphRole.INFERENCE, counts),
        decompositions=decomposition_table(),
        partition_fn=min_cut_rematerialization_partition,
    )
    torch.manual_seed(0)
    model = make_model().train(train)
    batch = make_batch()
    torch._dynamo.reset()
    compiled = torch.compile(model, backend=backend, dynamic=True)
    if train:
        compiled(**batch).loss.backward()
    else:
        with torch.no_grad():
            compiled(**batch)


def main() -> int:
    out_dir = pathlib.Path(sys.argv[1])
    out_dir.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    failed = 0
    for name in sys.argv[2:] or DEFAULT:
        for train in (True, False):
            what = f"{name}, {'training' if train else 'inference'}"
            try:
                record(out_dir, name, train)
                print(f"recorded {what}", flush=True)
            except Exception as error:
                failed += 1
                print(f"{what}: {type(error).__name__}: {str(error)[:300]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
