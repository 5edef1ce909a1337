"""Where the user wrote a node: "model.py:41"."""

from __future__ import annotations

import functools
import os
import re

_FRAME = re.compile(r'File "([^"]+)", line (\d+)')


@functools.lru_cache(maxsize=4096)
def source_line(stack_trace: str) -> str:
    """The innermost frame, without folders: paths are nobody else's business."""
    frames = _FRAME.findall(stack_trace)
    if not frames:
        return ""
    path, line = frames[-1]
    return f"{os.path.basename(path)}:{line}"
