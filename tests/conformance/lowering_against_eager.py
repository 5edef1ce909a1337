"""Compares what operators are lowered to with eager PyTorch, on OpInfo's samples.

    python tests/conformance/lowering_against_eager.py BUILD/compiler/loops/kiln_run_graph [--dtype float32]

Every distinct call that reaches the dispatcher, up to some per overload, is lowered alone and run by the naive twin
of the compiler. Operators that become extern calls are counted, not compared; so are random ones.
"""

from __future__ import annotations

import argparse
import collections
import logging
import math
import subprocess
import sys
import warnings
from typing import Any

import torch
from graph_text import DTYPES, CallText, Unrepresentable
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._python_dispatch import TorchDispatchMode

NOT_OPERATORS = ("prim.", "profiler.", "debugprims.", "inductor_prims.")
UNINITIALIZED = ("aten.empty", "aten.new_empty")
# Tensors of more elements say nothing more and take long to print.
MOST_ELEMENTS = 3000
# What the naive twin or the op table answers for what this program does not judge.
NOT_JUDGED = ("the interpreter has no", "no such operator", "Kiln has no lowering", "depends on data", "is seen as")


class Twin:
    """The program that runs one graph after another."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen([self._path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, text: str, inputs: list[str]) -> list[list[float]] | str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        block = f"graph {len(text.encode())}\n{text}\ninputs {len(inputs)}\n" + "".join(f"{line}\n" for line in inputs)
        self._process.stdin.write(block)
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split(None, 1)
        if not answer:
            self._start()
            return "it crashed"
        if answer[0] == "error":
            return answer[1].strip()
        lines = [self._process.stdout.readline().split() for _ in range(int(answer[1]))]
        return [[float(v) for v in line[1:]] for line in lines]


def tensor_line(t: torch.Tensor) -> str:
    """The storage as the twin reads it, from a copy that nothing has changed yet."""
    storage = torch.empty(0, dtype=t.dtype).set_(t.untyped_storage())
    if storage.numel() > MOST_ELEMENTS:
        raise Unrepresentable("too many elements")
    words: list[Any] = [DTYPES[t.dtype], t.dim(), *t.shape, *t.stride(), t.storage_offset(), storage.numel()]
    return " ".join(str(w) for w in words) + " " + " ".join(repr(float(v)) for v in storage.tolist())


class Comparison(TorchDispatchMode):
    def __init__(self, twin: Twin, per_overload: int) -> None:
        super().__init__()
        self._twin = twin
        self._per_overload = per_overload
        self._seen: set[str] = set()
        self.counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        self.failures: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        op = str(func)
        judged = not op.startswith(NOT_OPERATORS) and not func._schema.is_mutable
        judged &= torch.Tag.nondeterministic_seeded not in func.tags and not op.startswith(UNINITIALIZED)
        judged &= self.counts[op]["same"] + self.counts[op]["not judged"] < self._per_overload
        call = CallText()
        lines: list[str] = []
        try:
            if judged:
                tensors: list[torch.Tensor] = []
                collect_tensors([args, list(kwargs.values())], tensors)
                lines = [tensor_line(t) for t in tensors]
        except Unrepresentable:
            judged = False
        result = func(*args, **kwargs)
        if judged:
            try:
                self._compare(op, call, func, args, kwargs, lines, result)
            except Unrepresentable:
                self.counts[op]["not representable"] += 1
        return result

    def _compare(
        self, op: str, call: CallText, func: Any, args: Any, kwargs: Any, lines: list[str], result: Any
    ) -> None:
        outputs = result if isinstance(result, (list, tuple)) else (result,)
        if not outputs or not all(isinstance(t, torch.Tensor) and t.dtype in DTYPES for t in outputs):
            return
        if any(t.numel() > MOST_ELEMENTS or t.is_complex() for t in outputs):
            return
        names = ", ".join(f"%r{i}" for i in range(len(outputs)))
        text = call.graph(op, args, kwargs, names).replace("return ()", f"return ({names})")
        key = text + "".join(lines)
        if key in self._seen or not same_inputs(call, lines):
            return
        self._seen.add(key)
        got = self._twin.run(text, lines)
        if isinstance(got, str):
            judged = not any(known in got for known in NOT_JUDGED)
            self.counts[op]["error" if judged else "not judged"] += 1
            if judged:
                self.failures.append(f"{op}: {got}\n    {text}")
            return
        wrong = first_difference(got, outputs)
        self.counts[op]["wrong" if wrong else "same"] += 1
        if wrong:
            self.failures.append(f"{op}: {wrong}\n    {text}")


def collect_tensors(value: Any, out: list[torch.Tensor]) -> None:
    """Tensors in the order in which CallText makes them inputs."""
    if isinstance(value, torch.Tensor):
        if all(t is not value for t in out):
            out.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            collect_tensors(item, out)


def same_inputs(call: CallText, lines: list[str]) -> bool:
    return len(call.inputs) == len(lines) and all("alias=" not in line for line in call.inputs)


def first_difference(got: list[list[float]], outputs: Any) -> str | None:
    for i, t in enumerate(outputs):
        want = [float(v) for v in t.detach().resolve_neg().reshape(-1).tolist()]
        if len(got[i]) != len(want):
            return f"result {i} has {len(got[i])} elements, not {len(want)}"
        coarse = t.dtype in (torch.float16, torch.bfloat16)
        for at, (a, b) in enumerate(zip(got[i], want, strict=True)):
            if not close(a, b, 2e-2 if coarse else 2e-4):
                return f"result {i} element {at} is {a}, not {b}"
    return None


def close(a: float, b: float, tolerance: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.isinf(a) or math.isinf(b):
        return a == b
    return abs(a - b) <= tolerance * (1 + abs(b))


def run_samples(comparison: Comparison, op: Any, dtype: torch.dtype, backward: bool, most: int) -> None:
    for i, sample in enumerate(op.sample_inputs("cpu", dtype, requires_grad=backward)):
        if i >= most:
            return
        try:
            with comparison:
                out = op(sample.input, *sample.args, **sample.kwargs)
                leaves = [t for t in (out if isinstance(out, (list, tuple)) else [out]) if isinstance(t, torch.Tensor)]
                leaves = [t for t in leaves if t.requires_grad]
                if backward and leaves:
                    torch.autograd.backward(leaves, [torch.ones_like(t) for t in leaves])
        except Exception as error:
            logging.debug("%s: %s", op.name, error)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("twin")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--backward", action="store_true", help="also run each sample's backward")
    parser.add_argument("--ops", default="", help="only OpInfos whose name contains this")
    parser.add_argument("--per-overload", type=int, default=40)
    parser.add_argument("--samples", type=int, default=20, help="of each OpInfo, at most")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    dtype = getattr(torch, options.dtype)
    comparison = Comparison(Twin(options.twin), options.per_overload)
    torch.manual_seed(0)
    for op in op_db:
        if options.ops not in op.name or dtype not in op.supported_dtypes("cpu"):
            continue
        backward = options.backward and op.supports_autograd and dtype in op.supported_backward_dtypes("cpu")
        try:
            run_samples(comparison, op, dtype, backward, options.samples)
        except Exception as error:
            print(f"{op.name}: no samples: {error}", file=sys.stderr)
    for failure in comparison.failures:
        print(failure)
    extern = sorted(op for op, counts in comparison.counts.items() if counts["not judged"])
    print("not judged:", ", ".join(extern))
    total: collections.Counter[str] = collections.Counter()
    for counts in comparison.counts.values():
        total.update(counts)
    compared = [op for op, counts in comparison.counts.items() if counts["same"] and not counts["wrong"]]
    print(f"{dict(total)}; {len(compared)} overloads compared and the same")
    return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())
