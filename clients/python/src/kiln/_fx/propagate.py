"""`kiln.propagate`: fake tensors through an FX graph, in this process."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from typing import Any

import torch
import torch.fx
from torch._subclasses.fake_tensor import FakeTensor

from kiln import _native
from kiln._fx.convert import GraphConverter, GraphRole, InputFacts
from kiln._fx.dynamic_dims import DynamicDims, names_in
from kiln._fx.propagated_graph import NodePlaces, PropagatedGraph, read_response
from kiln._wire.errors import KilnError, UnconvertibleNode
from kiln.v1 import compile_service_pb2
from kiln.v1 import graph_pb2 as pb

_LIFTS = frozenset({"aten.lift_fresh.default", "aten.lift_fresh_copy.default"})
_NODE_NUMBER = re.compile(r"node (\d+) ")


def propagate_graph(
    gm: torch.fx.GraphModule,
    example_inputs: Sequence[Any],
    *,
    dynamic_shapes: Sequence[Any] | None = None,
    dynamic: bool = False,
) -> PropagatedGraph:
    """See `kiln.propagate`."""
    if not isinstance(gm, torch.fx.GraphModule):
        raise KilnError("BAD_INPUT_METADATA", f"{type(gm).__name__} is given, where a torch.fx.GraphModule must be")
    if not isinstance(example_inputs, Sequence) or isinstance(example_inputs, str):
        raise KilnError(
            "BAD_INPUT_METADATA",
            f"example_inputs is no sequence with an entry per placeholder, but of type {type(example_inputs).__name__}",
        )
    placeholders = [node for node in gm.graph.nodes if node.op == "placeholder"]
    if len(placeholders) != len(example_inputs):
        raise KilnError(
            "BAD_INPUT_METADATA",
            f"{len(example_inputs)} example inputs for a graph of {len(placeholders)} placeholders",
        )
    dims = DynamicDims(dynamic_shapes, dynamic=dynamic, num_inputs=len(example_inputs))
    dims.reserve([*names_in(dynamic_shapes), *_symbols_in(example_inputs)])
    converter = _ExampleConverter(gm, example_inputs, dims)
    for node in gm.graph.nodes:
        converter.add(node)
    module, places = converter.finish_module()
    try:
        reply = _native.propagate(module.SerializeToString())
    except KilnError as error:
        raise _with_fx_node(error, places) from None
    return read_response(compile_service_pb2.PropagateResponse.FromString(reply), gm.graph, places)


def _symbols_in(example_inputs: Sequence[Any]) -> set[str]:
    """The symbols that a ShapeEnv has given to the inputs already."""
    found: set[str] = set()
    for value in example_inputs:
        for number in _numbers_of(value):
            if isinstance(number, (torch.SymInt, torch.SymFloat)) and hasattr(number.node, "expr"):
                found.update(str(symbol) for symbol in number.node.expr.free_symbols)
    return found


def _numbers_of(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, torch.Tensor):
        return (value,)
    # Others have no strides, and some no sizes; the converter refuses them.
    strided = value.layout is torch.strided and not value.is_nested
    return (*value.shape, *value.stride()) if strided else ()


def _with_fx_node(error: KilnError, places: NodePlaces) -> KilnError:
    """The same error, naming the FX node beside the number that the wire form has for it."""
    match = _NODE_NUMBER.match(error.message)
    if match is None or int(match[1]) >= len(places.origins):
        return error
    return KilnError(error.reason, f"FX node {places.origins[int(match[1])].name}: {error.message}")


class _ExampleConverter(GraphConverter):
    """Takes the inputs' metadata from examples, and nothing from `meta["val"]`."""

    def __init__(self, gm: torch.fx.GraphModule, example_inputs: Sequence[Any], dims: DynamicDims) -> None:
        super().__init__(gm, GraphRole.INFERENCE, InputFacts(), frozenset(gm.graph.nodes))
        self._examples = example_inputs
        self._dims = dims
        # Inputs of one storage have one class, from 1.
        self._alias_classes: dict[int, int] = {}
        self._inputs: dict[torch.fx.Node, int] = {}
        self._attributes: list[torch.fx.Node] = []
        self._defined_at: dict[torch.fx.Node, int] = {}
        self._result_of: dict[torch.fx.Node, tuple[torch.fx.Node, int]] = {}
        self._origins: list[torch.fx.Node] = []

    def add(self, node: torch.fx.Node) -> None:
        before, constants = len(self._origins), len(self._constant_inputs)
        super().add(node)
        self._origins.extend([node] * (len(self._graph.nodes) - before))
        if len(self._origins) > before:
            self._defined_at[node] = len(self._origins) - 1
        elif len(self._constant_inputs) > constants:
            self._attributes.append(node)
            self._share_storage(self._constant_inputs[-1], self._constants[-1])
        elif node.target is operator.getitem:
            self._result_of[node] = (node.args[0], node.args[1])

    def finish_module(self) -> tuple[pb.GraphModule, NodePlaces]:
        inputs = dict(self._inputs)
        for node in self._attributes:
            inputs[node] = len(inputs)
        module = self.finish().module
        self._graph.symbols.extend(self._dims.declarations())
        return module, NodePlaces(inputs, self._defined_at, self._result_of, tuple(self._origins))

    def _add_placeholder(self, node: torch.fx.Node) -> None:
        index = len(self._inputs)
        self._inputs[node] = index
        self._names[node] = node.name
        value = self._examples[index]
        entry = self._graph.inputs.add(name=node.name, kind=pb.INPUT_KIND_USER)
        if isinstance(value, torch.Tensor):
            self._fill_tensor_meta(entry.tensor, value, node)
            self._fill_storage_bytes(entry, value)
            self._dims.fill_tensor(entry, value, index, node.name)
            self._share_storage(entry, value)
        elif isinstance(value, torch.SymInt):
            self._fill_expr(entry.sym_int, value)
        elif isinstance(value, torch.SymFloat):
            self._fill_expr(entry.sym_float, value)
        elif isinstance(value, int) and not isinstance(value, bool):
            if not -(2**63) <= value < 2**63:
                raise UnconvertibleNode(f"input {node.name}: the integer {value} does not fit 64 bits")
            self._dims.fill_integer(entry.sym_int, value, index, node.name)
        elif isinstance(value, float):
            self._dims.fill_float(entry.sym_float, value, index, node.name)
        else:
            raise UnconvertibleNode(f"input {node.name}: {type(value).__name__} inputs have no wire form")

    def _share_storage(self, entry: pb.Input, value: torch.Tensor) -> None:
        storage = value.untyped_storage()._cdata
        if storage in self._alias_classes:
            # The first one says it, in terms of its own symbols.
            entry.ClearField("storage_bytes")
        entry.alias_class = self._alias_classes.setdefault(storage, len(self._alias_classes) + 1)

    def _fill_tensor_meta(self, meta: pb.TensorMeta, val: torch.Tensor, node: torch.fx.Node) -> None:
        super()._fill_tensor_meta(meta, val, node)
        # What AOTAutograd traces, it differentiates itself; an example's say it to whoever asks.
        meta.requires_grad = val.requires_grad

    def _travels_as_number(self, node: torch.fx.Node, value: torch.Tensor) -> bool:
        # What PyTorch's fake tensors know as constants: what Python made a tensor of.
        lifted = any(str(user.target) in _LIFTS for user in node.users)
        return lifted and not isinstance(value, FakeTensor) and super()._travels_as_number(node, value)

    def _add_saving_call(self, node: torch.fx.Node) -> None:
        raise UnconvertibleNode(f"node {node.name}: {node.target} is of a graph that AOTAutograd has partitioned")

    def _add_replaying_call(self, node: torch.fx.Node) -> None:
        self._add_saving_call(node)

    def _list_length(self, node: torch.fx.Node) -> int:
        """Enough for those that are used; the native side adds the others."""
        places = [user.args[1] for user in node.users if user.target is operator.getitem]
        if any(not isinstance(place, int) or place < 0 for place in places):
            raise UnconvertibleNode(f"node {node.name}: getitem of a list takes a place from 0 on, not {places}")
        return max(places, default=-1) + 1

    def _add_outputs(self, node: torch.fx.Node) -> None:
        # What is returned, and in what structure, changes nothing that is known of a value.
        for value in node.all_input_nodes:
            if value in self._names:
                self._argument(self._graph.outputs.add(), value, node)
