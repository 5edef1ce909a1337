"""The wire form back to FX: what convert.py wrote, as a graph that PyTorch runs.

Constants are inputs here, as the artifact has them, and operators with effects
stand by themselves in the order of the nodes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.fx

from kiln._fx.symbolic_targets import SYMBOLIC_TARGETS
from kiln._wire.dtypes import DTYPE_IDS, LAYOUT_IDS, MEMORY_FORMAT_IDS
from kiln._wire.errors import UnconvertibleNode
from kiln.v1 import graph_pb2 as pb

# Of several functions of one wire name the first: PyTorch's own take plain numbers as well.
_SYMBOLIC_FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: function for function, name in reversed(SYMBOLIC_TARGETS.items())
}


def rebuild_graph(module: pb.GraphModule) -> torch.fx.GraphModule:
    """A module with the wire graph's inputs and outputs. UnconvertibleNode for what PyTorch does not have."""
    wire = module.graphs[module.entry]
    graph = torch.fx.Graph()
    values: dict[str, torch.fx.Node] = {}
    for index, entry in enumerate(wire.inputs):
        values[entry.name] = graph.placeholder(f"input_{index}")
    for node in wire.nodes:
        args = [_value(argument.value, values) for argument in node.inputs if not argument.name]
        kwargs = {argument.name: _value(argument.value, values) for argument in node.inputs if argument.name}
        result = graph.call_function(_function(node.target), tuple(args), kwargs)
        _bind_results(graph, node, result, values)
    graph.output(tuple(_value(argument, values) for argument in wire.outputs))
    graph.lint()
    return torch.fx.GraphModule(torch.nn.Module(), graph, "rebuilt")


def _bind_results(
    graph: torch.fx.Graph, node: pb.Node, result: torch.fx.Node, values: dict[str, torch.fx.Node]
) -> None:
    if len(node.outputs) == 1 and not node.outputs[0].is_list:
        values.update(dict.fromkeys(node.outputs[0].names, result))
        return
    # A list is the only result of its operator; of several results each has one name.
    names = node.outputs[0].names if len(node.outputs) == 1 else ["".join(output.names) for output in node.outputs]
    for place, name in enumerate(names):
        if name:
            values[name] = graph.call_function(operator.getitem, (result, place))


def _function(target: str) -> Callable[..., Any]:
    symbolic = _SYMBOLIC_FUNCTIONS.get(target)
    if symbolic is not None:
        return symbolic
    namespace, name, overload = target.split(".")
    try:
        function: Callable[..., Any] = getattr(getattr(getattr(torch.ops, namespace), name), overload)
    except AttributeError:
        raise UnconvertibleNode(f"{target} is not an operator of this PyTorch") from None
    return function


def _value(argument: pb.Argument, values: dict[str, torch.fx.Node]) -> Any:
    kind = argument.WhichOneof("kind")
    if kind == "value":
        return values[argument.value]
    if kind == "list":
        return [_value(item, values) for item in argument.list.items]
    return _LITERALS[kind](getattr(argument, kind))


def _by_id(ids: Mapping[str, int]) -> dict[int, Any]:
    """PyTorch's objects, from ids by their names."""
    return {number: getattr(torch, name.removeprefix("torch.")) for name, number in ids.items()}


def _device(device: pb.Device) -> torch.device:
    return torch.device(device.type, device.index) if device.HasField("index") else torch.device(device.type)


# By the field of an argument.
_LITERALS: dict[str, Callable[[Any], Any]] = {
    "none": lambda _: None,
    "int": int,
    "float": float,
    "bool": bool,
    "string": str,
    "dtype": _by_id(DTYPE_IDS).__getitem__,
    "device": _device,
    "layout": _by_id(LAYOUT_IDS).__getitem__,
    "memory_format": _by_id(MEMORY_FORMAT_IDS).__getitem__,
    "complex": lambda number: complex(number.real, number.imag),
}
