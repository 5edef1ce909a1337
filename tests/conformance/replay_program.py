"""The program replay_graphs, as Python sees it: graphs in text form in, what it prints of them out."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any, NamedTuple


class Row(NamedTuple):
    """Of the op table."""

    schema: str
    tags: frozenset[str]
    family: str

    @property
    def core(self) -> bool:
        return "core" in self.tags


def _table(program: str, option: str) -> list[list[str]]:
    out = subprocess.run([program, option], capture_output=True, text=True, check=True).stdout
    return [line.split("\t") for line in out.splitlines()]


def read_rows(program: str) -> dict[str, Row]:
    rows = _table(program, "--rows")
    return {name: Row(schema, frozenset(tags.split()), family) for name, schema, tags, family in rows}


def read_refused(program: str) -> dict[str, str]:
    """Operator, without its overload or with it -> why it is refused by name."""
    return {row[0]: row[1] for row in _table(program, "--refused")}


def replay(program: str, samples: list[dict[str, Any]]) -> list[list[str]]:
    return answers(program, [s["graph"] for s in samples])


def answers(program: str, graphs: Sequence[str], *flags: str) -> list[list[str]]:
    """The lines that replay_graphs prints for each graph."""
    text = "".join(graph + "\n" for graph in graphs)
    out = subprocess.run([program, *flags], input=text, capture_output=True, text=True, check=True).stdout
    # A graph without results prints an empty line only.
    found: list[list[str]] = []
    lines: list[str] = []
    for line in out.splitlines():
        if line:
            lines.append(line)
        else:
            found.append(lines)
            lines = []
    if len(found) != len(graphs):
        raise SystemExit(f"{len(graphs)} graphs in, {len(found)} answers out")
    return found
