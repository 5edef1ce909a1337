"""Lists of known deviations: files beside this one, an operator a line, its name, how many calls deviate, and why."""

from __future__ import annotations

import collections
import pathlib


class KnownList:
    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: dict[str, int] = {}
        for line in (pathlib.Path(__file__).resolve().parent / name).read_text().splitlines():
            if line and not line.startswith("#"):
                op, count, _ = line.split(" ", 2)
                self._rows[op] = int(count)

    def most(self, op: str) -> int:
        return self._rows.get(op, 0)

    def __contains__(self, op: object) -> bool:
        return op in self._rows

    def fresh(self, bad: collections.Counter[str], times: int = 1) -> int:
        """Deviations beyond the list, where each of its calls may have been asked so often."""
        return sum(max(0, count - self.most(op) * times) for op, count in bad.items())

    def stale(self, bad: collections.Counter[str]) -> list[str]:
        """Operators that deviate less than the list says."""
        return sorted(op for op, count in self._rows.items() if bad[op] < count)

    def complaint(self, op: str) -> str:
        return f"{self._name}: {op} deviates less than it says"
