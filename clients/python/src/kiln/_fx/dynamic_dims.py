"""Symbols for the sizes of example inputs, by the policies of `kiln.propagate`."""

from __future__ import annotations

import collections
import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.export import Dim
from torch.export.dynamic_shapes import _DerivedDim, _DimHint, _DimHintType

from kiln._fx.expressions import integer_bound
from kiln._wire.errors import KilnError
from kiln.v1 import graph_pb2 as pb


@dataclasses.dataclass(frozen=True)
class _Policy:
    policy: pb.DimPolicy
    # Empty: a new symbol.
    name: str = ""
    lower: int | None = None
    upper: int | None = None


_STATIC = _Policy(pb.DIM_POLICY_STATIC)
_AUTOMATIC = _Policy(pb.DIM_POLICY_AUTOMATIC)
_HINT_POLICIES = {
    _DimHintType.STATIC: pb.DIM_POLICY_STATIC,
    _DimHintType.AUTO: pb.DIM_POLICY_AUTOMATIC,
    _DimHintType.DYNAMIC: pb.DIM_POLICY_DYNAMIC,
}


def _refuse(message: str) -> KilnError:
    return KilnError("BAD_INPUT_METADATA", message)


def _read_policy(given: Any, size: int, where: str) -> _Policy:
    if given is None:
        return _STATIC
    if isinstance(given, int) and not isinstance(given, bool):
        if given != size:
            raise _refuse(f"{where} is {size}, but dynamic_shapes says {given}")
        return _STATIC
    if isinstance(given, _DimHint):
        return _Policy(_HINT_POLICIES[given.type], lower=given.min, upper=given.max)
    if isinstance(given, _DerivedDim):
        raise _refuse(
            f"{where}: {given.__name__} is derived of another dimension, which is not supported; use Dim.AUTO"
        )
    if isinstance(given, Dim):
        return _Policy(pb.DIM_POLICY_DYNAMIC, given.__name__, integer_bound(given.min), integer_bound(given.max))
    if isinstance(given, str) and given.isidentifier() and not given.startswith(("u", "zf", "zuf")):
        return _Policy(pb.DIM_POLICY_DYNAMIC, given)
    raise _refuse(
        f"{where}: {given!r} is no policy; a name is an identifier, and beginnings 'u' and 'zf' are PyTorch's for "
        "sizes that only data tells and for floats"
    )


class DynamicDims:
    """Makes and declares the symbols of one graph's inputs."""

    def __init__(self, dynamic_shapes: Sequence[Any] | None, *, dynamic: bool, num_inputs: int) -> None:
        if dynamic_shapes is not None and dynamic:
            raise _refuse("dynamic=True and dynamic_shapes are both given")
        if dynamic_shapes is not None and (not isinstance(dynamic_shapes, Sequence) or isinstance(dynamic_shapes, str)):
            raise _refuse("dynamic_shapes is no sequence with an entry per example input")
        if dynamic_shapes is not None and len(dynamic_shapes) != num_inputs:
            raise _refuse(f"dynamic_shapes has {len(dynamic_shapes)} entries for {num_inputs} inputs")
        self._shapes = dynamic_shapes
        self._dynamic = dynamic
        self._declared: dict[str, pb.SymbolDeclaration] = {}
        # The symbol of every automatic size: equal ones are one symbol.
        self._by_size: dict[int, str] = {}
        self._taken: set[str] = set()
        # The next number of each kind of symbol.
        self._next = collections.Counter[str]()

    def reserve(self, names: Sequence[str]) -> None:
        """Names that new symbols may not have: those of a ShapeEnv, and those that the user gave."""
        self._taken.update(names)

    def declarations(self) -> Sequence[pb.SymbolDeclaration]:
        return list(self._declared.values())

    def fill_tensor(self, entry: pb.Input, tensor: torch.Tensor, index: int, name: str) -> None:
        """Puts symbols for the sizes of input `index`, whose numbers `entry` has."""
        meta = entry.tensor
        if self._shapes is None and not self._dynamic:
            return
        if any(e.HasField("expr") for e in (*meta.sizes, *meta.strides)):
            if self._shapes is not None and self._shapes[index] is not None:
                raise _refuse(f"input {name} has symbolic sizes already; dynamic_shapes must be None for it")
            return
        given = self._given(index, tensor.dim(), name)
        sizes = [size.value for size in meta.sizes]
        strides = [stride.value for stride in meta.strides]
        symbols: list[int | str] = []
        for d, size in enumerate(sizes):
            where = f"dimension {d} of input {name}"
            symbols.append(self._symbol(self._policy(given.get(d), size, where), size, where))
        factors = _stride_factors(sizes, strides, symbols)
        for d, symbol in enumerate(symbols):
            _set_product(meta.sizes[d], [symbol])
            _set_product(meta.strides[d], factors[d])
        if entry.HasField("storage_bytes") and 0 not in sizes:
            _stretch_storage(entry, sizes, strides, tensor.element_size())

    def fill_integer(self, out: pb.SymExpr, value: int, index: int, name: str) -> None:
        given = None if self._shapes is None else self._shapes[index]
        where = f"input {name}"
        _set_product(out, [self._symbol(self._policy(given, value, where), value, where)])

    def fill_float(self, out: pb.SymExpr, value: float, index: int, name: str) -> None:
        """A number, or a symbol where the policy is automatic or dynamic. No two floats share one."""
        given = None if self._shapes is None else self._shapes[index]
        policy = _AUTOMATIC if self._dynamic else _STATIC if given is None else None
        if isinstance(given, _DimHint) and given.min is None and given.max is None:
            policy = _Policy(_HINT_POLICIES[given.type])
        if policy is None:
            raise _refuse(f"input {name}: {given!r} is no policy of a float; Dim.AUTO, Dim.DYNAMIC and Dim.STATIC are")
        # As PyTorch has it: what is not finite is no variable.
        if policy.policy == pb.DIM_POLICY_STATIC or not math.isfinite(value):
            out.expr = repr(value)
            return
        symbol = self._new_name("zf")
        self._declared[symbol] = pb.SymbolDeclaration(name=symbol, float_hint=value, policy=policy.policy)
        out.expr = symbol

    def _policy(self, given: Any, size: int, where: str) -> _Policy:
        return _AUTOMATIC if self._dynamic else _read_policy(given, size, where)

    def _given(self, index: int, rank: int, name: str) -> Mapping[int, Any]:
        given = None if self._shapes is None else self._shapes[index]
        if given is None:
            return {}
        if isinstance(given, Mapping):
            wrong = [d for d in given if not isinstance(d, int) or not 0 <= d < rank]
            if wrong:
                raise _refuse(f"input {name} has rank {rank} and no dimension {wrong[0]!r}")
            return given
        if isinstance(given, (list, tuple)):
            if len(given) != rank:
                raise _refuse(f"input {name} has rank {rank}, but dynamic_shapes has {len(given)} policies for it")
            return dict(enumerate(given))
        raise _refuse(f"input {name}: {given!r} is neither None, a dict of dimensions nor a sequence of policies")

    def _symbol(self, policy: _Policy, size: int, where: str) -> int | str:
        if policy.policy == pb.DIM_POLICY_STATIC:
            return size
        automatic = policy.policy == pb.DIM_POLICY_AUTOMATIC
        if automatic and size in (0, 1):
            return size
        duck = automatic and policy == _AUTOMATIC
        if duck and size in self._by_size:
            return self._by_size[size]
        name = policy.name or self._new_name()
        declared = self._declared.get(name)
        if declared is not None:
            if declared.hint != size:
                raise _refuse(f"{where} is {size}, but another dimension named {name} is {declared.hint}")
            return name
        self._declared[name] = declaration = pb.SymbolDeclaration(name=name, hint=size, policy=policy.policy)
        # Sizes 0 and 1 are specialised, so whatever is neither will not become one.
        declaration.lower = policy.lower if policy.lower is not None else (2 if size >= 2 else min(size, 0))
        upper = size if policy.upper is None else policy.upper
        if not declaration.lower <= size <= upper:
            raise _refuse(
                f"{where} is {size}, outside of [{declaration.lower}, {'oo' if policy.upper is None else upper}]"
            )
        if policy.upper is not None:
            declaration.upper = upper
        if duck:
            self._by_size[size] = name
        return name

    def _new_name(self, prefix: str = "s") -> str:
        while f"{prefix}{self._next[prefix]}" in self._taken:
            self._next[prefix] += 1
        self._next[prefix] += 1
        return f"{prefix}{self._next[prefix] - 1}"


def names_in(dynamic_shapes: Sequence[Any] | None) -> set[str]:
    """The names that the user gave to dimensions."""
    found: set[str] = set()
    for entry in dynamic_shapes or ():
        policies = list(entry.values()) if isinstance(entry, Mapping) else entry
        if not isinstance(policies, (list, tuple)):
            policies = [policies]
        found.update(p if isinstance(p, str) else p.__name__ for p in policies if isinstance(p, (str, Dim)))
    return found


def _stride_factors(
    sizes: Sequence[int], strides: Sequence[int], symbols: Sequence[int | str]
) -> list[list[int | str]]:
    """Each stride as a product of sizes where it is dense over other dimensions, else the number that it is."""
    contiguous = _contiguous_factors(sizes, strides, symbols)
    if contiguous is not None:
        return contiguous

    @functools.cache
    def factors(d: int, depth: int) -> tuple[int | str, ...]:
        inner = _inner_dimension(sizes, strides, d) if strides[d] not in (0, 1) and depth <= len(sizes) else None
        if inner is None:
            return (strides[d],)
        return (symbols[inner], *factors(inner, depth + 1))

    return [list(factors(d, 0)) for d in range(len(sizes))]


def _contiguous_factors(
    sizes: Sequence[int], strides: Sequence[int], symbols: Sequence[int | str]
) -> list[list[int | str]] | None:
    """None for what is not contiguous. A dimension of size 0 does not count, as in PyTorch."""
    expected = 1
    factors: list[int | str] = []
    result: collections.deque[list[int | str]] = collections.deque()
    for size, stride, symbol in zip(reversed(sizes), reversed(strides), reversed(symbols), strict=True):
        if stride != expected:
            return None
        result.appendleft(list(factors))
        if size != 0:
            expected *= size
            factors.append(symbol)
    return list(result)


def _inner_dimension(sizes: Sequence[int], strides: Sequence[int], d: int) -> int | None:
    """The dimension whose size times its stride is the stride of `d`, the last one if several are."""
    for inner in reversed(range(len(sizes))):
        if inner == d or sizes[inner] == 0 or strides[inner] == 0 or (sizes[inner] == 1 and inner < d):
            continue
        if sizes[inner] * strides[inner] == strides[d]:
            return inner
    return None


def _stretch_storage(entry: pb.Input, sizes: Sequence[int], strides: Sequence[int], width: int) -> None:
    """A storage that ends with its tensor goes on to do so, whatever the sizes."""
    meta = entry.tensor
    offset = meta.storage_offset.value if meta.HasField("storage_offset") else 0
    last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
    if entry.storage_bytes.value != (last + 1) * width:
        return
    terms = [f"({_text(size)} - 1)*({_text(stride)})" for size, stride in zip(meta.sizes, meta.strides, strict=True)]
    entry.storage_bytes.expr = f"{width}*({' + '.join([str(offset + 1), *terms])})"


def _text(e: pb.SymExpr) -> str:
    return e.expr if e.HasField("expr") else str(e.value)


def _set_product(out: pb.SymExpr, factors: Sequence[int | str]) -> None:
    number = 1
    names = []
    for factor in factors:
        if isinstance(factor, str):
            names.append(factor)
        else:
            number *= factor
    if not names:
        out.value = number
        return
    out.expr = "*".join(([str(number)] if number != 1 else []) + names)
