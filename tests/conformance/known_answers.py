"""Disagreements that are PyTorch's own, by operator and kind, with the most that may be seen (known_unsound.txt).

Kinds say what differs:
    error MESSAGE     PyTorch's fake mode fails with a message that begins so (each number in it N), and Kiln answers
    result            dtype, device, storage or rank of a result
    size              a size or a value
    stride of empty   only strides, of tensors without elements
    stride of one     only strides, of dimensions of size 1
    stride            other strides
    offset            only the storage offset
"""

from __future__ import annotations

import collections
import pathlib
import re
from dataclasses import dataclass

from symbolic_answer import Outcome


@dataclass(frozen=True)
class Known:
    op: str
    kind: str
    most: int
    reason: str


class KnownAnswers:
    """The lines `op | kind | most | reason` of a file beside this one."""

    def __init__(self, file: str = "known_unsound.txt") -> None:
        path = pathlib.Path(__file__).resolve().parent / file
        self._entries: list[Known] = []
        for line in path.read_text().splitlines():
            if line and not line.startswith("#"):
                op, kind, most, reason = (part.strip() for part in line.split("|", 3))
                self._entries.append(Known(op, kind, int(most), reason))

    def _entry(self, op: str, kind: str) -> Known | None:
        return next((e for e in self._entries if e.op == op and kind.startswith(e.kind)
                     and (e.kind.startswith("error ") or kind == e.kind)), None)  # fmt: skip

    def reason(self, op: str, kind: str) -> str:
        entry = self._entry(op, kind)
        return entry.reason if entry else ""

    def _counts(self, bad: collections.Counter[tuple[str, str]]) -> collections.Counter[Known]:
        counts: collections.Counter[Known] = collections.Counter()
        for (op, kind), count in bad.items():
            if entry := self._entry(op, kind):
                counts[entry] += count
        return counts

    def seen(self, bad: collections.Counter[tuple[str, str]]) -> list[str]:
        return [f"{e.op}: {n} of at most {e.most}: {e.kind}: {e.reason}" for e, n in self._counts(bad).items()]

    def unexplained(self, bad: collections.Counter[tuple[str, str]]) -> dict[str, int]:
        """Disagreements of kinds that are not listed, or more of a listed kind than it allows."""
        out = {f"{op}: {kind}": n for (op, kind), n in bad.items() if not self._entry(op, kind)}
        out |= {f"{e.op}: more than {e.most} of {e.kind}": n for e, n in self._counts(bad).items() if n > e.most}
        return out


def kind_of(got: Outcome, want: Outcome) -> str:
    """What differs most of two outcomes that are not equal."""
    if want.error:
        return "error " + re.sub(r"\d+", "N", want.error)
    if got.fixed != want.fixed or len(got.numbers) != len(want.numbers):
        return "result"
    kinds: set[str] = set()
    at = 0
    for part in want.fixed:
        if part == "none":
            continue
        if not isinstance(part, tuple):
            kinds |= {"size"} if got.numbers[at] != want.numbers[at] else set()
            at += 1
            continue
        rank = part[5]
        sizes, strides = slice(at, at + rank), slice(at + rank, at + 2 * rank)
        at += 2 * rank + 1
        kinds |= _tensor_kinds(got.numbers, want.numbers, sizes, strides)
    return next(kind for kind in ("size", "stride", "offset", "stride of one", "stride of empty") if kind in kinds)


def _tensor_kinds(got: tuple[object, ...], want: tuple[object, ...], sizes: slice, strides: slice) -> set[str]:
    kinds: set[str] = set()
    if got[sizes] != want[sizes]:
        kinds.add("size")
    elif got[strides] != want[strides]:
        steps = zip(want[sizes], got[strides], want[strides], strict=True)
        one = all(size == 1 or a == b for size, a, b in steps)
        kinds.add("stride of empty" if 0 in want[sizes] else "stride of one" if one else "stride")
    if got[strides.stop] != want[strides.stop]:
        kinds.add("offset")
    return kinds
