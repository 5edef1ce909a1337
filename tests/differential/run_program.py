"""Runs a program by PyTorch's operators: as it is, in float64, or with errors of rounding put on purpose.

The same functions run it eagerly and under AOTAutograd's tracing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from program import Node, Program, Ref, substituted
from torch.utils import _pytree as pytree

from kiln._fx.symbolic_targets import SYMBOLIC_TARGETS

_SYMBOLIC = {name: target for target, name in SYMBOLIC_TARGETS.items()} | {"sym.mul": operator.mul}
_LOW_PRECISION = (torch.float16, torch.bfloat16, torch.float32)

# Environment: value name -> tensor or number.
Values = dict[str, Any]


def _target(op: str) -> Callable[..., Any]:
    if op in _SYMBOLIC:
        return _SYMBOLIC[op]
    if op == "aten.sym_size.int":
        # What is traced of it is the same node, and here it is a number.
        return lambda tensor, dim: tensor.shape[dim]
    namespace, name, overload = op.split(".")
    target: Callable[..., Any] = getattr(getattr(getattr(torch.ops, namespace), name), overload)
    return target


class World:
    """One way to run nodes; what they gave is in `values`."""

    def __init__(self) -> None:
        self.values: Values = {}

    def run(self, node: Node) -> list[Any]:
        """The node's results, under their names too."""
        args = [self._argument(argument) for argument in node.args]
        kwargs = {name: self._argument(argument) for name, argument in node.kwargs}
        out = _target(node.op)(*args, **kwargs)
        results = list(out) if isinstance(out, (tuple, list)) else [out]
        results = self._finished(results, [*pytree.tree_leaves(args), *kwargs.values()])
        self.values.update(zip(node.results, results, strict=True))
        return results

    def _argument(self, argument: Any) -> Any:
        def resolve(part: Any) -> Any:
            return self.values[part.name] if isinstance(part, Ref) else self._literal(part)

        filled = substituted(argument, resolve)
        return _as_lists(filled)

    def _literal(self, literal: Any) -> Any:
        return literal

    def _finished(self, results: list[Any], arguments: list[Any]) -> list[Any]:
        return results


def _as_lists(argument: Any) -> Any:
    return [_as_lists(part) for part in argument] if isinstance(argument, tuple) else argument


class ExactWorld(World):
    """All floating numbers in float64."""

    def _literal(self, literal: Any) -> Any:
        return torch.float64 if literal in _LOW_PRECISION else literal


class NoisyWorld(World):
    """Every new floating result is off by up to a rounding error of its dtype: how far that reaches is shaky."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)

    def _finished(self, results: list[Any], arguments: list[Any]) -> list[Any]:
        # A view stays one.
        storages = {t.untyped_storage()._cdata for t in arguments if isinstance(t, torch.Tensor)}
        return [self._shaken(result, storages) for result in results]

    def _shaken(self, result: Any, storages: set[int]) -> Any:
        if not isinstance(result, torch.Tensor) or not result.dtype.is_floating_point:
            return result
        if result.untyped_storage()._cdata in storages or not result.numel():
            return result
        noise = torch.rand(result.shape, generator=self._generator, dtype=torch.float64) * 2 - 1
        factor = 1 + torch.finfo(result.dtype).eps * noise
        return (result.double() * factor).to(result.dtype) if result.dtype is not torch.float64 else result * factor


def in_float64(t: torch.Tensor) -> torch.Tensor:
    """A copy with the same strides, floating numbers in float64."""
    bare = t.detach()
    storage = torch.empty(0, dtype=t.dtype).set_(bare.untyped_storage()).clone()
    storage = storage.double() if t.dtype in _LOW_PRECISION else storage
    own = torch.empty(0, dtype=storage.dtype).set_(
        storage.untyped_storage(), bare.storage_offset(), bare.shape, bare.stride()
    )
    return own.requires_grad_(t.requires_grad)


def as_function(
    program: Program, world: Callable[[], World] = World, seen: list[Any] | None = None
) -> Callable[..., list[Any]]:
    """The program as a function of its inputs; what it computes that is discrete is appended to `seen`."""

    def function(*tensors: torch.Tensor) -> list[Any]:
        one = world()
        one.values.update(zip((i.name for i in program.inputs), tensors, strict=True))
        for node in program.nodes:
            results = one.run(node)
            if seen is not None:
                seen.extend(discrete(results))
        return [one.values[name] for name in program.outputs]

    return function


def discrete(results: Iterable[Any]) -> list[Any]:
    """Copies of what must not hang on rounding: integers, truth values, sizes."""
    return [
        t.clone() if isinstance(t, torch.Tensor) else t
        for t in results
        if not isinstance(t, torch.Tensor) or not (t.dtype.is_floating_point or t.dtype.is_complex)
    ]


def same_discrete(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return len(some) == len(others) and all(_equal(a, b) for a, b in zip(some, others, strict=True))


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return torch.equal(a, b)
    return bool(a == b)
