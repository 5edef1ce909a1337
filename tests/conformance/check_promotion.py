"""Type promotion, exhaustively: our dtype of a sum against torch.promote_types and torch.result_type.

    python tests/conformance/check_promotion.py REPLAY

Every pair of dtypes, each as a tensor with dimensions or without, and every dtype
with a number of each of Python's types; which numbers `alpha` may be; then which
devices may meet.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any

import torch
from error_classes import same_class
from graph_text import DTYPES
from replay_program import replay
from torch._subclasses.fake_tensor import FakeTensorMode

NUMBERS = {"true": True, "3": 3, "2.5": 2.5}
DEVICES = ["cpu", "cuda:0", "cuda:1", "meta", "xpu:1"]


def expected(a: Any, b: Any) -> str | None:
    """None where PyTorch has no common dtype."""
    try:
        return DTYPES[torch.result_type(a, b)]
    except RuntimeError:
        return None


def dtype_of(answer: list[str]) -> str | None:
    return None if answer[0].startswith("error: ") else answer[0].partition("[")[0]


def dtype_cases() -> list[tuple[str, str | None]]:
    cases = []
    for a, b in itertools.product(DTYPES, repeat=2):
        for ranks in itertools.product((0, 1), repeat=2):
            x, y = (torch.empty([2] * rank, dtype=d) for rank, d in zip(ranks, (a, b), strict=True))
            want = expected(x, y)
            if ranks == (1, 1):
                try:
                    promoted = DTYPES[torch.promote_types(a, b)]
                except RuntimeError:
                    promoted = None
                assert promoted == want, (a, b)
            dims = ["[2]" if rank else "[]" for rank in ranks]
            inputs = f"%x: {DTYPES[a]}{dims[0]}, %y: {DTYPES[b]}{dims[1]}"
            cases.append((f"graph g({inputs}) {{ %z = aten.add.Tensor(%x, %y) return () }}", want))
    for a, rank, (text, number) in itertools.product(DTYPES, (0, 1), NUMBERS.items()):
        want = expected(torch.empty([2] * rank, dtype=a), number)
        dims = "[2]" if rank else "[]"
        cases.append((f"graph g(%x: {DTYPES[a]}{dims}) {{ %z = aten.add.Tensor(%x, {text}) return () }}", want))
    return cases


def alpha_cases() -> list[tuple[str, str | None]]:
    """What real tensors answer to each `alpha`: sums of tensors, of a tensor and a number, and of an outer product."""
    cases = []
    for op, a, (text, number) in itertools.product(("add", "sub", "rsub"), DTYPES, NUMBERS.items()):
        for overload, other in (("Tensor", "%x"), ("Scalar", "2"), ("Scalar", "2.5")):
            call = getattr(getattr(torch.ops.aten, op), overload)
            x = torch.ones(2, dtype=a)
            y = x if other == "%x" else float(other) if "." in other else int(other)
            try:
                # What has no kernel says nothing of alpha.
                call(x, y)
            except RuntimeError:
                continue
            try:
                want = DTYPES[call(x, y, alpha=number).dtype]
            except RuntimeError:
                want = None
            body = f"%z = aten.{op}.{overload}(%x, {other}, alpha={text}) return ()"
            cases.append((f"graph g(%x: {DTYPES[a]}[2]) {{ {body} }}", want))
    for a, (text, number), name in itertools.product(DTYPES, NUMBERS.items(), ("alpha", "beta")):
        x, v = torch.ones(2, 2, dtype=a), torch.ones(2, dtype=a)
        try:
            torch.addr(x, v, v)
        except RuntimeError:
            continue
        try:
            want = DTYPES[torch.ops.aten.addr.default(x, v, v, **{name: number}).dtype]
        except RuntimeError:
            want = None
        body = f"%z = aten.addr.default(%x, %v, %v, {name}={text}) return ()"
        cases.append((f"graph g(%x: {DTYPES[a]}[2, 2], %v: {DTYPES[a]}[2]) {{ {body} }}", want))
    return cases


def device_cases() -> list[tuple[str, str | None]]:
    """The device of a sum, or the class of error."""
    cases = []
    for a, b in itertools.product(DEVICES, repeat=2):
        for ranks in itertools.product((0, 1), repeat=2):
            with FakeTensorMode():
                x, y = (torch.empty([2] * rank, device=d) for rank, d in zip(ranks, (a, b), strict=True))
                try:
                    want = str(torch.ops.aten.add.Tensor(x, y).device)
                except RuntimeError as error:
                    want = f"error: {type(error).__name__}"
            dims = ["[2]" if rank else "[]" for rank in ranks]
            inputs = f"%x: f32{dims[0]} device={a}, %y: f32{dims[1]} device={b}"
            cases.append((f"graph g({inputs}) {{ %z = aten.add.Tensor(%x, %y) return () }}", want))
    return cases


def main() -> int:
    program = sys.argv[1]
    wrong = 0
    cases = dtype_cases() + alpha_cases()
    for (graph, want), answer in zip(cases, replay(program, [{"graph": g} for g, _ in cases]), strict=True):
        if dtype_of(answer) != want or (want is None and not same_class(answer, {"RuntimeError"})):
            wrong += 1
            print(f"{graph}\n  want {want}\n  got  {answer}")
    devices = device_cases()
    for (graph, want), answer in zip(devices, replay(program, [{"graph": g} for g, _ in devices]), strict=True):
        got = "error" if answer[0].startswith("error: DEVICE_MISMATCH") else answer[0].split(" storage=")[0].split()[-1]
        if (got != "error") if want.startswith("error") else got != want:
            wrong += 1
            print(f"{graph}\n  want {want}\n  got  {answer}")
    refused = sum(want is None for _, want in cases)
    print(f"{len(cases)} dtypes and alphas ({refused} refused), {len(devices)} pairs of devices: {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
