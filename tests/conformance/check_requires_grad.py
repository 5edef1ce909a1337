"""Which results require grad, here and in PyTorch's fake mode above autograd.

    python tests/conformance/check_requires_grad.py REPLAY [--dtype float32]... [--samples 4] [--per-overload 12]

Each distinct call that OpInfo's samples send through the dispatcher is made again as a
user of FakeTensorMode makes it, outside of any dispatch mode, on fake tensors that
require grad: all of them that can, then each alone. What requires grad afterwards, of
the arguments and of the results, must be the same here. An argument that is written is
no leaf, since autograd refuses to write those. Calls that autograd refuses (`out=`,
operators without a derivative for complex numbers) are counted and not compared.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import logging
import random
import sys
import warnings
from typing import Any, NamedTuple

import torch
from graph_text import CallText
from record_op_samples import Recorder, run_sample
from replay_program import answers, read_rows
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._pytree import tree_leaves, tree_map_only


class Spec(NamedTuple):
    """A tensor argument, by its place among the call's inputs."""

    place: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device


class Call(NamedTuple):
    func: Any
    args: Any
    kwargs: Any
    inputs: list[str]
    body: str

    def specs(self) -> dict[int, Spec]:
        found = [leaf for leaf in tree_leaves((self.args, self.kwargs), is_leaf=is_spec) if is_spec(leaf)]
        return {spec.place: spec for spec in found}

    def written(self) -> set[int]:
        places: set[int] = set()
        for i, slot in enumerate(self.func._schema.arguments):
            if slot.alias_info is None or not slot.alias_info.is_write:
                continue
            value = self.args[i] if i < len(self.args) else self.kwargs.get(slot.name)
            places.update(s.place for s in tree_leaves(value, is_leaf=is_spec) if is_spec(s))
        return places


def is_spec(value: Any) -> bool:
    return isinstance(value, Spec)


class CallRecorder(Recorder):
    """Keeps the calls themselves beside their text."""

    def __init__(self) -> None:
        super().__init__({})
        self.found: dict[str, Call] = {}
        self._described: Any = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # In-place operators change what they are given.
        tensors: dict[int, int] = {}
        for value in tree_leaves((args, kwargs or {})):
            if isinstance(value, torch.Tensor):
                tensors.setdefault(id(value), len(tensors))

        def spec(t: torch.Tensor) -> Spec:
            return Spec(tensors[id(t)], tuple(t.shape), t.stride(), t.dtype, t.device)

        self._described = tree_map_only(torch.Tensor, spec, (args, kwargs or {}))
        return super().__torch_dispatch__(func, types, args, kwargs)

    def _record(self, op: str, call: CallText, func: Any, args: Any, kwargs: Any, **outcome: Any) -> str:
        described = self._described
        text = super()._record(op, call, func, args, kwargs, **outcome)
        if "result" in outcome:
            body = text.removeprefix(f"graph g({', '.join(call.inputs)}) ")
            self.found.setdefault(text, Call(func, *described, list(call.inputs), body))
        return text


def differentiable(spec: Spec) -> bool:
    return spec.dtype.is_floating_point or spec.dtype.is_complex


def scenarios(call: Call) -> list[frozenset[int]]:
    able = [place for place, spec in sorted(call.specs().items()) if differentiable(spec)]
    if not able:
        return []
    alone = [frozenset([place]) for place in able] if len(able) > 1 else []
    return [frozenset(able), *alone]


def flag(value: Any) -> str:
    return "." if not isinstance(value, torch.Tensor) else "+" if value.requires_grad else "-"


def ask_pytorch(call: Call, requiring: frozenset[int]) -> str:
    """'+-' of the arguments afterwards, then of the results."""
    written = call.written()
    made: dict[int, torch.Tensor] = {}
    with FakeTensorMode(allow_non_fake_inputs=True):
        for place, spec in sorted(call.specs().items()):
            t = torch.empty_strided(spec.size, spec.stride, dtype=spec.dtype, device=spec.device)
            if place in requiring:
                t.requires_grad_()
                t = t.clone() if place in written else t
            made[place] = t
        args, kwargs = tree_map_spec(lambda spec: made[spec.place], (call.args, call.kwargs))
        results = call.func(*args, **kwargs)
    flat = [v for r in (results if isinstance(results, (list, tuple)) else (results,)) for v in listed(r)]
    if not call.func._schema.returns:
        flat = []
    return "".join(flag(made[place]) for place in sorted(made)) + "".join(map(flag, flat))


def listed(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value,)


def tree_map_spec(fn: Any, value: Any) -> Any:
    if is_spec(value):
        return fn(value)
    if isinstance(value, dict):
        return {key: tree_map_spec(fn, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([tree_map_spec(fn, item) for item in value])
    return value


def graph_text(call: Call, requiring: frozenset[int]) -> str:
    inputs = [text + (" requires_grad" if place in requiring else "") for place, text in enumerate(call.inputs)]
    return f"graph g({', '.join(inputs)}) {call.body}"


def record(dtype: torch.dtype, ops: str, samples: int) -> list[Call]:
    recorder = CallRecorder()
    for op in op_db:
        if ops not in op.name or dtype not in op.supported_dtypes("cpu"):
            continue
        try:
            for sample in itertools.islice(op.sample_inputs("cpu", dtype), samples or None):
                try:
                    run_sample(op, sample, recorder, False, "cpu")
                except Exception:
                    continue
        except Exception as error:
            print(f"{op.name}: no samples: {error}", file=sys.stderr)
    return list(recorder.found.values())


def choose(calls: list[Call], per_overload: int, seed: int) -> list[Call]:
    by_op: dict[str, list[Call]] = collections.defaultdict(list)
    for call in calls:
        by_op[str(call.func)].append(call)
    rng = random.Random(seed)
    return [call for same in by_op.values() for call in rng.sample(same, min(per_overload, len(same)))]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--dtype", action="append")
    parser.add_argument("--ops", default="", help="only OpInfos whose name contains this")
    parser.add_argument("--samples", type=int, default=0, help="samples of one OpInfo; 0: all")
    parser.add_argument("--per-overload", type=int, default=0, help="calls of one overload and dtype; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-least", type=int, default=1, help="fail if fewer calls were compared")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    rows = read_rows(options.program)
    refused: collections.Counter[str] = collections.Counter()
    texts, expected, names = [], [], []
    for dtype in options.dtype or ["float32", "complex64"]:
        calls = [c for c in record(getattr(torch, dtype), options.ops, options.samples) if str(c.func) in rows]
        if options.per_overload:
            calls = choose(calls, options.per_overload, options.seed)
        for call in calls:
            for requiring in scenarios(call):
                try:
                    flags = ask_pytorch(call, requiring)
                except Exception as error:
                    refused[type(error).__name__] += 1
                    continue
                texts.append(graph_text(call, requiring))
                expected.append(flags)
                names.append(str(call.func))
    wrong: dict[str, list[str]] = collections.defaultdict(list)
    found = answers(options.program, texts, "--grad")
    for text, flags, name, answer in zip(texts, expected, names, found, strict=True):
        if answer != [flags]:
            wrong[name].append(f"  want {flags} got {' '.join(answer)[:200]}: {text[:300]}")
    for name, lines in sorted(wrong.items()):
        print(f"{name}: {len(lines)} of {names.count(name)}", *lines[:3], sep="\n")
    total = sum(map(len, wrong.values()))
    print(
        f"{len(texts)} calls of {len(set(names))} overloads compared, {total} wrong; "
        f"autograd refused {sum(refused.values())}: {dict(refused)}"
    )
    return 1 if total or len(texts) < options.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
