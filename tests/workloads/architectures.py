"""Architectures of every kind, small enough to trace in seconds, with a batch for each.

All but the diffusion models are `transformers`' own classes, made from a config: nothing is
downloaded. A row of ARCHITECTURES names what is its own; what a kind shares stands in the
function that the row calls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
import transformers

from . import diffusion, routed_experts
from .models import gpt2, resnet18

BATCH, LENGTH, VOCABULARY, LABELS = 4, 16, 99, 10
Batch = dict[str, torch.Tensor]


@dataclasses.dataclass(frozen=True)
class Architecture:
    """How to make a model and its batch, and which sizes are symbols in the dynamic graphs."""

    kind: str
    make: Callable[[], torch.nn.Module]
    batch: Callable[[], Batch]
    # Dimensions of each input that vary, by the input's name; None is all of them.
    dynamic: dict[str, tuple[int, ...]] | None = None
    # Sizes that only data tells stay in the graph, where Dynamo would break it before them.
    data_dependent: bool = False


# Batches.


def ids(length: int = LENGTH) -> torch.Tensor:
    return torch.randint(4, VOCABULARY, (BATCH, length))


def text_batch(length: int = LENGTH) -> Batch:
    tokens = ids(length)
    return {"input_ids": tokens, "labels": tokens}


def image_batch(side: int = 32) -> Batch:
    return {"pixel_values": torch.randn(BATCH, 3, side, side), "labels": torch.randint(0, LABELS, (BATCH,))}


def sound_batch(length: int = 1600) -> Batch:
    return {"input_values": torch.randn(BATCH, length)}


# Models by their name in `transformers`.


def build(config: str, model: str, **sizes: Any) -> torch.nn.Module:
    made = getattr(transformers, model)(getattr(transformers, f"{config}Config")(**sizes))
    # Named, so that the model does not log a guess of it, where Dynamo would break the graph.
    if model.endswith("ForCausalLM") or model.endswith("LMHeadModel"):
        made.loss_type = "ForCausalLM"
    return made


TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
DECODER = {**TEXT, **SPECIAL, "use_cache": False}
GROUPED = {**DECODER, "num_key_value_heads": 2}
# Experts as one batched product. What `transformers` does without being told is an operator
# of its own, which no compiler but Inductor can know.
EXPERTS = {**GROUPED, "experts_implementation": "batched_mm"}
SEQ2SEQ = {
    **SPECIAL,
    "vocab_size": VOCABULARY,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 64,
    "use_cache": False,
    "decoder_start_token_id": 1,
    "forced_eos_token_id": None,
}
PATCHES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "image_size": 32,
    "patch_size": 8,
}
IMAGE = {"num_labels": LABELS, "problem_type": "single_label_classification"}
SOUND = {
    **TEXT,
    "conv_dim": (16, 16, 16),
    "conv_stride": (5, 4, 2),
    "conv_kernel": (10, 8, 4),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "mask_time_prob": 0.0,
    "layerdrop": 0.0,
}
SERIES = {
    "prediction_length": 4,
    "context_length": 12,
    "lags_sequence": [1, 2, 3],
    "num_time_features": 1,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "use_cache": False,
}
BATCH_ONLY = {"pixel_values": (0,), "labels": (0,)}


def causal(name: str, **sizes: Any) -> Architecture:
    return Architecture("text decoder", lambda: build(name, f"{name}ForCausalLM", **{**GROUPED, **sizes}), text_batch)


def experts(name: str, **sizes: Any) -> Architecture:
    return Architecture(
        "mixture of experts", lambda: build(name, f"{name}ForCausalLM", **{**EXPERTS, **sizes}), text_batch
    )


def looped_experts(name: str, **sizes: Any) -> Architecture:
    """Each expert by itself, on the tokens that chose it, as `transformers` runs without a compiler."""
    sizes = {**EXPERTS, "experts_implementation": "eager", **sizes}
    return Architecture(
        "mixture of experts", lambda: build(name, f"{name}ForCausalLM", **sizes), text_batch, data_dependent=True
    )


def states(name: str, **sizes: Any) -> Architecture:
    return Architecture("state space", lambda: build(name, f"{name}ForCausalLM", **{**DECODER, **sizes}), text_batch)


def masked(name: str, **sizes: Any) -> Architecture:
    return Architecture("text encoder", lambda: build(name, f"{name}ForMaskedLM", **{**TEXT, **sizes}), text_batch)


def seq2seq(name: str, model: str | None = None, **sizes: Any) -> Architecture:
    model = model or f"{name}ForConditionalGeneration"
    return Architecture("encoder-decoder", lambda: build(name, model, **{**SEQ2SEQ, **sizes}), text_batch)


def t5_like(name: str) -> Architecture:
    sizes = {"d_model": 32, "num_layers": 2, "num_heads": 4, "d_ff": 64, "d_kv": 8, "decoder_start_token_id": 0}
    return Architecture(
        "encoder-decoder",
        lambda: build(name, f"{name}ForConditionalGeneration", vocab_size=VOCABULARY, use_cache=False, **sizes),
        text_batch,
    )


def image(name: str, side: int = 32, dynamic: dict[str, tuple[int, ...]] | None = None, **sizes: Any) -> Architecture:
    return Architecture(
        "vision",
        lambda: build(name, f"{name}ForImageClassification", **{**IMAGE, **sizes}),
        lambda: image_batch(side),
        dynamic,
    )


def sound(name: str, **sizes: Any) -> Architecture:
    return Architecture("audio", lambda: build(name, f"{name}Model", **{**SOUND, **sizes}), sound_batch)


# Batches of their own.


def clip_batch() -> Batch:
    return {"input_ids": ids(), "pixel_values": torch.randn(BATCH, 3, 32, 32)}


def image_text(name: str, **sizes: Any) -> Architecture:
    def make() -> torch.nn.Module:
        config = getattr(transformers, f"{name}Config")(
            text_config={**TEXT, **SPECIAL, "max_position_embeddings": 32},
            vision_config=PATCHES,
            **sizes,
        )
        return getattr(transformers, f"{name}Model")(config)

    return Architecture("vision and text", make, clip_batch, {"input_ids": (0, 1), "pixel_values": (0,)})


def series_batch() -> Batch:
    return {
        "past_values": torch.rand(BATCH, 15),
        "past_time_features": torch.rand(BATCH, 15, 1),
        "past_observed_mask": torch.ones(BATCH, 15),
        "future_values": torch.rand(BATCH, 4),
        "future_time_features": torch.rand(BATCH, 4, 1),
    }


def series(name: str, **sizes: Any) -> Architecture:
    batch_only = dict.fromkeys(series_batch(), (0,))
    return Architecture(
        "time series", lambda: build(name, f"{name}ForPrediction", **{**SERIES, **sizes}), series_batch, batch_only
    )


def patchtst() -> torch.nn.Module:
    return build(
        "PatchTST", "PatchTSTForPrediction", num_input_channels=2, context_length=16, patch_length=4, patch_stride=4,
        num_hidden_layers=2, d_model=32, num_attention_heads=4, ffn_dim=64, prediction_length=4,
    )  # fmt: skip


def patchtst_batch() -> Batch:
    return {"past_values": torch.rand(BATCH, 16, 2), "future_values": torch.rand(BATCH, 4, 2)}


def whisper() -> torch.nn.Module:
    return build(
        "Whisper", "WhisperForConditionalGeneration", **{**SEQ2SEQ, "num_mel_bins": 8, "max_source_positions": 24},
        max_target_positions=32, begin_suppress_tokens=None, suppress_tokens=None,
    )  # fmt: skip


def whisper_batch() -> Batch:
    return {"input_features": torch.randn(BATCH, 8, 48), "labels": ids()}


def spectrogram() -> torch.nn.Module:
    sizes = {k: v for k, v in PATCHES.items() if k != "image_size"}
    return build("AST", "ASTForAudioClassification", **{**sizes, **IMAGE}, max_length=64, num_mel_bins=16)


def spectrogram_batch() -> Batch:
    return {"input_values": torch.randn(BATCH, 64, 16), "labels": torch.randint(0, LABELS, (BATCH,))}


def encodec() -> torch.nn.Module:
    """The encoder alone: what quantises in EnCodec is no one graph."""
    return build(
        "Encodec", "EncodecModel", num_filters=4, hidden_size=16, codebook_dim=16, codebook_size=32,
        upsampling_ratios=[4, 2], num_lstm_layers=1, target_bandwidths=[1.5], norm_type="weight_norm",
    ).encoder  # fmt: skip


def depth_anything() -> torch.nn.Module:
    backbone = transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=4, mlp_ratio=2, image_size=28, patch_size=7,
        out_indices=[1, 2, 3, 4], reshape_hidden_states=False, apply_layernorm=True,
    )  # fmt: skip
    return build(
        "DepthAnything", "DepthAnythingForDepthEstimation", backbone_config=backbone, patch_size=7,
        reassemble_hidden_size=32, neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8, head_hidden_size=8,
    )  # fmt: skip


def image_only(kind: str, make: Callable[[], torch.nn.Module], side: int) -> Architecture:
    return Architecture(kind, make, lambda: {"pixel_values": torch.randn(BATCH, 3, side, side)}, {"pixel_values": (0,)})


def segformer_batch() -> Batch:
    return {"pixel_values": torch.randn(BATCH, 3, 64, 64), "labels": torch.randint(0, LABELS, (BATCH, 64, 64))}


def gpt2_eager() -> torch.nn.Module:
    model = gpt2()
    model.config._attn_implementation = "eager"
    return model


RWKV = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "use_cache": False}
DEEPSEEK = {
    "moe_intermediate_size": 16,
    "n_routed_experts": 8,
    "num_key_value_heads": 4,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "n_group": 2,
    "topk_group": 1,
    "num_experts_per_tok": 2,
    "first_k_dense_replace": 1,
}
SMALL_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
MAMBA2 = {"hidden_size": 32, "num_heads": 8, "head_dim": 8, "state_size": 8, "n_groups": 2, "chunk_size": 8}

# Sorted by name.
ARCHITECTURES: dict[str, Architecture] = {
    "albert": masked("Albert", embedding_size=16),
    "ast": Architecture(
        "audio", spectrogram, spectrogram_batch, {"input_values": (0,), "labels": (0,)}
    ),
    "bamba": states(
        "Bamba", attn_layer_indices=[1], num_key_value_heads=2, mamba_n_heads=8, mamba_d_head=8, mamba_n_groups=2,
        mamba_d_state=8, mamba_expand=2, mamba_chunk_size=8,
    ),
    "bart": seq2seq("Bart"),
    "beit": image("Beit", dynamic=BATCH_ONLY, **PATCHES),
    "bert": masked("Bert"),
    "bigbird": masked("BigBird", attention_type="original_full"),
    "bloom": Architecture(
        "text decoder",
        lambda: build("Bloom", "BloomForCausalLM", vocab_size=VOCABULARY, hidden_size=32, n_layer=2, n_head=4,
                      use_cache=False),
        text_batch,
    ),
    "clip": image_text("CLIP", projection_dim=16),
    "cohere": causal("Cohere"),
    "convbert": masked("ConvBert", embedding_size=32),
    "convnext": image("ConvNext", 64, hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1]),
    "convnextv2": image("ConvNextV2", 64, hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1]),
    "data2vec_audio": sound("Data2VecAudio", conv_pos_kernel_size=3, num_conv_pos_embeddings=2),
    "deberta_v2": masked(
        "DebertaV2", relative_attention=True, pos_att_type=["p2c", "c2p"], position_biased_input=False,
        share_att_key=True,
    ),
    "deepseek_v3": experts("DeepseekV3", **DEEPSEEK),
    "deit": image("DeiT", dynamic=BATCH_ONLY, **PATCHES),
    "depth_anything": image_only("vision", depth_anything, 28),
    "dinov2": image("Dinov2", dynamic=BATCH_ONLY, **{**PATCHES, "mlp_ratio": 2}),
    "distilbert": Architecture(
        "text encoder",
        lambda: build("DistilBert", "DistilBertForMaskedLM", vocab_size=VOCABULARY, dim=32, n_layers=2, n_heads=4,
                      hidden_dim=64),
        text_batch,
    ),
    "dit": Architecture("diffusion", diffusion.dit, diffusion.batch, diffusion.DYNAMIC),
    "electra": masked("Electra", embedding_size=16),
    "encodec": Architecture(
        "audio", encodec, lambda: {"hidden_states": torch.randn(BATCH, 1, 320)}, {"hidden_states": (0,)}
    ),
    "falcon": causal("Falcon", new_decoder_architecture=True, num_kv_heads=2),
    "falcon_mamba": states("FalconMamba", state_size=8),
    "fnet": masked("FNet"),
    "gemma": causal("Gemma", head_dim=8),
    "gemma2": causal("Gemma2", head_dim=8, sliding_window=8),
    "gemma3": Architecture(
        "text decoder",
        lambda: build("Gemma3Text", "Gemma3ForCausalLM", **GROUPED, head_dim=8, sliding_window=8),
        text_batch,
    ),
    "gpt2": Architecture("text decoder", gpt2, text_batch),
    "gpt2_eager": Architecture("text decoder", gpt2_eager, text_batch),
    "gpt_neox": causal("GPTNeoX"),
    "gptj": Architecture(
        "text decoder",
        lambda: build("GPTJ", "GPTJForCausalLM", vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, rotary_dim=4,
                      use_cache=False),
        text_batch,
    ),
    "granite_moe": experts("GraniteMoe", num_local_experts=4),
    "hubert": sound("Hubert"),
    "informer": series("Informer"),
    "jamba": Architecture(
        "state space",
        lambda: build("Jamba", "JambaForCausalLM", **EXPERTS, attn_layer_period=2, attn_layer_offset=1,
                      expert_layer_period=2, expert_layer_offset=1, num_experts=4, use_mamba_kernels=False,
                      mamba_d_state=8, mamba_dt_rank=4),
        text_batch,
    ),
    "led": seq2seq("LED", attention_window=8, max_encoder_position_embeddings=64, max_decoder_position_embeddings=64),
    "levit": image(
        "Levit", 64, BATCH_ONLY, image_size=64, hidden_sizes=[16, 32, 48], num_attention_heads=[2, 2, 2],
        depths=[1, 1, 1],
        key_dim=[8, 8, 8], mlp_ratio=[2, 2, 2], attention_ratio=[2, 2, 2],
    ),
    "llama": causal("Llama"),
    "longformer": masked("Longformer", attention_window=8, max_position_embeddings=64, pad_token_id=1),
    "m2m100": seq2seq("M2M100"),
    "mamba": states("Mamba", state_size=8),
    "mamba2": states("Mamba2", **MAMBA2),
    "marian": seq2seq("Marian", "MarianMTModel"),
    "mbart": seq2seq("MBart"),
    "mistral": causal("Mistral", sliding_window=8),
    "mixtral": experts("Mixtral", num_local_experts=4),
    "mixtral_looped": looped_experts("Mixtral", num_local_experts=4),
    "mobilenet_v1": image("MobileNetV1", 64, BATCH_ONLY, depth_multiplier=0.25),
    "mobilenet_v2": image("MobileNetV2", 64, BATCH_ONLY, depth_multiplier=0.25),
    "mobilevit": image(
        "MobileViT", 64, BATCH_ONLY, image_size=64, hidden_sizes=[16, 24, 32], neck_hidden_sizes=[8, 8, 16,
        16, 24, 24, 32],
        num_attention_heads=2,
    ),
    "mpnet": masked("MPNet"),
    "olmo": causal("Olmo"),
    "olmoe": experts("Olmoe", **SMALL_EXPERTS),
    "opt": causal("OPT", ffn_dim=64, word_embed_proj_dim=32),
    "patchtst": Architecture(
        "time series", patchtst, patchtst_batch, {"past_values": (0,), "future_values": (0,)}
    ),
    "pegasus": seq2seq("Pegasus"),
    "phi": causal("Phi"),
    "phi3": causal("Phi3"),
    "pvt": image(
        "Pvt", 64, BATCH_ONLY, image_size=64, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 32, 32],
        num_attention_heads=[1, 2, 2, 2],
    ),
    "qwen2": causal("Qwen2"),
    "qwen2_moe": experts("Qwen2Moe", **SMALL_EXPERTS, shared_expert_intermediate_size=32),
    "qwen3": causal("Qwen3", head_dim=8),
    "recurrent_gemma": states("RecurrentGemma", num_key_value_heads=2, lru_width=32, attention_window_size=8,
                              block_types=("recurrent", "attention")),
    "regnet": image("RegNet", 64, embedding_size=8, hidden_sizes=[8, 16, 32, 32], depths=[1, 1, 1, 1], groups_width=8),
    "resnet18": Architecture("vision", resnet18, lambda: image_batch(64)),
    "roberta": masked("Roberta", pad_token_id=1, max_position_embeddings=64),
    "routed_experts": Architecture(
        "mixture of experts", routed_experts.RoutedClassifier, routed_experts.batch, routed_experts.DYNAMIC,
        data_dependent=True,
    ),
    "rwkv": Architecture("state space", lambda: build("Rwkv", "RwkvForCausalLM", **RWKV), text_batch),
    "segformer": Architecture(
        "vision",
        lambda: build("Segformer", "SegformerForSemanticSegmentation", depths=[1, 1, 1, 1], hidden_sizes=[8,
            16, 32, 32],
                      num_attention_heads=[1, 2, 2, 2], decoder_hidden_size=16, num_labels=LABELS),
        segformer_batch,
        BATCH_ONLY,
    ),
    "sew": sound("SEW", squeeze_factor=2),
    "siglip": image_text("Siglip"),
    "stablelm": causal("StableLm"),
    "swin": image("Swin", 32, BATCH_ONLY, image_size=32, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4),
    "swinv2": image("Swinv2", 32, BATCH_ONLY, image_size=32, embed_dim=16, depths=[2, 2], num_heads=[2, 4],
        window_size=4),
    "t5": t5_like("T5"),
    "time_series_transformer": series("TimeSeriesTransformer"),
    "umt5": t5_like("UMT5"),
    "unet": Architecture("diffusion", diffusion.unet, diffusion.batch, diffusion.DYNAMIC),
    "unispeech": sound("UniSpeech"),
    "vit": image("ViT", **PATCHES),
    "wav2vec2": sound("Wav2Vec2"),
    "wavlm": sound("WavLM", num_buckets=16, max_bucket_distance=32),
    "whisper": Architecture("audio", whisper, whisper_batch, {"input_features": (0,), "labels": (0, 1)}),
    "xlnet": Architecture(
        "text encoder",
        lambda: build("XLNet", "XLNetLMHeadModel", vocab_size=VOCABULARY, d_model=32, n_layer=2, n_head=4, d_inner=64),
        text_batch,
    ),
}  # fmt: skip
