"""Random programs of views, in-place operators, resizes and set_, here and in PyTorch's fake mode.

    python tests/conformance/check_aliasing.py REPLAY [--programs 400] [--seed 1]

A program begins with one or two bases, inputs or made by `empty_strided`, and has
5 to 15 steps. After every step the metadata of every value so far, which values
share a storage, the storage's bytes where the graph knows them, and what was
written of the inputs must be PyTorch's. A step that PyTorch refuses, in fake mode or
on real tensors, must be refused with the same class of error; the program goes on
without it.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
from typing import Any

import torch
from error_classes import same_class
from graph_text import DTYPES
from replay_program import answers
from symbolic_call import overload
from torch._subclasses.fake_tensor import FakeTensorMode

aten = torch.ops.aten
Step = tuple[str, list[Any]]


class Program:
    """The steps so far, and PyTorch's tensors of all values."""

    def __init__(self, rng: random.Random, mode: FakeTensorMode) -> None:
        self.rng = rng
        self.mode = mode
        self.inputs: list[str] = []
        self.lines: list[str] = []
        self.values: list[torch.Tensor] = []
        self.names: list[str] = []
        self.written: set[int] = set()  # storages whose data were written
        self.input_storages: list[int] = []
        self.input_layouts: list[Any] = []
        self._keep: list[Any] = []
        for _ in range(rng.randint(1, 2)):
            self.add_base()

    def add_base(self) -> None:
        shape = [self.rng.choice([0, 1, 2, 3, 4, 4, 6]) for _ in range(self.rng.randint(0, 4))]
        dtype = self.rng.choice([torch.float32, torch.float32, torch.int64, torch.float16])
        t = torch.empty(shape, dtype=dtype)
        if self.rng.random() < 0.5 and not self.lines:
            name = f"t{len(self.inputs)}"
            self.inputs.append(f"%{name}: {DTYPES[dtype]}{shape}")
            self.input_storages.append(t.untyped_storage()._cdata)
            self.input_layouts.append(self.layout(t))
            self.values.append(t)
            self.names.append(name)
            # Another tensor that owns the storage: its address is not given out again.
            self._keep.append(t.untyped_storage())
            return
        self.append("aten.empty_strided.default", [shape, list(t.stride()), f"dtype={DTYPES[dtype]}"], t)

    def append(self, op: str, args: list[Any], result: torch.Tensor) -> None:
        name = f"v{len(self.lines)}"
        self.lines.append(f"%{name} = {op}({', '.join(map(str, args))})")
        self.values.append(result)
        self.names.append(name)
        self._keep.append(result.untyped_storage())

    @staticmethod
    def layout(t: torch.Tensor) -> Any:
        return tuple(t.shape), t.stride(), t.storage_offset(), t.untyped_storage()._cdata, t.dtype

    def graph(self, extra: str = "") -> str:
        body = " ".join([*self.lines, extra])
        return f"graph g({', '.join(self.inputs)}) {{ {body} return () }}"

    def state(self) -> list[str]:
        names: dict[int, str] = {}
        for i in range(len(self.inputs)):
            names.setdefault(self.values[i].untyped_storage()._cdata, f"t{i}")
        new = 0
        out = []
        for t in self.values:
            key = t.untyped_storage()._cdata
            if key not in names:
                names[key] = f"new{new}"
                new += 1
            text = (
                f"{DTYPES[t.dtype]}{list(t.shape)} strides={list(t.stride())} offset={t.storage_offset()} "
                f"{t.device} storage={names[key]}"
            )
            if key not in self.input_storages:
                text += f" bytes={t.untyped_storage().nbytes()}"
            out.append(text)
        for i in range(len(self.inputs)):
            text = f"input t{i}:"
            text += " data" if self.input_storages[i] in self.written else ""
            text += " metadata" if self.layout(self.values[i]) != self.input_layouts[i] else ""
            out.append(text)
        return out


def random_step(p: Program) -> Step:
    """An operator's name and its arguments; values by number are tensors."""
    rng = p.rng
    i = rng.randrange(len(p.values))
    t = p.values[i]
    rank = t.dim()
    dim = rng.randint(-rank - 1, rank) if rng.random() < 0.05 else rng.randint(-rank, rank - 1) if rank else 0
    sizes = [rng.choice([0, 1, 2, 3, 5, 8]) for _ in range(rng.randint(0, 3))]
    strides = [rng.choice([0, 1, 1, 2, 4]) for _ in sizes]
    other = rng.randrange(len(p.values))
    permuted = rng.sample(range(rank), rank)
    expanded = [rng.choice([2, 3]) if s == 1 else s for s in t.shape]
    if rng.random() < 0.3:
        expanded = [2, *expanded]
    V = Ref
    choices: list[Step] = [
        ("aten.slice.Tensor", [V(i), dim, rng.randint(-4, 4), rng.randint(-4, 9), rng.randint(1, 3)]),
        ("aten.select.int", [V(i), dim, rng.randint(-2, 3)]),
        ("aten.transpose.int", [V(i), dim, rng.randint(-rank, rank - 1) if rank else 0]),
        ("aten.unsqueeze.default", [V(i), rng.randint(-rank - 1, rank)]),
        ("aten.squeeze.default", [V(i)]),
        ("aten.squeeze.dim", [V(i), dim]),
        ("aten.permute.default", [V(i), permuted]),
        ("aten.expand.default", [V(i), expanded]),
        ("aten.t.default", [V(i)]),
        ("aten.alias.default", [V(i)]),
        ("aten.detach.default", [V(i)]),
        ("aten.diagonal.default", [V(i), rng.randint(-2, 2)]),
        ("aten.unfold.default", [V(i), dim, rng.randint(1, 3), rng.randint(1, 2)]),
        ("aten.clone.default", [V(i)]),
        ("aten.as_strided_.default", [V(i), sizes, strides, rng.randint(0, 3)]),
        ("aten.as_strided_.default", [V(i), list(reversed(t.shape)), list(reversed(t.stride()))]),
        ("aten.t_.default", [V(i)]),
        ("aten.transpose_.default", [V(i), dim, rng.randint(-rank, rank - 1) if rank else 0]),
        ("aten.squeeze_.default", [V(i)]),
        ("aten.squeeze_.dim", [V(i), dim]),
        ("aten.unsqueeze_.default", [V(i), rng.randint(-rank - 1, rank)]),
        ("aten.resize_.default", [V(i), sizes]),
        ("aten.resize_.default", [V(i), list(t.shape)]),
        ("aten.resize_as_.default", [V(i), V(other)]),
        ("aten.set_.default", [V(i)]),
        ("aten.set_.source_Tensor", [V(i), V(other)]),
        ("aten.set_.source_Tensor_storage_offset", [V(i), V(other), rng.randint(0, 3), sizes, strides]),
        ("aten.set_.source_Tensor_storage_offset", [V(i), V(other), rng.randint(0, 3), sizes]),
        ("aten.zero_.default", [V(i)]),
        ("aten.fill_.Scalar", [V(i), 1]),
        ("aten.mul_.Scalar", [V(i), 2]),
        ("aten.add_.Tensor", [V(i), V(other)]),
        ("aten.copy_.default", [V(i), V(other)]),
        ("aten.relu_.default", [V(i)]),
    ]
    # PyTorch's fake mode gives a view of an empty tensor a storage of its own.
    if t.numel() > 0:
        choices.append(("aten.view.default", [V(i), [t.numel()]]))
        choices.append(("aten.view.default", [V(i), rng.choice([[-1], [2, -1], [1, *t.shape], [-1, 4]])]))
    choices.append(("aten.as_strided.default", [V(i), sizes, strides, rng.randint(0, 3)]))
    choices.append(("aten.as_strided.default", [V(i), sizes[:1], strides[:1]]))
    return rng.choice(choices)


class Ref:
    def __init__(self, index: int) -> None:
        self.index = index


WRITES_METADATA = ("as_strided_", "t_", "transpose_", "squeeze_", "unsqueeze_", "resize_", "resize_as_", "set_")


# Fake mode lets these pass where real tensors do not: a view that strides do not
# allow, a view beyond its storage, a dimension that is not there, a write of one
# element twice.
CHECKED_EAGERLY = (
    "aten.add_.Tensor", "aten.as_strided.default", "aten.copy_.default", "aten.fill_.Scalar", "aten.mul_.Scalar",
    "aten.relu_.default", "aten.select.int", "aten.view.default", "aten.zero_.default",
)  # fmt: skip


def eager_twin(t: torch.Tensor) -> torch.Tensor:
    storage = torch.UntypedStorage(t.untyped_storage().nbytes())
    return torch.empty(0, dtype=t.dtype).set_(storage, t.storage_offset(), t.shape, t.stride())


def take_step(p: Program, step: Step) -> tuple[str | None, str, torch.Tensor | None]:
    """(class of the error or None, the step's text, the result)."""
    op, args = step
    text = ", ".join(f"%{p.names[a.index]}" if isinstance(a, Ref) else str(a) for a in args)
    real = [p.values[a.index] if isinstance(a, Ref) else a for a in args]
    storage = real[0].untyped_storage()._cdata
    try:
        if op in CHECKED_EAGERLY:
            overload(op)(*[eager_twin(a) if isinstance(a, torch.Tensor) else a for a in real])
        with p.mode:
            result = overload(op)(*real)
    except Exception as error:
        return type(error).__name__, f"{op}({text})", None
    packet = op.split(".")[1]
    if packet.endswith("_") and packet not in WRITES_METADATA:
        p.written.add(storage)
    return None, f"{op}({text})", result


def beyond_an_input(p: Program, step: Step) -> bool:
    """The graph does not say how large an input's storage is: what is out of its bounds only PyTorch knows."""
    first = step[1][0]
    return step[0] in ("aten.as_strided_.default", "aten.as_strided.default") and (
        p.values[first.index].untyped_storage()._cdata in p.input_storages
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--programs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    rng = random.Random(options.seed)
    graphs: list[str] = []
    wanted: list[list[str] | str] = []
    for _ in range(options.programs):
        mode = FakeTensorMode()
        with mode:
            p = Program(rng, mode)
        for _ in range(rng.randint(5, 15)):
            step = random_step(p)
            error, text, result = take_step(p, step)
            if error is not None:
                if not beyond_an_input(p, step):
                    graphs.append(p.graph(f"%bad = {text}"))
                    wanted.append(error)
                continue
            p.append(text.split("(")[0], [text[text.index("(") + 1 : -1]], result)
            graphs.append(p.graph())
            wanted.append(p.state())
    wrong = 0
    bases = ""
    for graph, want, got in zip(graphs, wanted, answers(options.program, graphs, "--values"), strict=True):
        # One report a program: later steps stand on the wrong one.
        if bases and graph.startswith(bases):
            continue
        if same_class(got, {want}) if isinstance(want, str) else got == want:
            continue
        wrong += 1
        bases = graph.split(" %bad")[0].split("  return")[0]
        if wrong <= options.show:
            lines = [want] if isinstance(want, str) else want
            print(graph)
            for a, b in zip(lines, got, strict=False):
                if a != b:
                    print(f"  want {a}\n  got  {b}")
    refused = sum(isinstance(want, str) for want in wanted)
    print(
        f"{options.programs} programs, {len(graphs) - refused} steps and {refused} refused steps compared: "
        f"{wrong} wrong"
    )
    return 1 if wrong or not graphs else 0


if __name__ == "__main__":
    sys.exit(main())
