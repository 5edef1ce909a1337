"""Calls in a row, of which each but the first takes a result of an earlier one, as one graph with symbols for sizes.

A `Chain` is asked as a `Call` is (symbolic_call.py): `symbolic` prints the graph for
Kiln, `arguments` makes the inputs for PyTorch. Its result is what all of its steps
return. It is put together of recorded calls; what one takes from another has the
dtype and the rank that it was recorded with, its sizes and strides are new.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

import torch
from symbolic_call import Call, TensorRef, node_text
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True)
class ResultRef:
    """The tensor at `index` among all that `step` returns."""

    step: int
    index: int


@dataclass
class Step:
    op: str
    func: Any
    args: list[Any]
    kwargs: dict[str, Any]
    results: str  # as the text form names them: %r0, [%r1, %r2]

    @property
    def count(self) -> int:
        """How many results it had when it was recorded."""
        return self.results.count("%")


def leaves(result: Any) -> list[Any]:
    return tree_leaves(result, is_leaf=lambda v: v is None)


class Chain(Call):
    def __init__(self) -> None:
        self.tensors = []
        self.hints = {}
        self.mode = "own"
        self.has_results = True
        self.steps: list[Step] = []
        self.func = self._run
        self.ran = 0  # steps that the last run finished

    @property
    def op(self) -> str:  # type: ignore[override]
        return f"a chain of {len(self.steps)}"

    def extended(self, call: Call, fed: int = -1, source: ResultRef | None = None) -> Chain:
        """A new chain with `call` at the end; its input `fed` is `source`, all others are inputs of the chain."""
        out = Chain()
        out.tensors, out.steps = list(self.tensors), list(self.steps)
        refs: list[Any] = []
        for i, t in enumerate(call.tensors):
            if i == fed:
                refs.append(source)
                continue
            refs.append(TensorRef(len(out.tensors)))
            mine = copy.copy(t)
            mine.alias = None if t.alias is None else refs[t.alias].index
            out.tensors.append(mine)

        def moved(value: Any) -> Any:
            if isinstance(value, list):
                return [moved(v) for v in value]
            return refs[value.index] if isinstance(value, TensorRef) else value

        kwargs = {name: moved(value) for name, value in call.kwargs.items()}
        out.steps.append(Step(call.op, call.func, [moved(a) for a in call.args], kwargs, call.results))
        return out

    def _nodes(self, scalars: dict[str, str]) -> str:
        def inner(value: Any) -> str | None:
            if isinstance(value, TensorRef):
                return f"%t{value.index}"
            return f"%r{value.step}.{value.index}" if isinstance(value, ResultRef) else None

        nodes = []
        for i, step in enumerate(self.steps):
            results = re.sub(r"%r(\d+)", rf"%r{i}.\1", step.results)
            nodes.append(node_text(results, step.op, step.args, step.kwargs, inner))
        return " ".join(nodes)

    def arguments(
        self, values: dict[str, Any], shared_elements: int = 1 << 40
    ) -> tuple[list[torch.Tensor], list[Any], dict[str, Any]]:
        tensors = self._inputs(values, shared_elements)
        return tensors, [tensors], {}

    def _run(self, tensors: list[torch.Tensor]) -> list[list[Any]]:
        self.ran = 0
        results: list[list[Any]] = []

        def build(value: Any) -> Any:
            if isinstance(value, list):
                return [build(v) for v in value]
            if isinstance(value, TensorRef):
                return tensors[value.index]
            return results[value.step][value.index] if isinstance(value, ResultRef) else value

        for step in self.steps:
            kwargs = {name: build(value) for name, value in step.kwargs.items()}
            results.append(leaves(step.func(*[build(a) for a in step.args], **kwargs)))
            self.ran += 1
        return results
