"""Products of groups against FakeTensorMode: metadata, and which calls are refused.

    python tests/conformance/check_grouped_mm.py REPLAY

OpInfo has no samples of `_grouped_mm` and `_scaled_grouped_mm` on CPU, so the calls are made
here: every layout of two and three dimensions, good ones and ones with one thing wrong.
"""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Iterator
from typing import Any

import torch
from check_op_samples import agrees
from record_op_samples import Recorder
from replay_program import replay
from torch._subclasses.fake_tensor import FakeTensorMode

GROUPS, ROWS, INNER, COLUMNS = 4, 32, 16, 64
FLOAT8 = torch.float8_e4m3fn
CHECKED = ("aten._grouped_mm", "aten._scaled_grouped_mm")


def factor(sizes: tuple[int, ...], dtype: torch.dtype, by_columns: bool) -> torch.Tensor:
    if not by_columns:
        return torch.empty(sizes, dtype=dtype)
    return torch.empty((*sizes[:-2], sizes[-1], sizes[-2]), dtype=dtype).transpose(-1, -2)


def sizes_of(batched: bool, rows: int, columns: int) -> tuple[int, ...]:
    return (GROUPS, rows, columns) if batched else (rows, columns)


def offsets(count: int = GROUPS, dtype: torch.dtype = torch.int32) -> torch.Tensor:
    return torch.empty(count, dtype=dtype)


def grouped_calls() -> Iterator[tuple[Any, tuple[Any, ...], dict[str, Any]]]:
    op = torch.ops.aten._grouped_mm.default
    for a3, b3, a_columns, b_columns in itertools.product((False, True), repeat=4):
        for rows, inner, columns in ((ROWS, INNER, COLUMNS), (ROWS, INNER, 20), (1, 8, 8), (0, INNER, 8)):
            a = factor(sizes_of(a3, rows, inner), torch.bfloat16, a_columns)
            b = factor(sizes_of(b3, inner, columns), torch.bfloat16, b_columns)
            offs = None if a3 and b3 else offsets()
            yield op, (a, b, offs), {}
            yield op, (a, b, offsets() if offs is None else None), {}
            yield op, (a, b, offs), {"out_dtype": torch.bfloat16}
            yield op, (a, b, offs), {"out_dtype": torch.float32}
            yield op, (a, b, offs, torch.empty(columns, dtype=torch.bfloat16)), {}
    good = (factor((ROWS, INNER), torch.bfloat16, False), factor((GROUPS, INNER, COLUMNS), torch.bfloat16, False))
    for offs in (offsets(GROUPS + 1), offsets(dtype=torch.int64), torch.empty(GROUPS, 1, dtype=torch.int32)):
        yield op, (*good, offs), {}
    for bad in (
        good[0].float(),
        good[0][:, :8],
        good[0][0],
        good[0][:, ::2],
        torch.empty(1, 2, ROWS, INNER).bfloat16(),
    ):
        yield op, (bad, good[1], offsets()), {}
    yield op, (torch.empty(GROUPS + 1, ROWS, INNER).bfloat16(), good[1]), {}


def scaled_calls() -> Iterator[tuple[Any, tuple[Any, ...], dict[str, Any]]]:
    op = torch.ops.aten._scaled_grouped_mm.default
    for a3, b3, a_columns, b_columns in itertools.product((False, True), repeat=4):
        a = factor(sizes_of(a3, ROWS, INNER), FLOAT8, a_columns)
        b = factor(sizes_of(b3, INNER, COLUMNS), FLOAT8, b_columns)
        repeats = 1 if a3 or b3 else GROUPS
        scales = [torch.empty((GROUPS, n) if batched else n * repeats) for batched, n in ((a3, ROWS), (b3, COLUMNS))]
        offs = None if a3 and b3 else offsets()
        yield op, (a, b, *scales, offs), {}
        yield op, (a, b, *scales, offs), {"out_dtype": torch.bfloat16, "use_fast_accum": True}
        yield op, (a, b, *scales, offs), {"out_dtype": torch.float32}
        yield op, (a, b, *scales, offs), {"scale_result": torch.empty(1)}
        yield op, (a, b, scales[0].double(), scales[1], offs), {}
        yield op, (a, b, scales[0], scales[1][..., 1:], offs), {}
        yield op, (a, b, scales[0][None], scales[1], offs), {}
        yield op, (a, b, scales[0].repeat_interleave(2, -1)[..., ::2], scales[1], offs), {}
        yield op, (a.to(torch.float8_e5m2), b, *scales, offs), {}


def main() -> int:
    logging.disable(logging.CRITICAL)
    rows: dict[str, dict[str, Any]] = {}
    with FakeTensorMode(), Recorder(rows):
        for op, args, kwargs in itertools.chain(grouped_calls(), scaled_calls()):
            try:
                op(*args, **kwargs)
            except Exception:
                # The recorder has its class.
                continue
    samples = [row for row in rows.values() if row["op"].rsplit(".", 1)[0] in CHECKED]
    wrong = 0
    for sample, answer in zip(samples, replay(sys.argv[1], samples), strict=True):
        if not agrees(sample, answer):
            wrong += 1
            print(f"{sample['graph']}\n  want {sample.get('results') or sample['error']}\n  got  {answer}")
    refused = sum("error" in sample for sample in samples)
    print(f"{len(samples) - refused} calls and {refused} refused calls compared: {wrong} wrong")
    return 1 if wrong or not refused or len(samples) == refused else 0


if __name__ == "__main__":
    sys.exit(main())
