"""Draws values for symbols that satisfy guards.

Equalities and pins are solved; what is left is drawn near the hints, small,
large, multiples of the hints, and near the constants that the guards name. A
draw that fails a guard is repaired a few times by moving another symbol of that
guard.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from size_text import compiled, holds

SMALL = (0, 1, 2, 3, 4, 5, 6, 7, 8)
LARGE = (12, 16, 30, 33, 64, 100, 128, 1000)
NAME = re.compile(r"\b([sto]\d+)\b")
PIN = re.compile(r"^([sto]\d+) == (\d+)$|^(\d+) == ([sto]\d+)$")
SAME = re.compile(r"^([sto]\d+) == ([sto]\d+)$")
REPAIRS = 3


class Draws:
    """`guards` over the symbols of `hints`, each at least `low`."""

    def __init__(self, hints: dict[str, int], guards: Sequence[str], low: int, rng: random.Random) -> None:
        self._rng = rng
        self._low = low
        self.hints = hints
        self.names = tuple(hints)
        self._root = {name: name for name in hints}
        self.pinned: dict[str, int] = {}
        for guard in guards:
            if pair := SAME.match(guard):
                self._root = {n: self._find(pair[1]) if r == self._find(pair[2]) else r for n, r in self._root.items()}
        for guard in guards:
            if pin := PIN.match(guard):
                self.pinned[self._find(pin[1] or pin[4])] = int(pin[2] or pin[3])
        self.classes = sorted(set(self._root.values()))
        self.free = [c for c in self.classes if c not in self.pinned]
        self._guards = [(compiled(g, self.names), [c for c in self.free if c in self._classes_of(g)]) for g in guards]
        constants = {int(n) for g in guards for n in re.findall(r"\b\d{1,4}\b", g)}
        self._boundaries = sorted({n + d for n in constants for d in (-1, 0, 1)})

    def _find(self, name: str) -> str:
        return self._root[name]

    def _classes_of(self, guard: str) -> set[str]:
        return {self._root[n] for n in NAME.findall(guard) if n in self._root}

    def holds(self, values: Sequence[int]) -> bool:
        return self._failing(values) is None

    def _failing(self, values: Sequence[int]) -> list[str] | None:
        for function, classes in self._guards:
            if not holds(function, values):
                return classes
        return None

    def _candidate(self, name: str) -> int:
        rng, hint = self._rng, self.hints[name]
        kind = rng.random()
        if kind < 0.35:
            value = rng.choice(SMALL)
        elif kind < 0.55:
            value = hint + rng.choice((-2, -1, 1, 2, 3))
        elif kind < 0.75:
            value = hint * rng.choice((2, 3, 4, 7))
        elif kind < 0.9 or not self._boundaries:
            value = rng.choice(LARGE)
        else:
            value = rng.choice(self._boundaries)
        return max(self._low, value)

    def draw(self, attempts: int) -> tuple[int, ...] | None:
        """Values, in the order of `names`, that are not the hints; None if none was found."""
        if not self.free:
            return None
        for _ in range(attempts):
            values = self._attempt()
            if values is not None:
                return values
        return None

    def _attempt(self) -> tuple[int, ...] | None:
        rng = self._rng
        chosen = {c: self.pinned.get(c, self.hints[c]) for c in self.classes}
        count = len(self.free) if rng.random() < 0.3 else rng.randint(1, min(3, len(self.free)))
        for c in rng.sample(self.free, count):
            chosen[c] = self._candidate(c)
        for _ in range(REPAIRS + 1):
            values = tuple(chosen[self._root[n]] for n in self.names)
            failing = self._failing(values)
            if failing is None:
                return values if values != tuple(self.hints.values()) else None
            if not failing:
                return None
            self._repair(chosen, failing)
        return None

    def _repair(self, chosen: dict[str, int], classes: list[str]) -> None:
        c = self._rng.choice(classes)
        chosen[c] = self._candidate(c) if self._rng.random() < 0.5 else self._rng.randint(self._low, 40)
