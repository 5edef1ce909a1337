"""Why a graph's variants had to be compiled: logged as it happens, and kept for kiln.explain()."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import logging
import threading
from typing import Protocol

from kiln._host.log import LOGGER
from kiln._host.session import Obtained
from kiln._wire.errors import KilnError

# Of one graph; servers remember about as many requests of all.
_MOST_KEPT = 64
# Tiers of those that waited for a compile.
_COMPILED = ("compiled", "joined")


class Explains(Protocol):
    """What is asked for reasons: a Session."""

    def explain(self, request_id: str) -> str: ...


@dataclasses.dataclass
class _Miss:
    obtained: Obtained
    # The server's line, once it was asked for.
    why: str = ""

    def text(self) -> str:
        return self.why or f"miss ({', '.join(self.obtained.reasons)})"


class Misses:
    """Of one graph, the last ones. Thread-safe. Asks the server only for who wants to know."""

    def __init__(self, name: str, session: Explains) -> None:
        self._name = name
        self._session = session
        self._lock = threading.Lock()
        self._kept: collections.deque[_Miss] = collections.deque(maxlen=_MOST_KEPT)

    def note(self, obtained: Obtained) -> None:
        """A variant was obtained."""
        if not obtained.reasons:
            LOGGER.debug("%s: found in %s", self._name, obtained.tier)
            return
        miss = _Miss(obtained)
        with self._lock:
            self._kept.append(miss)
        if LOGGER.isEnabledFor(logging.INFO):
            self._learn(miss)
            LOGGER.info("%s: %s after %s", self._name, obtained.tier, miss.text())

    def learn(self) -> None:
        """Asks for the reasons that nobody has asked for yet."""
        with self._lock:
            kept = list(self._kept)
        for miss in kept:
            self._learn(miss)

    def texts(self) -> list[str]:
        """A line for each, the oldest first."""
        with self._lock:
            return [miss.text() for miss in self._kept]

    def _learn(self, miss: _Miss) -> None:
        # One whose variant was there after all when Compile looked has nothing more to tell.
        if miss.why or miss.obtained.tier not in _COMPILED:
            return
        # A server that is gone or has forgotten: its short answer to the lookup is all there is.
        with contextlib.suppress(KilnError):
            miss.why = self._session.explain(miss.obtained.request_id)
