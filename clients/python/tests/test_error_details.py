from __future__ import annotations

import random

from kiln._wire.error_details import reason_of

_TYPE = b"type.googleapis.com/google.rpc.ErrorInfo"


def _field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data


def _status(type_url: bytes, reason: bytes) -> bytes:
    info = _field(1, reason) + _field(2, b"kiln.dev")
    return b"\x08\x03" + _field(2, b"words") + _field(3, _field(1, type_url) + _field(2, info))


def test_finds_the_reason() -> None:
    assert reason_of(_status(_TYPE, b"UNKNOWN_OP")) == "UNKNOWN_OP"


def test_other_details_have_none() -> None:
    assert reason_of(_status(b"type.googleapis.com/google.rpc.RetryInfo", b"X")) is None
    assert reason_of(b"") is None


def test_random_bytes_never_raise() -> None:
    source = random.Random(7)
    good = _status(_TYPE, b"UNKNOWN_OP")
    for _ in range(2000):
        bad = bytearray(good)
        for _ in range(source.randrange(1, 4)):
            bad[source.randrange(len(bad))] = source.randrange(256)
        reason_of(bytes(bad[: source.randrange(len(bad) + 1)]))
