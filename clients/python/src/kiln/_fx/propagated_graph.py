"""What propagation found of an FX graph, by its nodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
import torch.fx

from kiln._wire.dtypes import DTYPE_IDS
from kiln.v1 import artifact_pb2, compile_service_pb2, graph_pb2

_DTYPES: dict[int, torch.dtype] = {
    wire_id: getattr(torch, name.removeprefix("torch."))
    for name, wire_id in DTYPE_IDS.items()
    if hasattr(torch, name.removeprefix("torch."))
}
_SCALARS: dict[str, Any] = {"int": int, "float": float, "bool": {"true": True, "false": False}.__getitem__}


@dataclasses.dataclass(frozen=True)
class TensorValue:
    """A fake tensor. A number of elements is an int, or an expression of symbols as text: "s0*64".

    Where in-place operators give the tensor other sizes or strides (`t_`, `resize_`), this
    is what it is in the end.
    """

    dtype: torch.dtype
    size: tuple[int | str, ...]
    # In elements, as the storage offset.
    stride: tuple[int | str, ...]
    storage_offset: int | str
    device: torch.device
    # The first node of one result that looks into the same storage; None if this is it.
    alias_of: torch.fx.Node | None
    # Whether it is a lazy conjugate or negation of what its storage holds.
    conj: bool = False
    neg: bool = False
    # Whether autograd would record it: it hangs on an input that requires grad.
    requires_grad: bool = False


@dataclasses.dataclass(frozen=True)
class ScalarValue:
    """A number that a node computes from sizes or data: "int", "float" or "bool"; its value or an expression."""

    type: str
    value: int | float | bool | str


# A node has one value, or a tuple where its operator returns several or a list; None is a result that is None.
Value: TypeAlias = "TensorValue | ScalarValue | tuple[Value, ...] | None"


@dataclasses.dataclass(frozen=True)
class Guard:
    """A test that sizes must pass for the answers to hold, and who asked."""

    condition: str
    # None where no node asked: a fact of the inputs.
    node: torch.fx.Node | None
    # "aten.view.default".
    op: str
    # "shape", "assumption" (a promise of the inputs that was used) or "performance".
    kind: str
    # Which test it was: "broadcast of dim 0".
    what: str
    # The user's line: "model.py:41"; empty if unknown.
    line: str

    def __str__(self) -> str:
        """As the command line prints it: `s0 % 8 == 0  # aten.view at model.py:41: what`."""
        where = (self.op.removesuffix(".default") or "the inputs") + (f" at {self.line}" if self.line else "")
        return f"{self.condition}  # {where}" + (f": {self.what}" if self.what else "")


@dataclasses.dataclass(frozen=True)
class InputWrite:
    """What a graph does to one of its inputs."""

    # Its storage is written.
    data: bool
    # It has other sizes, strides, offset or storage in the end.
    metadata: bool


@dataclasses.dataclass(frozen=True)
class Symbol:
    """A size, or a float, that is not one number."""

    name: str
    # What it is in the example inputs; None for one that only data tells.
    hint: int | float | None
    # "automatic", "dynamic" or "unbacked".
    policy: str
    # What was promised, and what the guards say: "[2, oo]".
    declared_range: str
    range: str
    # A number if guards specialised it, another expression if they replaced it, else its own name.
    value: str


@dataclasses.dataclass(frozen=True)
class PropagatedGraph:
    """The values of a graph's nodes, and what they cost in guards."""

    values: Mapping[torch.fx.Node, Value]
    # The minimal set: what others imply is left out.
    guards: tuple[Guard, ...]
    # Tests that only data decides, which a program must make when it runs.
    runtime_asserts: tuple[Guard, ...]
    symbols: tuple[Symbol, ...]
    # The inputs, and attributes of the module, that the graph changes.
    input_writes: Mapping[torch.fx.Node, InputWrite]
    # For people: a row a value, and below each node the guards that it made.
    table: str

    def __getitem__(self, node: torch.fx.Node | str) -> Value:
        """The value of a node, or of the node of this name. KeyError if there is none."""
        if isinstance(node, torch.fx.Node):
            return self.values[node]
        for candidate, value in self.values.items():
            if candidate.name == node:
                return value
        raise KeyError(node)

    def __str__(self) -> str:
        return self.table


@dataclasses.dataclass(frozen=True)
class NodePlaces:
    """Where the wire form has an FX graph's nodes."""

    inputs: Mapping[torch.fx.Node, int]
    # The node of the wire that defines an FX node's results.
    nodes: Mapping[torch.fx.Node, int]
    # Which of another node's results it is.
    results: Mapping[torch.fx.Node, tuple[torch.fx.Node, int]]
    # The FX node of each node of the wire.
    origins: tuple[torch.fx.Node, ...]


def read_response(
    response: compile_service_pb2.PropagateResponse, graph: torch.fx.Graph, places: NodePlaces
) -> PropagatedGraph:
    """The reply in terms of FX nodes."""
    return PropagatedGraph(
        values=_Reader(response, places).values(graph),
        guards=tuple(_guard(g, places) for g in response.guards),
        runtime_asserts=tuple(_guard(g, places) for g in response.runtime_asserts),
        symbols=tuple(_symbol(s) for s in response.symbols),
        input_writes=_input_writes(response, places),
        table=response.table,
    )


class _Reader:
    """Values node by node, in the graph's order."""

    def __init__(self, response: compile_service_pb2.PropagateResponse, places: NodePlaces) -> None:
        self._nodes = response.nodes
        self._places = places
        self._by_id = {value.id: value for value in response.values}
        # The first FX node of one result that looks into each storage.
        self._owners: dict[int, torch.fx.Node] = {}

    def values(self, graph: torch.fx.Graph) -> dict[torch.fx.Node, Value]:
        found: dict[torch.fx.Node, Value] = {}
        for node in graph.nodes:
            if node in self._places.results:
                source, index = self._places.results[node]
                found[node] = self._value(self._numbers(source)[index], node)
            elif node in self._places.inputs:
                found[node] = self._value(self._places.inputs[node], node)
            elif node in self._places.nodes:
                numbers = self._numbers(node)
                # What is one of several results is owned by the getitem node that takes it.
                found[node] = self._value(numbers, node if isinstance(numbers, int) else None)
        return found

    def _numbers(self, node: torch.fx.Node) -> Any:
        """The number of a node's value in the reply, or a list of them, of which each may be a list."""
        results = self._nodes[self._places.nodes[node]].results
        numbers = [list(result.values) if result.is_list else result.values[0] for result in results]
        return numbers[0] if len(numbers) == 1 else numbers

    def _value(self, number: Any, node: torch.fx.Node | None) -> Value:
        if isinstance(number, list):
            return tuple(self._value(one, node) for one in number)
        value = self._by_id.get(number)
        if value is None:
            return None
        if value.HasField("tensor"):
            return self._tensor(value, node)
        if not value.scalar_type:
            return None
        return ScalarValue(value.scalar_type, _number_or_text(value.scalar, _SCALARS[value.scalar_type]))

    def _tensor(self, value: Any, node: torch.fx.Node | None) -> TensorValue:
        meta = value.tensor
        owner = self._owners.get(value.storage) if node is None else self._owners.setdefault(value.storage, node)
        device = meta.device
        return TensorValue(
            dtype=_DTYPES[meta.dtype],
            size=tuple(_number(size) for size in meta.sizes),
            stride=tuple(_number(stride) for stride in meta.strides),
            storage_offset=_number(meta.storage_offset) if meta.HasField("storage_offset") else 0,
            device=torch.device(device.type, device.index) if device.HasField("index") else torch.device(device.type),
            alias_of=None if owner is node else owner,
            conj=value.conj,
            neg=value.neg,
            requires_grad=meta.requires_grad,
        )


def _input_writes(
    response: compile_service_pb2.PropagateResponse, places: NodePlaces
) -> dict[torch.fx.Node, InputWrite]:
    writes: dict[torch.fx.Node, InputWrite] = {}
    for node, index in places.inputs.items():
        given = response.inputs[index]
        if given.data_written or given.metadata_changed:
            writes[node] = InputWrite(given.data_written, given.metadata_changed)
    return writes


def _number(expr: graph_pb2.SymExpr) -> int | str:
    return str(expr.expr) if expr.HasField("expr") else int(expr.value)


def _number_or_text(text: str, read: Any) -> int | float | bool | str:
    try:
        number: int | float | bool = read(text)
    except (KeyError, ValueError):
        return text
    return number


def _guard(guard: Any, places: NodePlaces) -> Guard:
    reason = guard.reason
    node = places.origins[reason.node] if 0 <= reason.node < len(places.origins) else None
    kind = artifact_pb2.Guard.Kind.Name(guard.kind).removeprefix("KIND_").lower()
    return Guard(guard.condition, node, reason.op, kind, reason.what, reason.location)


def _symbol(symbol: Any) -> Symbol:
    policy = graph_pb2.DimPolicy.Name(symbol.policy).removeprefix("DIM_POLICY_").lower()
    hint = next((getattr(symbol, field) for field in ("hint", "float_hint") if symbol.HasField(field)), None)
    return Symbol(symbol.name, hint, policy, symbol.declared_range, symbol.range, symbol.value)
