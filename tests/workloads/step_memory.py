"""How much memory a step takes, by the process's own account."""

from __future__ import annotations

import ctypes
import pathlib
import re
from collections.abc import Callable
from typing import Any

import torch


def _status_bytes(field: str) -> int:
    text = pathlib.Path("/proc/self/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)
    assert found is not None, field
    return int(found.group(1)) * 1024


def peak_bytes(step: Callable[[], Any]) -> int:
    """By how much resident memory rises above what is resident before, during one call.

    What malloc had kept is given back first; otherwise a step would take it again unseen.
    """
    ctypes.CDLL(None).malloc_trim(0)
    before = _status_bytes("VmRSS")
    # 5 sets the peak to what is resident now: proc(5), clear_refs.
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    step()
    return max(0, _status_bytes("VmHWM") - before)


def saved_bytes(step: Callable[[], Any], module: torch.nn.Module) -> int:
    """Bytes of the storages that one step saves for its backward, without the module's own."""
    own = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers())}
    saved: dict[int, int] = {}

    def pack(t: torch.Tensor) -> torch.Tensor:
        storage = t.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        step()
    return sum(saved.values())
