"""Compares the `out=` forms of operators to PyTorch's FakeTensorMode.

    python tests/conformance/check_out_forms.py REPLAY SAMPLES.jsonl... [--per-overload N] [--show N]

Takes calls that record_op_samples.py recorded of operators that have an `out=`
overload, and asks both sides for that overload with results to write that fit,
that are empty, that have another shape, another order of strides, or a dtype to
which the result can or can't be cast. Equal means what it means in
check_op_samples.py: a result that did not fit was resized, or both fail. Where
eager contradicts the fake mode, known_out_deviations.txt says so.
"""

from __future__ import annotations

import argparse
import collections
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from check_op_samples import NO_ANSWER, compare, read_samples
from check_symbolic_samples import UNBACKED
from known_list import KnownList
from record_op_samples import Recorder
from replay_program import read_rows
from symbolic_call import Call, Layout, contiguous
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv


def reversed_strides(t: torch.Tensor) -> torch.Tensor:
    return t.new_empty(tuple(reversed(t.shape))).permute(tuple(reversed(range(t.dim()))))


VARIANTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "fits": lambda t: torch.empty(t.shape, dtype=t.dtype),
    "empty": lambda t: t.new_empty(0),
    "another shape": lambda t: t.new_empty(2, 7),
    "other strides": reversed_strides,
    "float64": lambda t: torch.empty(t.shape, dtype=torch.float64),
    "complex64": lambda t: torch.empty(t.shape, dtype=torch.complex64),
    "int32": lambda t: torch.empty(t.shape, dtype=torch.int32),
    "empty int32": lambda t: torch.empty(0, dtype=torch.int32),
    "bool": lambda t: torch.empty(t.shape, dtype=torch.bool),
}


# What a factory takes, and its `out=` overload does not: the result to write has them.
OPTIONS = {"dtype", "layout", "device", "pin_memory"}


def factory_options(func: Any) -> set[str]:
    names = {a.name for a in func._schema.arguments}
    return OPTIONS if names >= OPTIONS else set()


def out_overload(func: Any) -> tuple[Any, list[str]] | None:
    """The overload that takes `func`'s arguments and results to write, and the names of these."""
    options = factory_options(func)
    formal = [(a.name, str(a.type)) for a in func._schema.arguments if a.name not in options]
    packet = func._overloadpacket
    for name in packet.overloads():
        candidate = getattr(packet, name)
        arguments = candidate._schema.arguments
        outs = [a.name for a in arguments if a.is_out]
        if outs and [(a.name, str(a.type)) for a in arguments if not a.is_out] == formal:
            return candidate, outs
    return None


def static_call(graph: str) -> Call:
    call = Call(graph)
    for t in call.tensors:
        t.size_layout = [Layout(size) for size in t.sizes]
        t.stride_layout = None if t.strides == contiguous(t.sizes) else [Layout(s) for s in t.strides]
        t.offset_layout = Layout(t.offset)
    return call


def chosen(samples: list[dict[str, Any]], rows: Any, per_overload: int) -> Iterator[tuple[Call, Any, list[str]]]:
    """At most `per_overload` calls of an operator, of those that succeeded."""
    taken: collections.Counter[str] = collections.Counter()
    for sample in samples:
        if "results" not in sample or taken[sample["op"]] >= per_overload or not sample["op"].startswith("aten."):
            continue
        if UNBACKED.search(sample["graph"]):
            continue
        call = static_call(sample["graph"])
        form = out_overload(call.func)
        if form is None or str(form[0]) not in rows:
            continue
        taken[sample["op"]] += 1
        yield call, *form


def record(call: Call, func: Any, outs: list[str], recorder: Recorder) -> None:
    for make in VARIANTS.values():
        mode = FakeTensorMode(shape_env=ShapeEnv())
        with mode:
            _, args, kwargs = call.arguments({})
            results = call.func(*args, **kwargs)
            results = results if isinstance(results, tuple) else (results,)
            if not all(isinstance(r, torch.Tensor) for r in results) or len(results) != len(outs):
                return
            written = {name: make(r) for name, r in zip(outs, results, strict=True)}
            kwargs = {name: value for name, value in kwargs.items() if name not in factory_options(call.func)}
            with recorder:
                try:
                    func(*args, **kwargs, **written)
                except Exception:
                    continue  # recorded with its class


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("samples", nargs="+")
    parser.add_argument("--per-overload", type=int, default=1)
    parser.add_argument("--show", type=int, default=1, help="deviations to print per operator")
    parser.add_argument("--at-least", type=int, default=1, help="calls that must have been compared")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    recorded: dict[str, dict[str, Any]] = {}
    recorder = Recorder(recorded)
    asked: set[str] = set()
    failed = 0
    for call, func, outs in chosen(read_samples(options.samples), read_rows(options.program), options.per_overload):
        asked.add(str(func))
        try:
            record(call, func, outs, recorder)
        except Exception as error:
            failed += 1
            print(f"{func}: {type(error).__name__}: {str(error)[:160]}")
    # Only the calls asked for, not what PyTorch reached them by.
    calls = [row for row in recorded.values() if row["op"] in asked and row.get("error") not in NO_ANSWER]
    known = KnownList("known_out_deviations.txt")
    total, bad = compare(options.program, calls, options.show, known)
    for op, count in bad.most_common():
        print(f"{op}: {count} of {total[op]} deviate, {known.most(op) * options.per_overload} known")
    compared = sum(total.values())
    percent = 100.0 * (compared - sum(bad.values())) / max(1, compared)
    fresh = known.fresh(bad, options.per_overload)
    print(
        f"{compared} calls of {len(total)} out= overloads: {percent:.2f}% agree; {fresh} deviations are not known; "
        f"{failed} samples could not be asked"
    )
    return 0 if compared >= options.at_least and not fresh else 1


if __name__ == "__main__":
    sys.exit(main())
