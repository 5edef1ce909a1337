"""Whether results are what eager gives: dtype, sizes, strides, values within OpInfo's own tolerances."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from sample_cases import OPS
from torch.testing._comparison import default_tolerances
from torch.testing._internal.common_device_type import toleranceOverride
from torch.testing._internal.opinfo.core import DecorateInfo

# Memory that nobody has written.
UNINITIALIZED = ("empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided")
LOW_PRECISION = (torch.float16, torch.bfloat16, torch.float32)


@functools.cache
def tolerances(op: str, dtype: torch.dtype) -> tuple[float, float]:
    """rtol and atol for results of `dtype`: PyTorch's for the dtype, or the widest that the OpInfo asks for on CPUs.

    What is no OpInfo has PyTorch's.
    """
    rtol, atol = default_tolerances(dtype)
    for decorate in OPS[op].decorators if op in OPS else ():
        if not isinstance(decorate, DecorateInfo) or decorate.device_type not in (None, "cpu"):
            continue
        for decorator in decorate.decorators:
            wider = decorator.d.get(dtype) if isinstance(decorator, toleranceOverride) else None
            if wider is not None:
                rtol, atol = max(rtol, wider.rtol), max(atol, wider.atol)
    return rtol, atol


def difference(op: str, got: Sequence[Any], want: Sequence[Any]) -> str:
    """Empty if all results agree, else the kind of the first difference and where it is: `values: result 0 ...`."""
    if len(got) != len(want):
        return f"count: {len(got)} results, not {len(want)}"
    for i, (a, b) in enumerate(zip(got, want, strict=True)):
        if kind := _difference(op, a, b):
            return kind.replace(":", f": result {i}", 1)
    return ""


def _difference(op: str, got: Any, want: Any) -> str:
    if not isinstance(want, torch.Tensor) or not isinstance(got, torch.Tensor):
        same = type(got) is type(want) and (got == want or (got != got and want != want))
        return "" if same else f"values: is {got!r}, not {want!r}"
    if got.dtype != want.dtype:
        return f"dtype: is {got.dtype}, not {want.dtype}"
    if got.shape != want.shape:
        return f"sizes: are {list(got.shape)}, not {list(want.shape)}"
    if got.layout != want.layout:
        return f"layout: is {got.layout}, not {want.layout}"
    if op.split(".")[0] not in UNINITIALIZED:
        rtol, atol = tolerances(op, want.dtype)
        if wrong := _value_difference(got.detach(), want.detach(), rtol, atol):
            return f"values: {wrong}"
    if want.layout is torch.strided and not same_strides(got, want):
        return f"strides: are {got.stride()}, not {want.stride()} for sizes {list(want.shape)}"
    return ""


def same_strides(got: torch.Tensor, want: torch.Tensor) -> bool:
    """Of dimensions that have more than one index."""
    if want.numel() == 0:
        return True
    return all(a == b for a, b, size in zip(got.stride(), want.stride(), want.shape, strict=True) if size > 1)


def _value_difference(got: torch.Tensor, want: torch.Tensor, rtol: float, atol: float) -> str:
    close = torch.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    if bool(close.all()):
        return ""
    at = (~close).nonzero()[0].tolist()
    bad = int((~close).sum())
    return f"at {at} is {got[tuple(at)].item()}, not {want[tuple(at)].item()}; {bad} of {want.numel()} differ"


def no_worse_than_eager(op: str, got: Sequence[Any], want: Sequence[Any], exact: Sequence[Any]) -> bool:
    """Whether our error against a float64 run is at most twice eager's, result by result."""
    if not len(got) == len(want) == len(exact):
        return False
    return all(_no_worse(op, a, b, c) for a, b, c in zip(got, want, exact, strict=True))


def _no_worse(op: str, got: Any, want: Any, exact: Any) -> bool:
    kind = _difference(op, got, want)
    if not kind:
        return True
    if not kind.startswith("values") or not isinstance(want, torch.Tensor) or not isinstance(exact, torch.Tensor):
        return False
    if want.dtype not in LOW_PRECISION or exact.shape != want.shape or exact.dtype is not torch.float64:
        return False
    got, want, exact = got.detach(), want.detach(), exact.detach()
    right = exact.to(want.dtype)
    ours_special, theirs_special = _is_special(got, right), _is_special(want, right)
    # What eager itself gets wrong (it overflows) says nothing of us.
    if bool((ours_special & ~theirs_special & ~torch.isclose(got, right, equal_nan=True)).any()):
        return False
    judged = ~(ours_special | theirs_special)
    return _largest_error(got, exact, judged) <= 2 * _largest_error(want, exact, judged)


def _is_special(result: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return ~(torch.isfinite(result) & torch.isfinite(right))


def _largest_error(result: torch.Tensor, exact: torch.Tensor, judged: torch.Tensor) -> float:
    errors = torch.where(judged, (result.double() - exact).abs(), 0.0)
    return float(errors.max()) if errors.numel() else 0.0
