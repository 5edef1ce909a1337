"""Prints programs in Kiln's text form of graphs and reads them back.

What a graph does not say stands in comments above it, one fact a line: `#: seed 7`, `#: again s0=5`,
`#: values %i [0, 3]`, `#: check_bounds`, `#: specials`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from graph_text import DTYPES, MEMORY_FORMATS, CallText
from program import Input, Node, Program, Ref

_FROM_DTYPE = {text: dtype for dtype, text in DTYPES.items()}
_FROM_FORMAT = {text: memory_format for memory_format, text in MEMORY_FORMATS.items()}
_WORDS = {"none": None, "true": True, "false": False, **_FROM_DTYPE, **_FROM_FORMAT}


def print_program(program: Program) -> str:
    lines = [f"#: seed {program.seed}"]
    if program.symbols:
        lines.append("#: again " + " ".join(f"{name}={pair[1]}" for name, pair in program.symbols))
    lines += [f"#: values %{one.name} [{one.values[0]}, {one.values[1]}]" for one in program.inputs if one.values]
    lines += ["#: check_bounds"] if program.check_bounds else []
    lines += ["#: specials"] if program.specials else []
    inputs = ",\n    ".join(_input_text(one) for one in program.inputs)
    symbols = ", ".join(f"{name} = {pair[0]} dynamic" for name, pair in program.symbols)
    lines.append(f"graph fuzzed({inputs}){f' symbols {{ {symbols} }}' if symbols else ''} {{")
    lines += [f"  {_node_text(node)}" for node in program.nodes]
    lines += [f"  return ({', '.join(f'%{name}' for name in program.outputs)})", "}", ""]
    return "\n".join(lines)


def _input_text(one: Input) -> str:
    text = f"%{one.name}: {DTYPES[one.dtype]}[{', '.join(one.sizes)}]"
    if one.requires_grad:
        text += " requires_grad"
    if one.strides is not None:
        text += f" strides=[{', '.join(one.strides)}]"
    if one.offset != "0":
        text += f" offset={one.offset}"
    return text


def _node_text(node: Node) -> str:
    parts = [_argument_text(argument) for argument in node.args]
    parts += [f"{name}={_argument_text(argument)}" for name, argument in node.kwargs]
    results = ", ".join(name if name == "_" else f"%{name}" for name in node.results)
    return f"{results} = {node.op}({', '.join(parts)})"


def _argument_text(argument: Any) -> str:
    if isinstance(argument, Ref):
        return f"%{argument.name}"
    if isinstance(argument, tuple):
        return f"[{', '.join(_argument_text(part) for part in argument)}]"
    return CallText().argument(argument)


_TOKEN = re.compile(
    r"""\s*(?: (?P<value>%[A-Za-z0-9_.]+) | (?P<number>-?(?:inf|nan|\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+|\d+)(?![\w.]))
      | (?P<string>"[^"]*") | (?P<word>[A-Za-z_][A-Za-z0-9_.]*) | (?P<mark>[-+*/()\[\]{},:=]) )""",
    re.VERBOSE,
)


class _Reader:
    """Tokens of the graph, one after the other."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if not match:
                raise ValueError(f"cannot read {text[at : at + 40]!r}")
            kind = match.lastgroup or ""
            self._tokens.append((kind, match[kind]))
            at = match.end()
        self._at = 0

    def see(self, text: str) -> bool:
        return self._tokens[self._at][1] == text

    def take(self, text: str = "") -> str:
        token = self._tokens[self._at][1]
        if text and token != text:
            raise ValueError(f"expected {text!r}, not {token!r}")
        self._at += 1
        return token

    def accept(self, text: str) -> bool:
        seen = self.see(text)
        self._at += seen
        return seen

    def name(self) -> str:
        return self.take().removeprefix("%")

    def formula(self) -> str:
        """Up to a comma or a bracket that it did not open, or an attribute."""
        parts: list[str] = []
        depth = 0
        while depth or not (self.see(",") or self.see("]") or self.see(")") or self._is_attribute()):
            depth += self.see("(") - self.see(")")
            parts.append(self.take())
        return "".join(parts)

    def _is_attribute(self) -> bool:
        return any(self.see(word) for word in ("strides", "offset", "requires_grad"))

    def list_of(self, read: Any) -> tuple[Any, ...]:
        self.take("[")
        items: list[Any] = []
        while not self.accept("]"):
            items.append(read())
            self.accept(",")
        return tuple(items)

    def argument(self) -> Any:
        kind, text = self._tokens[self._at]
        if text == "[":
            return self.list_of(self.argument)
        self._at += 1
        if kind == "value":
            return Ref(text[1:])
        if kind == "number":
            return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
        if kind == "string":
            return text[1:-1]
        return _WORDS[text]

    def is_keyword(self) -> bool:
        return self._tokens[self._at][0] == "word" and self._tokens[self._at + 1][1] == "="


def parse_program(text: str) -> Program:
    """What print_program wrote, perhaps changed by hand; ValueError or KeyError for what is no such text."""
    facts = [line[2:].strip() for line in text.splitlines() if line.startswith("#:")]
    reader = _Reader("\n".join(line.split("#")[0] for line in text.splitlines()))
    reader.take("graph")
    reader.take()
    reader.take("(")
    inputs: list[Input] = []
    while not reader.accept(")"):
        inputs.append(_read_input(reader))
        reader.accept(",")
    first = _read_symbols(reader)
    reader.take("{")
    nodes: list[Node] = []
    while not reader.accept("return"):
        nodes.append(_read_node(reader))
    reader.take("(")
    outputs: list[str] = []
    while not reader.accept(")"):
        outputs.append(reader.name())
        reader.accept(",")
    return _with_facts(Program(tuple(inputs), tuple(nodes), tuple(outputs)), first, facts)


def _read_input(reader: _Reader) -> Input:
    name = reader.name()
    reader.take(":")
    fields: dict[str, Any] = {"dtype": _FROM_DTYPE[reader.take()], "sizes": reader.list_of(reader.formula)}
    while not reader.see(",") and not reader.see(")"):
        attribute = reader.take()
        if attribute == "requires_grad":
            fields[attribute] = True
            continue
        reader.take("=")
        fields[attribute] = reader.list_of(reader.formula) if attribute == "strides" else reader.formula()
    return Input(name, **fields)


def _read_symbols(reader: _Reader) -> dict[str, int]:
    first: dict[str, int] = {}
    if not reader.accept("symbols"):
        return first
    reader.take("{")
    while not reader.accept("}"):
        name = reader.take()
        reader.take("=")
        first[name] = int(reader.take())
        reader.take("dynamic")
        reader.accept(",")
    return first


def _read_node(reader: _Reader) -> Node:
    results = [reader.name()]
    while reader.accept(","):
        results.append(reader.name())
    reader.take("=")
    op = reader.take()
    reader.take("(")
    args: list[Any] = []
    kwargs: list[tuple[str, Any]] = []
    while not reader.accept(")"):
        if reader.is_keyword():
            name = reader.take()
            reader.take("=")
            kwargs.append((name, reader.argument()))
        else:
            args.append(reader.argument())
        reader.accept(",")
    return Node(tuple(results), op, tuple(args), tuple(kwargs))


def _with_facts(program: Program, first: dict[str, int], facts: list[str]) -> Program:
    second = dict(first)
    for fact in facts:
        word, _, rest = fact.partition(" ")
        if word == "seed":
            program = replace(program, seed=int(rest))
        elif word == "again":
            second |= {name: int(size) for name, size in (pair.split("=") for pair in rest.split())}
        elif word == "values":
            name, low, high = re.fullmatch(r"%(\S+) \[(-?\d+), (-?\d+)\]", rest).groups()  # type: ignore[union-attr]
            inputs = [replace(i, values=(int(low), int(high))) if i.name == name else i for i in program.inputs]
            program = replace(program, inputs=tuple(inputs))
        elif word in ("check_bounds", "specials"):
            program = replace(program, **{word: True})
        else:
            raise ValueError(f"no such fact: {fact}")
    return replace(program, symbols=tuple((name, (size, second[name])) for name, size in first.items()))
