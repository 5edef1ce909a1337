"""hstack, vstack and dstack of tensors of all ranks, here and by PyTorch's own kernels.

    python tests/conformance/check_joins.py REPLAY

PyTorch's dispatcher takes them apart before any mode sees them, so no recording has
them; a graph written by hand may. Its fake mode also forgets that `out=` of
channels-last tensors is channels-last. Each is called with lists of tensors at random,
with and without `out=`: ranks 0 to 4 in any mix, sizes that fit and that do not,
empty tensors, dtypes that promote, channels-last and transposed strides.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import Any

import torch
from graph_text import CallText, ResultText
from replay_program import replay

DRAWS = 400
DTYPES = (torch.float32, torch.float32, torch.float32, torch.float16, torch.int64, torch.bool)
SHAPES = ((), (3,), (0,), (1,), (3, 3), (1, 3), (3, 1), (0, 3), (3, 3, 1), (1, 3, 3), (1, 3, 3, 3), (3, 3, 3, 3))


def tensor(rng: random.Random, shape: tuple[int, ...]) -> torch.Tensor:
    t = torch.empty(shape, dtype=rng.choice(DTYPES))
    if t.dim() == 4 and rng.random() < 0.5:
        return t.contiguous(memory_format=torch.channels_last)
    return t.transpose(0, -1) if t.dim() > 1 and rng.random() < 0.2 else t


def tensors(rng: random.Random) -> list[torch.Tensor]:
    shape = rng.choice(SHAPES)
    return [tensor(rng, shape if rng.random() < 0.7 else rng.choice(SHAPES)) for _ in range(rng.randrange(1, 4))]


def call(rng: random.Random, name: str) -> dict[str, Any]:
    packet = getattr(torch.ops.aten, name)
    args = [tensors(rng)]
    func, kwargs = packet.default, {}
    if rng.random() < 0.4:
        func, kwargs = packet.out, {"out": torch.empty(0, dtype=rng.choice(DTYPES))}
    text = CallText()
    row: dict[str, Any] = {"op": str(func), "graph": text.graph(str(func), args, kwargs, "%r0")}
    try:
        row["results"] = [ResultText(text).value(func(*args, **kwargs))]
    except Exception as error:
        row["error"] = str(error)
    return row


def main() -> int:
    rng = random.Random(0)
    rows = [call(rng, name) for name in ("hstack", "vstack", "dstack") for _ in range(DRAWS)]
    wrong = 0
    for row, answer in zip(rows, replay(sys.argv[1], rows), strict=True):
        # An error is an error: eager's cat raises a TypeError where its fake twin does not.
        if answer == row["results"] if "results" in row else answer[0].startswith("error: "):
            continue
        wrong += 1
        if wrong <= 10:
            print(f"{row['graph']}\n  want {row.get('results') or row['error']}\n  got  {answer}")
    failed = sum("error" in row for row in rows)
    ops = Counter(row["op"] for row in rows)
    print(f"{len(rows)} calls of {len(ops)} overloads, {failed} of which PyTorch refuses: {wrong} wrong")
    return 1 if wrong or not 0 < failed < len(rows) // 2 else 0


if __name__ == "__main__":
    sys.exit(main())
