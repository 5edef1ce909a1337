"""The machine-readable reason of a failed call: google.rpc.ErrorInfo in its trailer.

Read by hand, since two copies of google/rpc/*.proto in one process quarrel and
others bring theirs.
"""

from __future__ import annotations

from collections.abc import Iterator

_ERROR_INFO = b"type.googleapis.com/google.rpc.ErrorInfo"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a varint is too long")


def _bytes_fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a message, with their numbers."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, at = _varint(data, at)
        elif kind == _BYTES:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise ValueError("a field ends beyond the message")
            yield number, data[at : at + size]
            at += size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"unknown wire type {kind}")


def reason_of(status_details: bytes) -> str | None:
    """The reason in a serialized google.rpc.Status, or None."""
    try:
        for number, detail in _bytes_fields(status_details):
            if number != 3:
                continue
            parts = dict(_bytes_fields(detail))
            if parts.get(1) != _ERROR_INFO:
                continue
            info = dict(_bytes_fields(parts.get(2, b"")))
            return info.get(1, b"").decode("ascii") or None
    except (IndexError, UnicodeDecodeError, ValueError):
        return None
    return None
