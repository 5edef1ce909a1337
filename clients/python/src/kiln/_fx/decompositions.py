"""The decompositions that run in the client, before the partitioner.

Only those that the partitioner must see through to save little: norms, softmaxes, losses and activations, and the
views and detaches between them that it does not know to cost nothing: what it cannot compute again, it saves. Every
other decomposition is the server's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch._decomp import get_decompositions

# Sorted by name.
DECOMPOSED_OPS = (
    "_batch_norm_with_update",
    "_batch_norm_with_update_functional",
    "_log_softmax",
    "_log_softmax_backward_data",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_functional",
    "_native_batch_norm_legit_no_training",
    "_safe_softmax",
    "_softmax",
    "_softmax_backward_data",
    "batch_norm_backward",
    "binary_cross_entropy",
    "binary_cross_entropy_backward",
    "detach",
    "elu_backward",
    "gelu",
    "gelu_backward",
    "hardsigmoid_backward",
    "hardswish",
    "hardswish_backward",
    "huber_loss",
    "huber_loss_backward",
    "leaky_relu_backward",
    "log_sigmoid_backward",
    "log_sigmoid_forward",
    "mish_backward",
    "mse_loss",
    "mse_loss_backward",
    "native_batch_norm",
    "native_batch_norm_backward",
    "native_dropout",
    "native_group_norm",
    "native_group_norm_backward",
    "native_layer_norm",
    "native_layer_norm_backward",
    "nll_loss2d_backward",
    "nll_loss2d_forward",
    "nll_loss_backward",
    "nll_loss_forward",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "smooth_l1_loss",
    "smooth_l1_loss_backward",
    "soft_margin_loss",
    "softplus_backward",
    "tanh_backward",
    "threshold_backward",
    "transpose",
)


def _is_random(packet: Any) -> bool:
    overloads = [getattr(packet, name) for name in packet.overloads()]
    return any(torch.Tag.nondeterministic_seeded in overload.tags for overload in overloads)


@functools.cache
def decomposition_table(*, eager_random: bool = False) -> dict[Any, Callable[..., Any]]:
    """OpOverload -> decomposition, for aot_module_simplified. With `eager_random` random operators stay as they are."""
    aten = torch.ops.aten
    packets = [getattr(aten, name) for name in DECOMPOSED_OPS if not (eager_random and _is_random(getattr(aten, name)))]
    table: dict[Any, Callable[..., Any]] = dict(get_decompositions(packets))
    return table
