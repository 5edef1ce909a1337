"""What KILN_PROFILE asks for: times of every kernel and extern operator.

"1" is totals, and events of torch.profiler; any other value is also the path of a Chrome trace, which is written
when the process ends. Empty or "0" is nothing, and costs nothing.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import pathlib
import sys
import warnings
from typing import Any

from kiln import _native


@functools.cache
def enable_as_asked() -> None:
    """Reads the environment, once."""
    asked = os.environ.get("KILN_PROFILE", "")
    if asked in ("", "0"):
        return
    _native.profiler_enable(asked != "1")
    if asked != "1":
        path = pathlib.Path(asked)
        if not path.parent.is_dir() or path.is_dir():
            # Now, while somebody can still stop the program.
            warnings.warn(f"KILN_PROFILE: no file can be written at {path}", stacklevel=2)
        atexit.register(_write_at_the_end, path)


def _write_at_the_end(path: pathlib.Path) -> None:
    try:
        write_chrome_trace(path)
    except OSError as error:
        print(f"kiln: KILN_PROFILE: the trace is not written: {error}", file=sys.stderr)


def rows() -> list[dict[str, Any]]:
    """Steps that ran, the longest first."""
    ran = [row for row in _native.profiler_rows() if row["calls"] > 0]
    return sorted(ran, key=lambda row: row["seconds"], reverse=True)


def clear() -> None:
    """Forgets what was measured, but for what the steps are."""
    _native.profiler_clear()


def write_chrome_trace(path: pathlib.Path) -> None:
    """The Trace Event Format's complete events, times in microseconds: chrome://tracing and Perfetto read it."""
    steps = _native.profiler_rows()
    events = [
        {
            "name": steps[row]["name"],
            "cat": steps[row]["kind"],
            "ph": "X",
            "pid": os.getpid(),
            "tid": thread,
            "ts": start / 1e3,
            "dur": duration / 1e3,
            "args": {"graph": steps[row]["graph"][:12], "nodes": steps[row]["nodes"]},
        }
        for row, thread, start, duration in _native.profiler_events()
    ]
    dropped = _native.profiler_dropped_events()
    path.write_text(json.dumps({"traceEvents": events, "otherData": {"dropped_events": dropped}}))
