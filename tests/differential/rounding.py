"""Whether what differs from eager's results is what rounding explains.

The judges are a float64 run, which says how wrong eager is, and runs with noise, which say how wrong it could be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from compare_results import difference


def is_rounding(
    op: str, got: Sequence[Any], want: Sequence[Any], exact: Sequence[Any], noisy: Sequence[Sequence[Any]]
) -> bool:
    """For results of equal dtypes and sizes; strides are another question."""
    return all(
        not _differs(op, got[i], want[i]) or _explains(got[i], want[i], exact[i], [run[i] for run in noisy])
        for i in range(len(want))
    )


def _differs(op: str, got: Any, want: Any) -> bool:
    """In more than strides."""
    return bool(difference(op, [got], [want]).partition(": ")[0] not in ("", "strides"))


def _explains(got: Any, want: Any, exact: Any, noisy: list[Any]) -> bool:
    """Whether the largest error is at most twice eager's, plus eight times the largest that noise makes."""
    if not isinstance(want, torch.Tensor) or not want.dtype.is_floating_point or got.dtype is not want.dtype:
        return False
    if not isinstance(exact, torch.Tensor) or not got.shape == exact.shape == want.shape:
        return False
    got, want, exact = (t.detach().double() for t in (got, want, exact))
    runs = [run.detach().double() for run in noisy]
    finite = torch.isfinite(exact)
    certain = torch.ones_like(finite)
    for run in (want, *runs):
        finite &= torch.isfinite(run)
        certain &= torch.isclose(run, exact, rtol=0, atol=0, equal_nan=True)
    # An infinity or NaN that every run has is no matter of rounding.
    special = certain & ~torch.isfinite(exact)
    if bool((special & ~torch.isclose(got, exact, rtol=0, atol=0, equal_nan=True)).any()):
        return False
    if bool((finite & ~torch.isfinite(got)).any()):
        return False
    spread = max((_largest(run - want, finite) for run in runs), default=0.0)
    return _largest(got - exact, finite) <= 2 * _largest(want - exact, finite) + 8 * spread


def _largest(errors: torch.Tensor, judged: torch.Tensor) -> float:
    sizes = torch.where(judged, errors.abs(), 0.0)
    return float(sizes.max()) if sizes.numel() else 0.0
