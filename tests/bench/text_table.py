"""Tables for people who read a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[tuple[str, ...]]) -> None:
    """Prints rows in columns: the first to the left, the others to the right."""
    first, *others = ([row[i] for row in rows] for i in range(len(rows[0])))
    columns = [[cell.ljust(max(map(len, first))) for cell in first]]
    columns += [[cell.rjust(max(map(len, column))) for cell in column] for column in others]
    for cells in zip(*columns, strict=True):
        print("  " + "  ".join(cells))
    print(flush=True)
