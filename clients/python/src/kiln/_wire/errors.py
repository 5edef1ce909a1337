"""Errors of this package. All of them mean: run the graph eagerly."""

from __future__ import annotations


class KilnError(Exception):
    """Something kept a graph from being compiled.

    `reason` is a name of base/error_reasons.def, or one of the client's own:
    UNAVAILABLE, UNCONVERTIBLE_NODE, NO_SERVER, RANDOM_STATE.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class UnconvertibleNode(KilnError):
    """A node of an FX graph has no wire form."""

    def __init__(self, message: str) -> None:
        super().__init__("UNCONVERTIBLE_NODE", message)


class ServerUnavailable(KilnError):
    """No server could be reached, or it gave no answer in time."""

    def __init__(self, message: str) -> None:
        super().__init__("UNAVAILABLE", message)
