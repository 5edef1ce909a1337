"""What this process did with Kiln: counters, seconds, and the graphs that are alive."""

from __future__ import annotations

import collections
import contextlib
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from kiln import _native

if TYPE_CHECKING:
    from kiln._host.compiled_graph import CompiledGraph

# Tiers by the names of compile_service.proto, less the prefix.
_COMPILED_TIERS = ("compiled",)


class Statistics:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: collections.Counter[str] = collections.Counter()
        self._tiers: collections.Counter[str] = collections.Counter()
        self._reasons: collections.Counter[str] = collections.Counter()
        self._misses: collections.Counter[str] = collections.Counter()
        self._seconds: collections.defaultdict[str, float] = collections.defaultdict(float)
        self._graphs: weakref.WeakSet[CompiledGraph] = weakref.WeakSet()
        self._inside = threading.local()

    def count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def count_variant(self, tier: str) -> None:
        with self._lock:
            self._tiers[tier] += 1

    def count_misses(self, reasons: Iterable[str]) -> None:
        with self._lock:
            self._misses.update(reasons)

    def count_eager(self, reason: str) -> None:
        with self._lock:
            self._reasons[reason] += 1

    def add_graph(self, graph: CompiledGraph) -> None:
        with self._lock:
            self._counts["graphs"] += 1
            self._graphs.add(graph)

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the block's seconds to a stage's, and to those of the backend, where nested blocks count once."""
        outermost = not getattr(self._inside, "value", False)
        self._inside.value = True
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            with self._lock:
                self._seconds[stage] += seconds
                if outermost:
                    self._seconds["backend"] += seconds
            if outermost:
                self._inside.value = False

    def add_seconds(self, stage: str, seconds: float) -> None:
        with self._lock:
            self._seconds[stage] += seconds

    def graphs(self) -> list[CompiledGraph]:
        """Those that are alive, in the order of their making."""
        with self._lock:
            return sorted(self._graphs, key=lambda graph: graph.number)

    def snapshot(self) -> dict[str, Any]:
        with self._lock:
            counts, tiers, misses = dict(self._counts), dict(self._tiers), dict(self._misses)
            reasons, seconds = dict(self._reasons), dict(self._seconds)
        calls = _native.extern_calls()
        return {
            "graphs": counts.get("graphs", 0),
            "requests": counts.get("requests", 0),
            "compiles": sum(tiers.get(tier, 0) for tier in _COMPILED_TIERS),
            "variants_by_tier": tiers,
            "misses_by_reason": misses,
            "autograd_cache_hits": counts.get("autograd_cache_hits", 0),
            "autograd_cache_misses": counts.get("autograd_cache_misses", 0),
            "guard_misses": counts.get("guard_misses", 0),
            "traces_with_shape_profile": counts.get("traces_with_shape_profile", 0),
            "eager_graphs": sum(reasons.values()),
            "eager_graphs_by_reason": reasons,
            "eager_calls": counts.get("eager_calls", 0),
            "backend_seconds": seconds.pop("backend", 0.0),
            "seconds_by_stage": seconds,
            "extern_calls": calls,
            "python_extern_calls": sum(ways.get("python", 0) for ways in calls.values()),
            "tensor_objects": _native.tensor_object_path(),
        }


STATISTICS = Statistics()
