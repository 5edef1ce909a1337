"""FX to the wire form, in one pass over the nodes.

What changes on the way: `getitem` nodes vanish, since a node with several
results names each of them; arithmetic on symbolic scalars becomes `sym.*`
nodes; an operator that `with_effects` wraps stands by itself, and so does one
that draws from a state of the random generator, beside nodes that save and set
the state; a tensor that the graph holds as an attribute becomes an input that
the host binds, but for one-element CPU tensors, which travel as scalars.
"""

from __future__ import annotations

import dataclasses
import enum
import operator
from collections.abc import Callable, Sequence
from typing import Any

import sympy
import torch
import torch.fx
from torch._higher_order_ops.effects import with_effects
from torch._subclasses.fake_tensor import unset_fake_temporarily

from kiln._fx.expressions import has_text_form, integer_bound, is_float_name, print_expr
from kiln._fx.literals import LITERALS, set_device
from kiln._fx.random_states import run_and_save_rng_state, run_with_rng_state, state_places
from kiln._fx.seen_storages import seen_storages
from kiln._fx.source_lines import source_line
from kiln._fx.symbolic_targets import SYMBOLIC_TARGETS
from kiln._wire.dtypes import DTYPE_IDS
from kiln._wire.errors import UnconvertibleNode
from kiln.v1 import graph_pb2 as pb


class GraphRole(enum.Enum):
    """Which of AOTAutograd's graphs it is; names its inputs' kinds."""

    FORWARD = "forward"
    BACKWARD = "backward"
    INFERENCE = "inference"


@dataclasses.dataclass(frozen=True)
class InputFacts:
    """What AOTAutograd knows of inputs, by their places."""

    # Parameters and buffers, which stay where they are from call to call.
    static: frozenset[int] = frozenset()
    requires_grad: frozenset[int] = frozenset()
    # Saved tensors that nobody else holds.
    donated: frozenset[int] = frozenset()


@dataclasses.dataclass(frozen=True)
class ConvertedGraph:
    """A graph in wire form, the constants that the host appends to its inputs, and what comes back."""

    module: pb.GraphModule
    constants: tuple[torch.Tensor, ...]
    # Dtype id and rank of each output; zeros for one that is no tensor.
    outputs: tuple[tuple[int, int], ...]
    # Places of inputs that are tokens of effects, of which a call says nothing.
    tokens: tuple[int, ...] = ()
    # Places of inputs that may be conjugated or negated lazily: the wire knows only memory as it is.
    lazy: tuple[int, ...] = ()
    # Places of inputs that are states of the random generator, and whether outputs are such.
    random_states: tuple[int, ...] = ()
    saves_random_states: bool = False


def convert_graph(
    gm: torch.fx.GraphModule,
    role: GraphRole,
    *,
    inputs: InputFacts = InputFacts(),
) -> ConvertedGraph:
    """Converts an ATen-level graph of AOTAutograd. UnconvertibleNode names what it cannot."""
    converter = GraphConverter(gm, role, inputs, seen_storages(gm))
    for node in gm.graph.nodes:
        converter.add(node)
    return converter.finish()


def _input_kind(name: str, index: int, role: GraphRole, facts: InputFacts) -> pb.InputKind:
    if role is GraphRole.BACKWARD:
        return pb.INPUT_KIND_TANGENT if name.startswith("tangents_") else pb.INPUT_KIND_SAVED
    if index not in facts.static:
        return pb.INPUT_KIND_USER
    return pb.INPUT_KIND_PARAMETER if index in facts.requires_grad else pb.INPUT_KIND_BUFFER


class GraphConverter:
    """One graph's conversion. Values are named as FX names them."""

    def __init__(
        self,
        gm: torch.fx.GraphModule,
        role: GraphRole,
        facts: InputFacts,
        seen: frozenset[torch.fx.Node],
    ) -> None:
        self._gm = gm
        self._role = role
        self._facts = facts
        self._seen_storages = seen
        opset = ".".join(torch.__version__.split(".")[:2])
        self._module = pb.GraphModule(dialect="aten", opset=opset)
        self._graph = self._module.graphs.add(name="main")
        # By placeholder.
        self._places: dict[torch.fx.Node, int] = {}
        self._location_index: dict[str, int] = {}
        self._names: dict[torch.fx.Node, str] = {}
        # Nodes with several results: the wire name of each, by its place.
        self._results: dict[torch.fx.Node, _Results] = {}
        self._expr_text: dict[sympy.Basic, str] = {}
        self._symbols: dict[sympy.Symbol, None] = {}
        self._shape_env: Any = None
        # The first input of each storage.
        self._storages: dict[int, pb.Input] = {}
        self._constants: list[torch.Tensor] = []
        self._outputs: list[tuple[int, int]] = []
        self._tokens: list[int] = []
        self._lazy: list[int] = []
        # States of the random generator that this graph saves, by the node that does.
        self._saved_states: dict[torch.fx.Node, str] = {}
        self._constant_inputs: list[pb.Input] = []

    # The pass over nodes.

    def add(self, node: torch.fx.Node) -> None:
        if node.op == "placeholder":
            self._add_placeholder(node)
        elif node.op == "get_attr":
            self._add_attribute(node)
        elif node.op == "call_function":
            self._add_call(node)
        elif node.op == "output":
            self._add_outputs(node)
        else:
            raise UnconvertibleNode(f"node {node.name}: FX op {node.op!r} is not of an ATen graph")

    def finish(self) -> ConvertedGraph:
        self._graph.inputs.extend(self._constant_inputs)
        self._declare_symbols()
        return ConvertedGraph(
            self._module,
            tuple(self._constants),
            tuple(self._outputs),
            tuple(self._tokens),
            tuple(self._lazy),
            state_places(self._gm),
            bool(self._saved_states),
        )

    def _add_placeholder(self, node: torch.fx.Node) -> None:
        index = self._places[node] = len(self._places)
        val = node.meta.get("val")
        entry = self._graph.inputs.add(name=node.name)
        entry.kind = _input_kind(node.name, index, self._role, self._facts)
        self._names[node] = node.name
        if isinstance(val, torch.Tensor):
            if val.is_complex() or val.is_neg():
                self._lazy.append(index)
                val = val.resolve_conj().resolve_neg()
            self._fill_tensor_meta(entry.tensor, val, node)
            if node in self._seen_storages:
                self._fill_storage_bytes(entry, val)
            entry.donated = self._is_alone(val, entry) and index in self._facts.donated
        elif isinstance(val, (int, torch.SymInt)) and not isinstance(val, bool):
            self._fill_expr(entry.sym_int, val)
        elif isinstance(val, (float, torch.SymFloat)):
            self._fill_expr(entry.sym_float, val)
        else:
            raise UnconvertibleNode(f"input {node.name}: {type(val).__name__} inputs have no wire form")

    def _add_attribute(self, node: torch.fx.Node) -> None:
        # The attribute is a real tensor, which a fake mode that is on would not touch.
        with unset_fake_temporarily():
            self._add_real_tensor(node)

    def _add_real_tensor(self, node: torch.fx.Node) -> None:
        value: Any = self._gm
        for part in str(node.target).split("."):
            value = getattr(value, part)
        if isinstance(value, torch.fx.GraphModule):
            user = next(iter(node.users), node)
            raise UnconvertibleNode(f"node {user.name}: {user.target} is not an ATen operator")
        if not isinstance(value, torch.Tensor):
            raise UnconvertibleNode(f"node {node.name}: attribute {node.target} is a {type(value).__name__}")
        if self._travels_as_number(node, value):
            self._add_scalar_constant(node, value)
            return
        entry = pb.Input(name=node.name, kind=pb.INPUT_KIND_BUFFER, constant=True)
        self._fill_tensor_meta(entry.tensor, value, node)
        if node in self._seen_storages:
            self._fill_storage_bytes(entry, value)
        self._constant_inputs.append(entry)
        self._constants.append(value.detach())
        self._names[node] = node.name

    def _travels_as_number(self, node: torch.fx.Node, value: torch.Tensor) -> bool:
        """Whether the server shall know what this constant of the graph holds."""
        return bool(value.numel() == 1 and value.device.type == "cpu" and value.layout == torch.strided)

    def _add_scalar_constant(self, node: torch.fx.Node, value: torch.Tensor) -> None:
        wire = self._graph.nodes.add(target="aten.full.default")
        self._argument(wire.inputs.add().value, list(value.shape), node)
        self._argument(wire.inputs.add().value, value.item(), node)
        for name, option in (("dtype", value.dtype), ("layout", value.layout), ("device", value.device)):
            self._argument(wire.inputs.add(name=name).value, option, node)
        wire.outputs.add(names=[node.name])
        self._names[node] = node.name

    def _add_call(self, node: torch.fx.Node) -> None:
        if node.target is operator.getitem:
            self._bind_result(node)
            return
        if node.target is torch.sym_sum:
            self._add_sum(node)
            return
        if node.target is with_effects:
            self._add_ordered_call(node)
            return
        if node.target is run_and_save_rng_state:
            self._add_saving_call(node)
            return
        if node.target is run_with_rng_state:
            self._add_replaying_call(node)
            return
        if isinstance(node.target, torch._ops.OpOverload):
            self._add_operator(node, node.target, node.args)
            return
        symbolic = SYMBOLIC_TARGETS.get(node.target)
        if symbolic is None:
            raise UnconvertibleNode(f"node {node.name}: {node.target} is not an ATen operator")
        wire = self._graph.nodes.add(target=symbolic)
        wire.outputs.add(names=[node.name])
        self._names[node] = node.name
        self._add_arguments(wire, node.args, node)

    def _add_operator(self, node: torch.fx.Node, op: torch._ops.OpOverload, args: Sequence[Any]) -> None:
        wire = self._graph.nodes.add(target=str(op))
        self._define_results(node, wire, op._schema)
        self._add_arguments(wire, args, node)

    def _add_arguments(self, wire: pb.Node, args: Sequence[Any], node: torch.fx.Node) -> None:
        for value in args:
            self._argument(wire.inputs.add().value, value, node)
        for key, value in node.kwargs.items():
            self._argument(wire.inputs.add(name=key).value, value, node)
        self._set_location(wire, node)

    def _add_ordered_call(self, node: torch.fx.Node) -> None:
        """An operator with an effect. Nodes keep their order by themselves, so its token is handed on as it came."""
        token, op, *args = node.args
        returns = op._schema.returns if isinstance(op, torch._ops.OpOverload) else None
        if returns is None or any(str(one.type) != "Tensor" for one in returns):
            raise UnconvertibleNode(f"node {node.name}: {op}, which has an effect, has no wire form")
        if token in self._places:
            self._tokens.append(self._places[token])
        wire = self._graph.nodes.add(target=str(op))
        outputs = [wire.outputs.add() for _ in returns]

        def set_name(index: int, name: str) -> None:
            outputs[index - 1].names.append(name)

        self._results[node] = _Results(set_name, [self._names[token], *[""] * len(returns)])
        self._add_arguments(wire, args, node)

    def _add_saving_call(self, node: torch.fx.Node) -> None:
        """The state is saved, then the operator draws. No FX name has a point, so the state's name is new."""
        self._saved_states[node] = self._add_get_state(node, "state")
        self._add_operator(node, *_wrapped_operator(node, node.args))

    def _add_replaying_call(self, node: torch.fx.Node) -> None:
        """The operator draws from the state given, and those after it from where they would have drawn."""
        state, *wrapped = node.args
        before = self._add_get_state(node, "before")
        self._argument(self._add_set_state(node), state, node)
        self._add_operator(node, *_wrapped_operator(node, wrapped))
        self._add_set_state(node).value = before

    def _add_get_state(self, node: torch.fx.Node, what: str) -> str:
        name = f"{node.name}.{what}"
        self._graph.nodes.add(target="kiln.get_rng_state.default").outputs.add(names=[name])
        return name

    def _add_set_state(self, node: torch.fx.Node) -> pb.Argument:
        wire = self._graph.nodes.add(target="kiln.set_rng_state.default")
        self._set_location(wire, node)
        return wire.inputs.add().value

    def _add_sum(self, node: torch.fx.Node) -> None:
        """A sum of many is a chain of sums of two. No FX name has a point, so the names in between are new."""
        terms = node.args[0]
        if not isinstance(terms, (list, tuple)) or len(terms) < 2:
            raise UnconvertibleNode(f"node {node.name}: a sum of {terms!r} has no wire form")
        first, *rest = terms
        for index, term in enumerate(rest, start=1):
            wire = self._graph.nodes.add(target="sym.add")
            left = wire.inputs.add().value
            if index == 1:
                self._argument(left, first, node)
            else:
                left.value = f"{node.name}.{index - 1}"
            self._argument(wire.inputs.add().value, term, node)
            wire.outputs.add(names=[node.name if index == len(rest) else f"{node.name}.{index}"])
            self._set_location(wire, node)
        self._names[node] = node.name

    def _define_results(self, node: torch.fx.Node, wire: pb.Node, schema: Any) -> None:
        returns = schema.returns
        if len(returns) == 1 and str(returns[0].type) != "List[Tensor]":
            wire.outputs.add(names=[node.name])
            self._names[node] = node.name
            return
        if len(returns) == 1:
            count = self._list_length(node)
            output = wire.outputs.add(is_list=True)
            output.names.extend([""] * count)
            self._results[node] = _Results(output.names.__setitem__, [""] * count)
            return
        outputs = [wire.outputs.add() for _ in returns]

        def set_name(index: int, name: str) -> None:
            outputs[index].names.append(name)

        self._results[node] = _Results(set_name, [""] * len(returns))

    def _list_length(self, node: torch.fx.Node) -> int:
        """How many tensors the list that `node` returns has."""
        return len(node.meta["val"])

    def _bind_result(self, node: torch.fx.Node) -> None:
        source, index = node.args
        if isinstance(source, torch.fx.Node) and source in self._saved_states:
            self._bind_saving_call(node, source, index)
            return
        results = self._results.get(source) if isinstance(source, torch.fx.Node) else None
        if results is None or not isinstance(index, int):
            raise UnconvertibleNode(f"node {node.name}: getitem of {source} is not a result of an operator")
        index = index + len(results.names) if index < 0 else index
        # Two getitem nodes of one place are one value.
        if not results.names[index]:
            results.names[index] = node.name
            results.set_name(index, node.name)
        self._names[node] = results.names[index]

    def _bind_saving_call(self, node: torch.fx.Node, source: torch.fx.Node, index: Any) -> None:
        """The state, or all that the operator makes."""
        if index == 0:
            self._names[node] = self._saved_states[source]
        elif source in self._results:
            self._results[node] = self._results[source]
        else:
            self._names[node] = self._names[source]

    def _add_outputs(self, node: torch.fx.Node) -> None:
        values = node.args[0]
        if not isinstance(values, (tuple, list)):
            values = (values,)
        for value in values:
            self._argument(self._graph.outputs.add(), value, node)
            val = value.meta.get("val") if isinstance(value, torch.fx.Node) else None
            if isinstance(val, torch.Tensor):
                self._outputs.append((DTYPE_IDS.get(str(val.dtype), 0), val.dim()))
            else:
                self._outputs.append((0, 0))

    # Arguments and metadata.

    def _argument(self, out: pb.Argument, value: Any, node: torch.fx.Node) -> None:
        if isinstance(value, torch.fx.Node):
            name = self._names.get(value)
            if name is None:
                raise UnconvertibleNode(f"node {node.name}: uses all results of {value.name} as one value")
            out.value = name
            return
        encode = LITERALS.get(type(value))
        if encode is not None:
            encode(out, value)
        elif isinstance(value, (list, tuple)):
            out.list.SetInParent()
            for item in value:
                self._argument(out.list.items.add(), item, node)
        elif isinstance(value, torch.SymInt) and value.node.expr.is_Integer:
            out.int = int(value.node.expr)
        elif isinstance(value, torch.SymFloat) and value.node.expr.is_Float:
            out.float = float(value.node.expr)
        else:
            raise UnconvertibleNode(f"node {node.name}: an argument of type {type(value).__name__} has no wire form")

    def _fill_tensor_meta(self, meta: pb.TensorMeta, val: torch.Tensor, node: torch.fx.Node) -> None:
        if val.is_nested:
            raise UnconvertibleNode(f"input {node.name}: nested tensors are not supported")
        if val.layout is not torch.strided:
            raise UnconvertibleNode(f"input {node.name}: layout {val.layout} is not supported")
        if val.is_conj() or val.is_neg():
            raise UnconvertibleNode(f"input {node.name}: a lazily conjugated or negated tensor has no wire form")
        dtype = DTYPE_IDS.get(str(val.dtype))
        if dtype is None:
            raise UnconvertibleNode(f"input {node.name}: dtype {val.dtype} is not in the export schema")
        meta.dtype = dtype
        for size in val.shape:
            self._fill_expr(meta.sizes.add(), size)
        for stride in val.stride():
            self._fill_expr(meta.strides.add(), stride)
        offset = val.storage_offset()
        # A functional graph reads an input through its own sizes and strides; where
        # it lies in its storage would only make a key of what does not matter.
        if node in self._seen_storages and not (isinstance(offset, int) and offset == 0):
            self._fill_expr(meta.storage_offset, offset)
        set_device(meta.device, val.device)
        meta.layout = pb.LAYOUT_STRIDED

    def _fill_storage_bytes(self, entry: pb.Input, val: torch.Tensor) -> None:
        """The size of the input's storage, where that is known in terms of the input's own symbols.

        A symbol that only the storage has would be known from no input of a call.
        """
        bytes_ = val.untyped_storage().nbytes()
        if isinstance(bytes_, int):
            # Less than the tensor needs where somebody resized the storage for a while.
            if not _reaches_beyond(val, bytes_):
                entry.storage_bytes.value = bytes_
            return
        own = {s for n in (*val.shape, *val.stride()) if isinstance(n, torch.SymInt) for s in n.node.expr.free_symbols}
        if bytes_.node.expr.free_symbols <= own and has_text_form(bytes_.node.expr):
            self._fill_expr(entry.storage_bytes, bytes_)

    def _fill_expr(self, out: pb.SymExpr, value: float | torch.SymInt | torch.SymFloat) -> None:
        if isinstance(value, int):
            out.value = value
            return
        if isinstance(value, float):
            out.expr = repr(value)
            return
        sym_node = value.node
        if not hasattr(sym_node, "shape_env"):
            raise UnconvertibleNode(f"the number {value} has no symbolic expression")
        # Each has its own symbols, and gives them the same names.
        if self._shape_env is not None and self._shape_env is not sym_node.shape_env:
            raise UnconvertibleNode(f"the number {value} is of another ShapeEnv than the sizes before it")
        self._shape_env = sym_node.shape_env
        expr = sym_node.expr
        if expr.is_Integer:
            out.value = int(expr)
            return
        text = self._expr_text.get(expr)
        if text is None:
            text = print_expr(expr)
            self._expr_text[expr] = text
            for symbol in sorted(expr.free_symbols, key=str):
                self._symbols.setdefault(symbol)
        out.expr = text

    def _is_alone(self, val: torch.Tensor, entry: pb.Input) -> bool:
        """Whether no other input was traced in the same storage. Takes the mark from the one that was.

        That inputs were traced in one storage is not sent: what AOTAutograd saved as
        views of one tensor comes back as the forward's code made it.
        """
        first = self._storages.setdefault(val.untyped_storage()._cdata, entry)
        if first is entry:
            return True
        first.donated = False
        return False

    def _set_location(self, wire: pb.Node, node: torch.fx.Node) -> None:
        # A wrapped operator's line stands at its results.
        traces = [n.meta.get("stack_trace") for n in (node, *node.users) if n is node or n.target is operator.getitem]
        trace = next(filter(None, traces), None)
        line = source_line(trace) if trace else ""
        if not line:
            return
        index = self._location_index.get(line)
        if index is None:
            self._graph.locations.append(line)
            index = len(self._graph.locations)
            self._location_index[line] = index
        wire.location = index

    # Symbols and what the client knows of them.

    def _declare_symbols(self) -> None:
        if not self._symbols:
            return
        env = self._shape_env
        for symbol in self._symbols:
            declaration = self._graph.symbols.add(name=symbol.name)
            is_float = is_float_name(symbol.name)
            bounds = env.var_to_range.get(symbol)
            if bounds is not None and not is_float:
                _set_bounds(declaration, bounds)
            hint = env.backed_var_to_val.get(symbol)
            if hint is None:
                declaration.policy = pb.DIM_POLICY_UNBACKED
            else:
                declaration.policy = pb.DIM_POLICY_AUTOMATIC
                if is_float:
                    declaration.float_hint = float(hint)
                else:
                    declaration.hint = int(hint)
        known = self._symbols.keys()
        self._graph.assumptions.extend(_assumptions(env, known))


def _wrapped_operator(node: torch.fx.Node, args: Sequence[Any]) -> tuple[torch._ops.OpOverload, Sequence[Any]]:
    """The operator that a higher-order operator calls, and its arguments."""
    op, *rest = args
    if not isinstance(op, torch._ops.OpOverload):
        raise UnconvertibleNode(f"node {node.name}: {node.target} of {op} has no wire form")
    return op, rest


def _reaches_beyond(val: torch.Tensor, storage_bytes: int) -> bool:
    """Whether a tensor of plain sizes needs more than `storage_bytes`."""
    if not all(isinstance(n, int) for n in (*val.shape, *val.stride(), val.storage_offset())) or val.numel() == 0:
        return False
    last = val.storage_offset() + sum((n - 1) * stride for n, stride in zip(val.shape, val.stride(), strict=True))
    return bool((last + 1) * val.element_size() > storage_bytes)


@dataclasses.dataclass
class _Results:
    set_name: Callable[[int, str], None]
    names: list[str]


def _set_bounds(declaration: pb.SymbolDeclaration, bounds: Any) -> None:
    lower = integer_bound(bounds.lower)
    upper = integer_bound(bounds.upper)
    if lower is not None:
        declaration.lower = lower
    if upper is not None:
        declaration.upper = upper


def _assumptions(env: Any, known: Any) -> Sequence[str]:
    """The facts that Dynamo guards or asserts, as far as they speak of `known` symbols."""
    facts: dict[str, None] = {}
    candidates = [guard.expr for guard in env.guards]
    for asserts in env.deferred_runtime_asserts.values():
        candidates.extend(runtime_assert.expr for runtime_assert in asserts)
    candidates.extend(sympy.Eq(symbol, expr) for symbol, expr in env.replacements.items())
    for fact in candidates:
        if fact in (sympy.true, sympy.false) or not fact.free_symbols:
            continue
        if fact.free_symbols <= known and has_text_form(fact):
            facts.setdefault(print_expr(fact))
    return list(facts)
