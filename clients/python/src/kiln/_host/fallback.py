"""When a graph runs eagerly instead: said once for each reason, never silently."""

from __future__ import annotations

import threading
import warnings

from kiln._host.statistics import STATISTICS
from kiln._wire.errors import KilnError


class KilnWarning(UserWarning):
    """A graph runs eagerly. The message says why."""


_lock = threading.Lock()
_warned: set[str] = set()


def report(error: KilnError) -> None:
    """Counts the reason and warns of it, once a process."""
    STATISTICS.count_eager(error.reason)
    with _lock:
        if error.reason in _warned:
            return
        _warned.add(error.reason)
    warnings.warn(f"kiln: a graph runs eagerly: {error} (said once; kiln.stats() counts)", KilnWarning, stacklevel=3)


def forget() -> None:
    """Lets every reason be said again; for tests."""
    with _lock:
        _warned.clear()
