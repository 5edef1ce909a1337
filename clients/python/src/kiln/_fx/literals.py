"""Literal arguments of a node in the wire form, by their Python type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from kiln._wire.dtypes import DTYPE_IDS, LAYOUT_IDS, MEMORY_FORMAT_IDS
from kiln._wire.errors import UnconvertibleNode
from kiln.v1 import graph_pb2 as pb


def _set_none(out: pb.Argument, value: None) -> None:
    out.none = True


def _set_int(out: pb.Argument, value: int) -> None:
    if not -(2**63) <= value < 2**63:
        raise UnconvertibleNode(f"the integer {value} does not fit 64 bits")
    out.int = value


def _set_float(out: pb.Argument, value: float) -> None:
    out.float = value


def _set_bool(out: pb.Argument, value: bool) -> None:
    out.bool = value


def _set_string(out: pb.Argument, value: str) -> None:
    out.string = value


def _set_complex(out: pb.Argument, value: complex) -> None:
    out.complex.real = value.real
    out.complex.imag = value.imag


def _set_dtype(out: pb.Argument, value: torch.dtype) -> None:
    wire_id = DTYPE_IDS.get(str(value))
    if wire_id is None:
        raise UnconvertibleNode(f"dtype {value} is not in the export schema")
    out.dtype = wire_id


def set_device(device: pb.Device, value: torch.device) -> None:
    device.type = value.type
    if value.index is not None:
        device.index = value.index


def _set_device_argument(out: pb.Argument, value: torch.device) -> None:
    set_device(out.device, value)


def _set_layout(out: pb.Argument, value: torch.layout) -> None:
    wire_id = LAYOUT_IDS.get(str(value))
    if wire_id is None:
        raise UnconvertibleNode(f"layout {value} is not supported")
    out.layout = pb.Layout.ValueType(wire_id)


def _set_memory_format(out: pb.Argument, value: torch.memory_format) -> None:
    out.memory_format = pb.MemoryFormat.ValueType(MEMORY_FORMAT_IDS[str(value)])


LITERALS: dict[type, Callable[[pb.Argument, Any], None]] = {
    type(None): _set_none,
    bool: _set_bool,
    complex: _set_complex,
    float: _set_float,
    int: _set_int,
    str: _set_string,
    torch.device: _set_device_argument,
    torch.dtype: _set_dtype,
    torch.layout: _set_layout,
    torch.memory_format: _set_memory_format,
}
