"""A recorded operator call that can be asked again with other sizes, or with symbols for them.

A `Call` is read from the text form that record_op_samples.py writes. `symbolic`
gives every size a symbol and prints the graph for Kiln; `arguments` builds the
same call for PyTorch, out of integers (one draw of sizes) or of SymInts.

Modes:
    own    each dimension a symbol of its own, from 0 up
    duck   equal sizes share a symbol, 0 and 1 are constants: PyTorch's default
    sized  duck, and integers of SymInt arguments that equal a size, or a product
           of neighbouring sizes, are that expression: a program derived them
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from graph_text import DTYPES, MEMORY_FORMATS

MODES = ("own", "duck", "sized")

GRAPH = re.compile(r"^graph g\((.*?)\) \{ (?:(.*?) = )?([\w.]+)\((.*)\) return \(\) \}$")
INPUT = re.compile(
    r"%(?P<name>t\d+): (?P<dtype>\w+)\[(?P<sizes>[^\]]*)\] strides=\[(?P<strides>[^\]]*)\]"
    r"(?: offset=(?P<offset>\d+))?(?: device=(?P<device>[\w:]+))?(?: alias=%(?P<alias>t\d+))?"
    r"(?P<conj> conj)?(?P<neg> neg)?"
)
DTYPE_OF = {text: dtype for dtype, text in DTYPES.items()}
FORMAT_OF = {text: fmt for fmt, text in MEMORY_FORMATS.items()}
SYMBOLIC_ARGUMENT = re.compile(r"\bSymInt(?:\[\d*\])?\??(?:\[\])? (\w+)")
WORDS = {"none": None, "true": True, "false": False, "inf": float("inf"), "-inf": float("-inf"), "nan": float("nan"),
         "strided": torch.strided, **DTYPE_OF, **FORMAT_OF}  # fmt: skip
TOKEN = re.compile(r'\s*(?:(\w+)=)?(?:("(?:[^"\\]|\\.)*")|([\[\],])|([^\s\[\],]+))')


@dataclass(frozen=True)
class TensorRef:
    index: int


@dataclass(frozen=True)
class Sized:
    """An integer argument that is a product of symbols."""

    symbols: tuple[str, ...]

    @property
    def text(self) -> str:
        return "*".join(self.symbols)


@dataclass(frozen=True)
class Layout:
    """How a size, stride or offset is made: a constant times symbols, each at least 1 if it says so."""

    constant: int
    symbols: tuple[str, ...] = ()

    def text(self, at_least_one: bool) -> str:
        factors = [f"Max(1, {s})" if at_least_one else s for s in self.symbols]
        if self.constant != 1 or not factors:
            factors.insert(0, str(self.constant))
        return "*".join(factors)

    def value(self, values: dict[str, Any], at_least_one: bool) -> Any:
        out: Any = self.constant
        for s in self.symbols:
            v = values[s]
            out = out * ((max(1, v) if isinstance(v, int) else torch.sym_max(1, v)) if at_least_one else v)
        return out


@dataclass
class TensorInput:
    dtype: str
    sizes: list[int]
    strides: list[int]
    offset: int
    device: str
    alias: int | None
    conj: bool
    neg: bool
    # Filled by `Call.symbolic`.
    size_layout: list[Layout] = field(default_factory=list)
    stride_layout: list[Layout] | None = None  # None: contiguous
    offset_layout: Layout = field(default_factory=lambda: Layout(0))


def contiguous(sizes: Iterable[int]) -> list[int]:
    out, stride = [], 1
    for size in reversed(list(sizes)):
        out.append(stride)
        stride *= max(1, size)
    return out[::-1]


def ints(text: str) -> list[int]:
    return [int(part) for part in text.split(", ")] if text else []


def parse_arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    stack: list[list[Any]] = [args]
    name = None
    for match in TOKEN.finditer(text):
        key, string, mark, word = match.groups()
        name = key or name
        if mark == ",":
            continue
        if mark == "[":
            stack.append([])
            continue
        value: Any = stack.pop() if mark == "]" else json.loads(string) if string else parse_word(word)
        if len(stack) == 1 and name is not None:
            kwargs[name] = value
            name = None
        else:
            stack[-1].append(value)
    return args, kwargs


def parse_word(word: str) -> Any:
    if word.startswith("%t"):
        return TensorRef(int(word[2:]))
    if word in WORDS:
        return WORDS[word]
    if re.fullmatch(r"-?\d+", word):
        return int(word)
    if re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", word):
        return float(word)
    return torch.device(word)


def argument_text(value: Any, inner: Callable[[Any], str | None]) -> str:
    special = inner(value)
    if special is not None:
        return special
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(argument_text(v, inner) for v in value) + "]"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, torch.dtype):
        return DTYPES[value]
    if isinstance(value, torch.memory_format):
        return MEMORY_FORMATS[value]
    if value is torch.strided:
        return "strided"
    return repr(value) if isinstance(value, float) else str(value)


def node_text(
    results: str, op: str, args: list[Any], kwargs: dict[str, Any], inner: Callable[[Any], str | None]
) -> str:
    parts = [argument_text(a, inner) for a in args]
    parts += [f"{k}={argument_text(v, inner)}" for k, v in kwargs.items()]
    return f"{results} = {op}({', '.join(parts)})" if results else f"{op}({', '.join(parts)})"


def overload(name: str) -> Any:
    namespace, op, which = name.split(".")
    return getattr(getattr(getattr(torch.ops, namespace), op), which)


class Call:
    def __init__(self, graph: str) -> None:
        match = GRAPH.match(graph)
        if match is None:
            raise ValueError(graph)
        inputs, results, self.op, arguments = match.groups()
        self.results: str = results or ""
        self.func: Any = overload(self.op)
        self.has_results = bool(self.func._schema.returns)
        self.tensors: list[TensorInput] = []
        for m in INPUT.finditer(inputs):
            self.tensors.append(
                TensorInput(
                    m["dtype"], ints(m["sizes"]), ints(m["strides"]), int(m["offset"] or 0), m["device"] or "cpu",
                    int(m["alias"][1:]) if m["alias"] else None, bool(m["conj"]), bool(m["neg"]),
                )
            )  # fmt: skip
        self.args, self.kwargs = parse_arguments(arguments)
        self.hints: dict[str, int] = {}
        self.mode = "own"

    # --- symbols

    def symbolic(self, mode: str) -> str:
        """The graph with symbols for sizes; fills `hints`."""
        self.mode = mode
        self.hints = {}
        by_size: dict[int, str] = {}

        def symbol(value: int, prefix: str = "s") -> Layout:
            if mode != "own":
                if value in (0, 1):
                    return Layout(value)
                if value in by_size:
                    return Layout(1, (by_size[value],))
            name = f"{prefix}{len(self.hints)}"
            self.hints[name] = value
            by_size[value] = name
            return Layout(1, (name,))

        for t in self.tensors:
            t.size_layout = [symbol(size) for size in t.sizes]
            t.stride_layout = None
            if t.strides != contiguous(t.sizes):
                t.stride_layout = symbolic_strides(t, symbol)
            # What starts inside another input's storage starts there, however large the two are.
            t.offset_layout = symbol(t.offset, "o") if t.offset and t.alias is None else Layout(t.offset)
        if mode == "sized":
            self._size_arguments()
        return self._text()

    @property
    def at_least_one(self) -> bool:
        """Whether sizes may be 0, so that strides count them as at least 1."""
        return self.mode == "own"

    def _size_arguments(self) -> None:
        known = self._products()
        symbolic = set(SYMBOLIC_ARGUMENT.findall(str(self.func._schema)))

        def replace(value: Any) -> Any:
            if isinstance(value, int) and not isinstance(value, bool) and value >= 2 and value in known:
                return Sized(known[value])
            return value

        for i, formal in enumerate(self.func._schema.arguments):
            if formal.name not in symbolic:
                continue
            where: Any = self.args if i < len(self.args) else self.kwargs
            key: Any = i if i < len(self.args) else formal.name
            if i >= len(self.args) and key not in self.kwargs:
                continue
            value = where[key]
            where[key] = [replace(v) for v in value] if isinstance(value, list) else replace(value)

    def _products(self) -> dict[int, tuple[str, ...]]:
        """Products of neighbouring sizes, single sizes before longer ones."""
        out: dict[int, tuple[str, ...]] = {}
        for length in range(1, 5):
            for t in self.tensors:
                for start in range(len(t.sizes) - length + 1):
                    part = t.size_layout[start : start + length]
                    names = tuple(s for layout in part for s in layout.symbols)
                    value = 1
                    for size in t.sizes[start : start + length]:
                        value *= size
                    if names and value >= 2:
                        out.setdefault(value, names)
        return out

    def _text(self) -> str:
        inputs = []
        for i, t in enumerate(self.tensors):
            text = f"%t{i}: {t.dtype}[{', '.join(layout.text(False) for layout in t.size_layout)}]"
            if t.stride_layout is not None:
                text += f" strides=[{', '.join(layout.text(self.at_least_one) for layout in t.stride_layout)}]"
            if t.offset:
                text += f" offset={t.offset_layout.text(False)}"
            if t.device != "cpu":
                text += f" device={t.device}"
            if t.alias is not None:
                text += f" alias=%t{t.alias}"
            inputs.append(text + (" conj" if t.conj else "") + (" neg" if t.neg else ""))
        scalars: dict[str, str] = {}
        nodes = self._nodes(scalars)
        inputs += [f"%{name}: int = {text}" for text, name in scalars.items()]
        low = 0 if self.mode == "own" else 2
        declared = ", ".join(f"{name} = {hint} in [{low}, oo]" for name, hint in self.hints.items())
        symbols = f" symbols {{ {declared} }}" if declared else ""
        return f"graph g({', '.join(inputs)}){symbols} {{ {nodes} return () }}"

    def _nodes(self, scalars: dict[str, str]) -> str:
        """What the graph computes. Fills `scalars` with the names of the products that it needs."""

        def inner(value: Any) -> str | None:
            if isinstance(value, TensorRef):
                return f"%t{value.index}"
            if isinstance(value, Sized):
                return "%" + scalars.setdefault(value.text, f"n{len(scalars)}")
            return None

        return node_text(self.results, self.op, self.args, self.kwargs, inner)

    # --- PyTorch

    def arguments(
        self, values: dict[str, Any], shared_elements: int = 1 << 40
    ) -> tuple[list[torch.Tensor], list[Any], dict[str, Any]]:
        """Input tensors, positional and keyword arguments. A storage that several share has so many elements."""
        tensors = self._inputs(values, shared_elements)

        def build(value: Any) -> Any:
            if isinstance(value, TensorRef):
                return tensors[value.index]
            if isinstance(value, list):
                return [build(v) for v in value]
            if isinstance(value, Sized):
                return Layout(1, value.symbols).value(values, False)
            return value

        return tensors, [build(a) for a in self.args], {k: build(v) for k, v in self.kwargs.items()}

    def _inputs(self, values: dict[str, Any], shared_elements: int) -> list[torch.Tensor]:
        bases: dict[int, torch.Tensor] = {}
        return [self._tensor(i, t, values, bases, shared_elements) for i, t in enumerate(self.tensors)]

    def _tensor(
        self, i: int, t: TensorInput, values: dict[str, Any], bases: dict[int, torch.Tensor], shared_elements: int
    ) -> torch.Tensor:
        dtype = DTYPE_OF[t.dtype]
        sizes = [layout.value(values, False) for layout in t.size_layout]
        shared = t.alias is not None or t.offset != 0 or any(o.alias == i for o in self.tensors)
        if t.stride_layout is not None:
            strides = [layout.value(values, self.at_least_one) for layout in t.stride_layout]
        elif shared:
            strides = []
            stride: Any = 1
            for layout in reversed(t.size_layout):
                strides.insert(0, stride)
                stride = stride * layout.value(values, self.at_least_one)
        if shared:
            # Bits are of a tensor, not of a storage: the base has none.
            root = i if t.alias is None else t.alias
            if root not in bases:
                bases[root] = torch.empty(shared_elements, dtype=dtype, device=t.device)
            out = torch.as_strided(bases[root], sizes, strides, t.offset_layout.value(values, False))
        elif t.stride_layout is None:
            out = torch.empty(sizes, dtype=dtype, device=t.device)
        else:
            out = torch.empty_strided(sizes, strides, dtype=dtype, device=t.device)
        if t.conj:
            out = torch._conj(out)
        return torch._neg_view(out) if t.neg else out


def symbolic_strides(t: TensorInput, symbol: Callable[..., Layout]) -> list[Layout]:
    """Each stride as the product of the sizes inside of it where it is dense over them, else a symbol of its own."""
    done: dict[int, Layout] = {}
    order = sorted(range(len(t.sizes)), key=lambda d: (t.strides[d], -d))
    for d in order:
        stride = t.strides[d]
        if stride in (0, 1):
            done[d] = Layout(stride)
            continue
        inner = [e for e in done if e != d and t.strides[e] * max(1, t.sizes[e]) == stride and t.sizes[e] > 1]
        if inner:
            e = inner[-1]
            size = t.size_layout[e]
            done[d] = Layout(done[e].constant * size.constant, (*done[e].symbols, *size.symbols))
        else:
            done[d] = symbol(stride, "t")
    return [done[d] for d in range(len(t.sizes))]
