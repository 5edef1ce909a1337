"""Renders one operator call in the graph text form, and results in the replay program's form.

docs/text_form.md has the grammar. What a graph cannot hold (complex scalars,
generators, sparse tensors) raises Unrepresentable.
"""

from __future__ import annotations

import math
from typing import Any

import sympy
import torch

DTYPES = {
    torch.uint8: "u8", torch.int8: "i8", torch.int16: "i16", torch.int32: "i32", torch.int64: "i64",
    torch.uint16: "u16", torch.uint32: "u32", torch.uint64: "u64",
    torch.float16: "f16", torch.bfloat16: "bf16", torch.float32: "f32", torch.float64: "f64",
    torch.complex32: "c32", torch.complex64: "c64", torch.complex128: "c128", torch.bool: "bool",
    torch.float8_e4m3fn: "f8e4m3fn", torch.float8_e5m2: "f8e5m2",
    torch.float8_e4m3fnuz: "f8e4m3fnuz", torch.float8_e5m2fnuz: "f8e5m2fnuz",
}  # fmt: skip
MEMORY_FORMATS = {
    torch.contiguous_format: "contiguous",
    torch.channels_last: "channels_last",
    torch.channels_last_3d: "channels_last_3d",
    torch.preserve_format: "preserve",
}


class Unrepresentable(Exception):
    pass


class CallText:
    """One call as a graph of one node; tensors among the arguments become inputs.

    With `says_storages`, inputs say how large their storages are.
    """

    def __init__(self, says_storages: bool = False) -> None:
        self._says_storages = says_storages
        self.inputs: list[str] = []
        self._names: dict[int, str] = {}
        self._storages: dict[int, str] = {}

    def tensor(self, t: torch.Tensor) -> str:
        name = self._names.get(id(t))
        if name is not None:
            return f"%{name}"
        if t.layout is not torch.strided or t.is_quantized or t.dtype not in DTYPES:
            raise Unrepresentable(f"{t.layout} {t.dtype}")
        name = f"t{len(self.inputs)}"
        self._names[id(t)] = name
        text = f"%{name}: {DTYPES[t.dtype]}{_ints(t.shape)} strides={_ints(t.stride())}"
        if t.storage_offset():
            text += f" offset={t.storage_offset()}"
        if self._says_storages:
            text += f" storage_bytes={t.untyped_storage().nbytes()}"
        if t.device.type != "cpu":
            text += f" device={t.device}"
        other = self._storages.setdefault(t.untyped_storage()._cdata, name)
        if other != name:
            text += f" alias=%{other}"
        if t.is_conj():
            text += " conj"
        if t.is_neg():
            text += " neg"
        self.inputs.append(text)
        return f"%{name}"

    def storage_name(self, t: torch.Tensor) -> str | None:
        return self._storages.get(t.untyped_storage()._cdata)

    def argument(self, value: Any) -> str:
        if value is None:
            return "none"
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        if isinstance(value, float):
            return _float(value)
        if isinstance(value, str):
            return f'"{value}"'
        if isinstance(value, torch.dtype):
            return DTYPES[value]
        if isinstance(value, torch.device):
            return str(value)
        if isinstance(value, torch.memory_format):
            return MEMORY_FORMATS[value]
        if value is torch.strided:
            return "strided"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(self.argument(v) for v in value) + "]"
        raise Unrepresentable(type(value).__name__)

    def graph(self, op: str, args: Any, kwargs: Any, results: str) -> str:
        parts = [self.argument(a) for a in args]
        parts += [f"{k}={self.argument(v)}" for k, v in kwargs.items()]
        body = f"{results} = " if results else ""
        return f"graph g({', '.join(self.inputs)}) {{ {body}{op}({', '.join(parts)}) return () }}"


def _ints(values: Any) -> str:
    return "[" + ", ".join(str(v) for v in values) + "]"


def _float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)


class ResultText:
    """Prints results as tests/conformance/replay_graphs does; unbacked symbols by first appearance."""

    def __init__(self, call: CallText) -> None:
        self._call = call
        self._new: dict[int, int] = {}
        self._unbacked: dict[str, str] = {}

    def _size(self, value: Any) -> str:
        if isinstance(value, int):
            return str(value)
        expr = value.node.expr
        text = f"{expr.lhs} == {expr.rhs}" if isinstance(expr, sympy.Eq) else str(expr)
        for symbol in sorted((str(s) for s in expr.free_symbols), key=lambda s: int(s.lstrip("uzf"))):
            self._unbacked.setdefault(symbol, f"u{len(self._unbacked)}")
        for symbol, name in self._unbacked.items():
            text = text.replace(symbol, f"<{name}>")
        return text.replace("<", "").replace(">", "")

    def value(self, value: Any) -> str:
        if value is None:
            return "none"
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, (bool, torch.SymBool)):
            return f"bool {value}".lower() if isinstance(value, bool) else f"bool {self._size(value)}"
        if isinstance(value, (int, torch.SymInt)):
            return f"int {self._size(value)}"
        if isinstance(value, (float, torch.SymFloat)):
            return f"float {_float(value) if isinstance(value, float) else self._size(value)}"
        raise Unrepresentable(type(value).__name__)

    def _tensor(self, t: torch.Tensor) -> str:
        if t.layout is not torch.strided or t.dtype not in DTYPES:
            raise Unrepresentable(f"{t.layout} {t.dtype}")
        storage = self._call.storage_name(t)
        if storage is None:
            key = t.untyped_storage()._cdata
            storage = f"new{self._new.setdefault(key, len(self._new))}"
        sizes = ", ".join(self._size(s) for s in t.shape)
        strides = ", ".join(self._size(s) for s in t.stride())
        bits = (" conj" if t.is_conj() else "") + (" neg" if t.is_neg() else "")
        return (
            f"{DTYPES[t.dtype]}[{sizes}] strides=[{strides}] offset={self._size(t.storage_offset())} "
            f"{t.device} storage={storage}{bits}"
        )
