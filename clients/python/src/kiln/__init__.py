"""Kiln: `torch.compile(model, backend="kiln")`.

    import kiln

    model = torch.compile(model, backend="kiln")
    kiln.stats()    # counters and seconds of this process
    kiln.graphs()   # every compiled graph: variants, guards, operators left to PyTorch

Importing this package imports neither PyTorch nor gRPC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kiln._wire.errors import KilnError

__all__ = ["KilnError", "backend", "explain", "extern_calls", "graphs", "stats"]


def backend(gm: Any, example_inputs: Any, **kwargs: Any) -> Callable[..., Any]:
    """What torch.compile finds under the name "kiln"."""
    from kiln._host.backend import backend as compile_with_kiln

    return compile_with_kiln(gm, example_inputs, **kwargs)


def stats() -> dict[str, Any]:
    """Counters and seconds of this process."""
    from kiln._host.statistics import STATISTICS

    return STATISTICS.snapshot()


def graphs() -> list[dict[str, Any]]:
    """The compiled graphs that are alive, in the order of their making."""
    from kiln._host.statistics import STATISTICS

    return [graph.describe() for graph in STATISTICS.graphs()]


def extern_calls() -> dict[str, dict[str, int]]:
    """Operators that PyTorch served, and how often by which way: typed, dispatcher or python."""
    from kiln import _native

    return _native.extern_calls()


def explain() -> str:
    """The graphs as text."""
    from kiln._host.explain import explain as as_text

    return as_text(graphs())
