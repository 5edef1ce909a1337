"""Subgraphs of the benchmark models that a compiler makes one kernel of, or few, with inputs of the size that they
have there: batch 2, 128 tokens or 224 x 224 pixels, float32 unless they say otherwise.

What AOTAutograd hands to a backend is written out: the gradients are ATen graphs, with what the forward pass saved
as inputs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

aten = torch.ops.aten

BATCH, LENGTH = 2, 128
TOKENS = BATCH * LENGTH
VOCABULARY = 50257


@dataclasses.dataclass(frozen=True)
class FusedKernel:
    model: str  # where it stands
    run: Callable[..., Any]
    inputs: Callable[[], list[torch.Tensor]]
    # Its numbers are drawn: there is nothing to compare with eager's.
    is_random: bool = False


KERNELS: dict[str, FusedKernel] = {}


def kernel(model: str, inputs: Callable[[], list[torch.Tensor]], is_random: bool = False) -> Callable[..., Any]:
    """Adds the function to the table, under its name."""

    def add(run: Callable[..., Any]) -> Callable[..., Any]:
        KERNELS[run.__name__] = FusedKernel(model, run, inputs, is_random)
        return run

    return add


def floats(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Callable[[], list[torch.Tensor]]:
    return lambda: [torch.randn(shape).to(dtype) for shape in shapes]


def images(*shapes: tuple[int, ...]) -> Callable[[], list[torch.Tensor]]:
    """Channels last where there are four dimensions."""
    return lambda: [
        torch.randn(shape).to(memory_format=torch.channels_last) if len(shape) == 4 else torch.randn(shape)
        for shape in shapes
    ]


def whole_numbers(below: int, *shape: int) -> torch.Tensor:
    return torch.randint(below, shape)


# --- attention

SCORES = (BATCH, 12, LENGTH, LENGTH)


@kernel("gpt2", lambda: [torch.randn(SCORES), torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()])
def masked_softmax(scores: torch.Tensor, mask: torch.Tensor) -> Any:
    scores = torch.where(mask, scores / 8.0, torch.finfo(torch.float32).min)
    return torch.softmax(scores, -1)


@kernel("bert", lambda: [torch.randn(SCORES).softmax(-1), torch.randn(SCORES)])
def softmax_backward(probabilities: torch.Tensor, grad: torch.Tensor) -> Any:
    return aten._softmax_backward_data(grad, probabilities, -1, torch.float32) / 8.0


@kernel("bert", floats(SCORES), is_random=True)
def softmax_dropout(scores: torch.Tensor) -> Any:
    return aten.native_dropout(torch.softmax(scores, -1), 0.1, True)


@kernel("t5", floats((BATCH, 8, LENGTH, LENGTH), (1, 8, LENGTH, LENGTH)))
def biased_softmax(scores: torch.Tensor, bias: torch.Tensor) -> Any:
    return torch.softmax(scores + bias, -1)


@kernel("t5", lambda: [torch.randn(32, 8)])
def relative_position_bias(weight: torch.Tensor) -> Any:
    position = torch.arange(LENGTH)
    relative = position[None, :] - position[:, None]
    buckets = (relative > 0).to(torch.long) * 16
    distance = relative.abs()
    large = 8 + (torch.log(distance.float() / 8) / math.log(128 / 8) * 8).to(torch.long)
    buckets = buckets + torch.where(distance < 8, distance, large.clamp(max=15))
    return F.embedding(buckets, weight).permute(2, 0, 1).unsqueeze(0).contiguous()


@kernel("gpt2", floats((TOKENS, 2304), (2304,)))
def split_heads(projected: torch.Tensor, bias: torch.Tensor) -> Any:
    parts = (projected + bias).view(BATCH, LENGTH, 2304).split(768, 2)
    return [part.view(BATCH, LENGTH, 12, 64).transpose(1, 2).contiguous() for part in parts]


@kernel("bert", floats((BATCH, 12, LENGTH, 64)))
def merge_heads(context: torch.Tensor) -> Any:
    return context.transpose(1, 2).contiguous().view(TOKENS, 768)


@kernel("gpt2", floats((BATCH, 12, LENGTH, 64)))
def transposed_keys(keys: torch.Tensor) -> Any:
    return (keys * 0.125).transpose(2, 3).contiguous()


def _rotated(x: torch.Tensor) -> torch.Tensor:
    return torch.cat((-x[..., 32:], x[..., :32]), -1)


@kernel("llama", floats((BATCH, LENGTH, 12, 64), (BATCH, LENGTH, 4, 64), (LENGTH, 64)))
def rotary_embedding(q: torch.Tensor, k: torch.Tensor, angles: torch.Tensor) -> Any:
    cos, sin = angles.cos()[None, None], angles.sin()[None, None]
    q, k = q.transpose(1, 2), k.transpose(1, 2)
    return q * cos + _rotated(q) * sin, k * cos + _rotated(k) * sin


@kernel("llama", floats((BATCH, 4, LENGTH, 64)))
def repeated_heads(keys: torch.Tensor) -> Any:
    return keys[:, :, None].expand(BATCH, 4, 3, LENGTH, 64).reshape(BATCH, 12, LENGTH, 64)


# --- norms


@kernel("gpt2", floats((TOKENS, 768), (TOKENS, 768), (768,), (768,)))
def residual_layer_norm(x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> Any:
    x = x + residual
    return x, *aten.native_layer_norm(x, [768], weight, bias, 1e-5)


def _norm_gradient_inputs() -> list[torch.Tensor]:
    x, weight, bias = torch.randn(TOKENS, 768), torch.randn(768), torch.randn(768)
    _, mean, rstd = aten.native_layer_norm(x, [768], weight, bias, 1e-5)
    return [torch.randn(TOKENS, 768), x, mean, rstd, weight, bias, torch.randn(TOKENS, 768)]


@kernel("gpt2", _norm_gradient_inputs)
def layer_norm_backward(grad: torch.Tensor, x: Any, mean: Any, rstd: Any, weight: Any, bias: Any, other: Any) -> Any:
    gradients = aten.native_layer_norm_backward(grad, x, [768], mean, rstd, weight, bias, [True, True, True])
    return gradients[0] + other, gradients[1], gradients[2]


@kernel("llama", floats((TOKENS, 768), (TOKENS, 768), (768,)))
def residual_rms_norm(x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor) -> Any:
    x = x + residual
    rstd = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
    return x, weight * (x * rstd), rstd


@kernel("llama", floats((TOKENS, 768), (TOKENS, 768), (TOKENS, 1), (768,), (TOKENS, 768)))
def rms_norm_backward(grad: torch.Tensor, x: Any, rstd: Any, weight: torch.Tensor, other: torch.Tensor) -> Any:
    weighted = grad * weight
    dot = (weighted * x).sum(-1, keepdim=True)
    return other + weighted * rstd - x * rstd.pow(3) * dot / 768, (grad * x * rstd).sum(0)


def _statistics(channels: int) -> list[torch.Tensor]:
    return [torch.rand(channels) + 0.5, torch.randn(channels), torch.randn(channels), torch.rand(channels) + 0.5]


def _batch_norm_relu(x: torch.Tensor, weight: Any, bias: Any, mean: Any, variance: Any) -> Any:
    y, save_mean, save_rstd, new_mean, new_variance = aten._native_batch_norm_legit_functional(
        x, weight, bias, mean, variance, True, 0.1, 1e-5
    )
    return y.relu(), save_mean, save_rstd, new_mean, new_variance


@kernel("resnet50", lambda: [torch.randn(2, 64, 112, 112), *_statistics(64)])
def batch_norm_relu_stem(*inputs: torch.Tensor) -> Any:
    return _batch_norm_relu(*inputs)


@kernel("resnet50", lambda: [*images((2, 256, 56, 56))(), *_statistics(256)])
def batch_norm_relu_channels_last(*inputs: torch.Tensor) -> Any:
    return _batch_norm_relu(*inputs)


@kernel("resnet50", lambda: [torch.randn(2, 2048, 7, 7), *_statistics(2048)])
def batch_norm_relu_last_stage(*inputs: torch.Tensor) -> Any:
    return _batch_norm_relu(*inputs)


@kernel("resnet50", lambda: [*images((2, 256, 56, 56), (2, 256, 56, 56))(), *_statistics(256)])
def batch_norm_inference(x: torch.Tensor, skip: Any, weight: Any, bias: Any, mean: Any, variance: Any) -> Any:
    y = (x - mean[None, :, None, None]) * torch.rsqrt(variance + 1e-5)[None, :, None, None]
    return (y * weight[None, :, None, None] + bias[None, :, None, None] + skip).relu()


def _batch_norm_gradient(grad: torch.Tensor, y: Any, x: Any, weight: Any, mean: Any, rstd: Any) -> Any:
    grad = aten.threshold_backward(grad, y, 0)
    return aten.native_batch_norm_backward(grad, x, weight, None, None, mean, rstd, True, 1e-5, [True, True, True])


@kernel("resnet50", lambda: [*floats(*[(2, 256, 56, 56)] * 3)(), *_statistics(256)[:3], torch.rand(256)])
def batch_norm_backward(grad: torch.Tensor, y: Any, x: Any, weight: Any, _: Any, mean: Any, rstd: Any) -> Any:
    return _batch_norm_gradient(grad, y, x, weight, mean, rstd)


@kernel("resnet50", lambda: [*images(*[(2, 256, 56, 56)] * 3)(), *_statistics(256)[:3], torch.rand(256)])
def batch_norm_backward_channels_last(
    grad: torch.Tensor, y: Any, x: Any, weight: Any, _: Any, mean: Any, rstd: Any
) -> Any:
    return _batch_norm_gradient(grad, y, x, weight, mean, rstd)


# --- activations


def _gelu_new(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


@kernel("gpt2", floats((TOKENS, 3072), (3072,)))
def bias_gelu_tanh(x: torch.Tensor, bias: torch.Tensor) -> Any:
    return _gelu_new(x + bias)


@kernel("gpt2", floats((TOKENS, 3072), (TOKENS, 3072)))
def gelu_tanh_backward(grad: torch.Tensor, x: torch.Tensor) -> Any:
    slope = math.sqrt(2.0 / math.pi)
    t = torch.tanh(slope * (x + 0.044715 * torch.pow(x, 3.0)))
    inner = slope * (1 + 3 * 0.044715 * torch.pow(x, 2.0))
    dx = grad * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)
    return dx, dx.sum(0)


@kernel("bert", floats((TOKENS, 3072), (3072,)))
def bias_gelu(x: torch.Tensor, bias: torch.Tensor) -> Any:
    return F.gelu(x + bias)


@kernel("vit", floats((394, 3072), (394, 3072)))
def gelu_backward(grad: torch.Tensor, x: torch.Tensor) -> Any:
    dx = aten.gelu_backward(grad, x)
    return dx, dx.sum(0)


@kernel("llama", floats((TOKENS, 2048), (TOKENS, 2048)))
def silu_gate(gate: torch.Tensor, up: torch.Tensor) -> Any:
    return F.silu(gate) * up


@kernel("llama", floats((TOKENS, 2048), (TOKENS, 2048), (TOKENS, 2048)))
def silu_gate_backward(grad: torch.Tensor, gate: torch.Tensor, up: torch.Tensor) -> Any:
    s = torch.sigmoid(gate)
    return grad * up * s * (1 + gate * (1 - s)), grad * gate * s


@kernel("t5", floats((TOKENS, 2048), (TOKENS, 2048)))
def relu_backward(grad: torch.Tensor, y: torch.Tensor) -> Any:
    return aten.threshold_backward(grad, y, 0)


# --- dropout and residuals


@kernel("bert", floats((TOKENS, 768), (768,), (TOKENS, 768)), is_random=True)
def bias_dropout_residual(x: torch.Tensor, bias: torch.Tensor, residual: torch.Tensor) -> Any:
    y, mask = aten.native_dropout(x + bias, 0.1, True)
    return y + residual, mask


@kernel("bert", lambda: [torch.randn(TOKENS, 3072), torch.rand(TOKENS, 3072) > 0.1])
def dropout_backward(grad: torch.Tensor, mask: torch.Tensor) -> Any:
    return aten.native_dropout_backward(grad, mask, 1 / 0.9)


@kernel("gpt2", floats((TOKENS, 768), (TOKENS, 768), (TOKENS, 768)))
def gradients_and_bias(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> Any:
    total = a + b + c
    return total, total.sum(0)


@kernel("gpt2", floats((TOKENS, 2304)))
def bias_gradient(grad: torch.Tensor) -> Any:
    return grad.sum(0, keepdim=True)


# --- embeddings and losses


@kernel(
    "bert",
    lambda: [
        whole_numbers(30522, BATCH, LENGTH),
        *floats((30522, 768), (512, 768), (2, 768), (768,), (768,))(),
    ],
)
def embeddings_layer_norm(ids: Any, words: Any, positions: Any, types: Any, weight: Any, bias: Any) -> Any:
    x = F.embedding(ids, words) + types[0] + positions[:LENGTH]
    return x, *aten.native_layer_norm(x, [768], weight, bias, 1e-12)


@kernel("gpt2", lambda: [torch.randn(BATCH, LENGTH, 768), whole_numbers(VOCABULARY, BATCH, LENGTH)])
def embedding_backward(grad: torch.Tensor, ids: torch.Tensor) -> Any:
    return aten.embedding_dense_backward(grad, ids, VOCABULARY, -1, False)


@kernel("gpt2", lambda: [torch.randn(BATCH, LENGTH, 768), torch.arange(LENGTH)[None]])
def position_backward(grad: torch.Tensor, positions: torch.Tensor) -> Any:
    return aten.embedding_dense_backward(grad.sum(0, keepdim=True), positions, 1024, -1, False)


@kernel("gpt2", lambda: [torch.randn(TOKENS, VOCABULARY), whole_numbers(VOCABULARY, TOKENS)])
def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> Any:
    log_probabilities = torch.log_softmax(logits, -1)
    return aten.nll_loss_forward(log_probabilities, labels, None, 1, -100)[0], log_probabilities


@kernel(
    "gpt2",
    lambda: [torch.randn(()), torch.randn(TOKENS, VOCABULARY).log_softmax(-1), whole_numbers(VOCABULARY, TOKENS)],
)
def cross_entropy_backward(grad: torch.Tensor, log_probabilities: torch.Tensor, labels: torch.Tensor) -> Any:
    picked = aten.nll_loss_backward(grad, log_probabilities, labels, None, 1, -100, torch.full((), float(TOKENS)))
    return aten._log_softmax_backward_data(picked, log_probabilities, -1, torch.float32)


# --- images


@kernel("resnet50", images((2, 64, 112, 112)))
def relu_max_pool_channels_last(x: torch.Tensor) -> Any:
    return aten.max_pool2d_with_indices(x.relu(), [3, 3], [2, 2], [1, 1])


@kernel("resnet50", floats((2, 64, 112, 112)))
def relu_max_pool(x: torch.Tensor) -> Any:
    return aten.max_pool2d_with_indices(x.relu(), [3, 3], [2, 2], [1, 1])


def _pooled() -> list[torch.Tensor]:
    x = torch.randn(2, 64, 112, 112).to(memory_format=torch.channels_last)
    y, indices = aten.max_pool2d_with_indices(x, [3, 3], [2, 2], [1, 1])
    return [torch.randn_like(y), x, indices]


@kernel("resnet50", _pooled)
def max_pool_backward(grad: torch.Tensor, x: torch.Tensor, indices: torch.Tensor) -> Any:
    return aten.max_pool2d_with_indices_backward(grad, x, [3, 3], [2, 2], [1, 1], [1, 1], False, indices)


@kernel("resnet50", images((2, 2048, 7, 7)))
def global_average(x: torch.Tensor) -> Any:
    return x.relu().mean((2, 3))


@kernel("resnet50", lambda: [torch.randn(2, 2048, 1, 1), *images((2, 2048, 7, 7))()])
def global_average_backward(grad: torch.Tensor, y: torch.Tensor) -> Any:
    spread = grad.expand(2, 2048, 7, 7) / 49
    return torch.where(y <= 0, 0.0, spread)


@kernel("inception", images((2, 64, 56, 56)))
def average_pool_channels_last(x: torch.Tensor) -> Any:
    return F.avg_pool2d(x, 3, 1, 1)


@kernel("inception", floats((2, 64, 56, 56)))
def average_pool(x: torch.Tensor) -> Any:
    return F.avg_pool2d(x, 3, 1, 1)


@kernel("segformer", floats((2, 64, 56, 56)))
def bilinear_upsampling(x: torch.Tensor) -> Any:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


@kernel("segformer", images((2, 64, 56, 56)))
def bilinear_upsampling_channels_last(x: torch.Tensor) -> Any:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


@kernel("pspnet", floats((2, 512, 28, 28)))
def adaptive_average_pool(x: torch.Tensor) -> Any:
    return F.adaptive_avg_pool2d(x, (6, 6))


@kernel("vit", floats((2, 768, 14, 14), (1, 1, 768), (1, 197, 768)))
def patch_embeddings(patches: torch.Tensor, first: torch.Tensor, positions: torch.Tensor) -> Any:
    tokens = patches.flatten(2).transpose(1, 2)
    return torch.cat((first.expand(2, -1, -1), tokens), 1) + positions


@kernel("vit", floats((2, 3, 224, 224)))
def image_to_channels_last(x: torch.Tensor) -> Any:
    return ((x - 0.5) / 0.5).to(memory_format=torch.channels_last)


# --- transposes and narrow types


@kernel("gpt2", floats((768, 3072)))
def transposed_weight(weight: torch.Tensor) -> Any:
    return weight.t().contiguous()


@kernel("gpt2", floats((TOKENS, 768), (TOKENS, 768)))
def transposed_sum(a: torch.Tensor, b: torch.Tensor) -> Any:
    return (a + b).t().contiguous()


@kernel("gpt2", floats((768, 3072)))
def weight_to_bfloat16(weight: torch.Tensor) -> Any:
    return weight.to(torch.bfloat16)


@kernel("gpt2", floats((TOKENS, 3072), (3072,), dtype=torch.bfloat16))
def bias_gelu_bfloat16(x: torch.Tensor, bias: torch.Tensor) -> Any:
    return F.gelu(x + bias, approximate="tanh")


@kernel("gpt2", floats((TOKENS, 768), (TOKENS, 768), (768,), (768,), dtype=torch.bfloat16))
def layer_norm_bfloat16(x: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> Any:
    return F.layer_norm(x + residual, [768], weight, bias)


@kernel("bert", floats(SCORES, dtype=torch.bfloat16))
def softmax_bfloat16(scores: torch.Tensor) -> Any:
    return torch.softmax(scores * 0.125, -1)


# --- calls


@kernel("resnet50", floats(*[(16,)] * 150))
def sum_of_150_inputs(*inputs: torch.Tensor) -> Any:
    total = inputs[0]
    for x in inputs[1:]:
        total = total + x
    return total
