"""Which Python frame Dynamo is about to trace for Kiln, told before it does.

Dynamo calls compile-start callbacks without the frame; it is a local of the function that calls them. A PyTorch in
which it is not found is one that we do not know, and then nothing is told.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import torch._dynamo.convert_frame
from torch._dynamo.callback import CallbackArgs, CallbackTrigger, callback_handler

# Wrappers of a backend before this many are not a chain that ends.
_MOST_WRAPPERS = 16


@dataclasses.dataclass(frozen=True)
class TracedFrame:
    """A frame that torch.compile(backend="kiln") compiles."""

    code: types.CodeType
    # torch.compile's: None is automatic.
    dynamic: bool | None
    options: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        return f"{self.code.co_qualname} at {self.code.co_filename}:{self.code.co_firstlineno}"


def code_digest(code: types.CodeType) -> bytes:
    """32 bytes, equal wherever the same source is run by the same Python: no path, no line, no address."""
    digest = hashlib.sha256()
    for part in (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_code):
        _add(digest, repr(part).encode())
    for constant in code.co_consts:
        _add(digest, code_digest(constant) if isinstance(constant, types.CodeType) else _constant_bytes(constant))
    return digest.digest()


def _add(digest: Any, part: bytes) -> None:
    digest.update(len(part).to_bytes(8, "little") + part)


def _constant_bytes(constant: Any) -> bytes:
    if isinstance(constant, frozenset):
        # Whose order hangs on the process's hash seed.
        return repr(sorted(map(repr, constant))).encode()
    return repr(constant).encode()


def watch_traces(backend: Callable[..., Any], start: Callable[[TracedFrame], None], end: Callable[[], None]) -> None:
    """Calls `start` before a frame is traced for `backend`, and `end` after any trace. Once a process.

    Neither may raise. torch._dynamo.reset() forgets all callbacks; these two come back after it.
    """

    def on_start(args: CallbackArgs) -> None:
        frame = _find_frame(backend) if args.callback_trigger is CallbackTrigger.DYNAMO else None
        if frame is not None:
            start(frame)

    def on_end(args: CallbackArgs) -> None:
        if args.callback_trigger is CallbackTrigger.DYNAMO:
            end()

    forget_all = callback_handler.clear

    def register() -> None:
        callback_handler.register_start_callback(on_start)
        callback_handler.register_end_callback(on_end)

    @functools.wraps(forget_all)
    def clear() -> None:
        forget_all()
        register()

    callback_handler.clear = clear
    register()


def _find_frame(backend: Callable[..., Any]) -> TracedFrame | None:
    here: types.FrameType | None = sys._getframe(1)
    while here is not None:
        if here.f_code is torch._dynamo.convert_frame._compile.__code__:
            variables = here.f_locals
            break
        here = here.f_back
    else:
        return None
    compiler, code = variables.get("compiler_fn"), variables.get("code")
    for _ in range(_MOST_WRAPPERS):
        # torch.compile's object with what the user gave, under Dynamo's own wrappers.
        if getattr(compiler, "compiler_fn", None) is backend and isinstance(code, types.CodeType):
            return TracedFrame(code, getattr(compiler, "dynamic", None), getattr(compiler, "kwargs", {}).get("options"))
        compiler = getattr(compiler, "_torchdynamo_orig_backend", None)
    return None
