"""One-element constants are known by value: item() of them, here and in PyTorch's fake mode.

    python tests/conformance/check_constants.py REPLAY

A constant of a graph travels as a scalar and is `scalar_tensor` in ours; PyTorch
lifts it. Views and copies of a constant are known, too; once written with what is
not known, it is forgotten, by all of its names. Where PyTorch computes a new
constant (arithmetic, an in-place fill), we may forget instead: item() is then an
unbacked symbol, which is sound.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from check_op_samples import replay
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

aten = torch.ops.aten
# Steps after %c, PyTorch's twin of them, and whether we know what PyTorch knows, may
# know less, or know the constant still where PyTorch knows it no more.
CASES: list[tuple[str, Any, str]] = [
    ("", lambda c, x: c, "same"),
    ("%d = aten.clone.default(%c)", lambda c, x: aten.clone(c), "same"),
    ("%d = aten.view.default(%c, [1])", lambda c, x: aten.view(c, [1]), "same"),
    ("%d = aten.unsqueeze.default(%c, 0)", lambda c, x: aten.unsqueeze(c, 0), "same"),
    ("%v = aten.expand.default(%c, [3]) %d = aten.select.int(%v, 0, 1)",
     lambda c, x: aten.select(aten.expand(c, [3]), 0, 1), "more"),
    ("%d = aten.detach.default(%c)", lambda c, x: aten.detach(c), "same"),
    ("%d = aten.mul.Tensor(%c, 2)", lambda c, x: aten.mul(c, 2), "less"),
    ("%d = aten.fill_.Scalar(%c, 7)", lambda c, x: aten.fill_(c, 7), "less"),
    ("%d = aten.copy_.default(%c, %x)", lambda c, x: aten.copy_(c, x), "same"),
    ("%v = aten.view.default(%c, [1]) %w = aten.copy_.default(%v, %x) %d = aten.alias.default(%c)",
     lambda c, x: (aten.copy_(aten.view(c, [1]), x), aten.alias(c))[1], "same"),
]  # fmt: skip


def main() -> int:
    graphs, wanted = [], []
    for steps, twin, how in CASES:
        for text, value in (("3", 3), ("true", True), ("-5", -5)):
            dtype = "bool" if text == "true" else "i64"
            with FakeTensorMode(shape_env=ShapeEnv()):
                c = aten.lift_fresh_copy(torch.tensor(value))
                item = twin(c, torch.empty([], dtype=c.dtype)).item()
            known = item if isinstance(item, (bool, int)) else None
            last = "%d" if steps else "%c"
            graphs.append(
                f"graph g(%x: {dtype}[]) {{ %c = aten.scalar_tensor.default({text}, dtype={dtype}) {steps} "
                f"%i = aten._local_scalar_dense.default({last}) return () }}"
            )
            wanted.append((value if how == "more" else known, how))
    wrong = 0
    answers = replay(sys.argv[1], [{"graph": g} for g in graphs])
    for graph, (known, how), answer in zip(graphs, wanted, answers, strict=True):
        text = answer[-1].partition(" ")[2]
        ours = {"true": True, "false": False}.get(text.lower(), int(text) if text.lstrip("-").isdigit() else None)
        if answer[0].startswith("error") or not (ours == known or (how == "less" and ours is None)):
            wrong += 1
            print(f"{graph}\n  want {known}\n  got  {answer[-1]}")
    print(f"{len(graphs)} items of constants compared: {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
