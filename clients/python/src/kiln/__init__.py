"""Kiln: `torch.compile(model, backend="kiln")`.

    import kiln

    model = torch.compile(model, backend="kiln")
    kiln.stats()    # counters and seconds of this process
    kiln.graphs()   # every compiled graph: variants, guards, operators left to PyTorch
    kiln.explain()  # the same as text, and why each variant was not found but compiled
    kiln.profile()  # with KILN_PROFILE=1: time, bytes and source lines of every kernel

    # What is known of every value of a graph of ATen operators, without a server.
    print(kiln.propagate(graph_module, example_inputs, dynamic=True))

Importing this package imports neither PyTorch nor gRPC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kiln._wire.errors import KilnError

if TYPE_CHECKING:
    from kiln._fx.propagated_graph import PropagatedGraph

    backend: Callable[..., Any]

__all__ = ["KilnError", "backend", "explain", "extern_calls", "graphs", "profile", "propagate", "reload_trust", "stats"]


def _backend(gm: Any, example_inputs: Any, **kwargs: Any) -> Callable[..., Any]:
    """What torch.compile finds under the name "kiln"."""
    from kiln._host.backend import backend as compile_with_kiln

    return compile_with_kiln(gm, example_inputs, **kwargs)


def __getattr__(name: str) -> Any:
    if name != "backend":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Whoever takes the backend is about to trace, before which sizes are asked about.
    from kiln._host.shape_profile import watch

    watch(_backend)
    globals()["backend"] = _backend
    return _backend


def stats() -> dict[str, Any]:
    """Counters and seconds of this process."""
    from kiln._host.statistics import STATISTICS

    return STATISTICS.snapshot()


def graphs() -> list[dict[str, Any]]:
    """The compiled graphs that are alive, in the order of their making."""
    from kiln._host.statistics import STATISTICS

    return [graph.describe() for graph in STATISTICS.graphs()]


def extern_calls() -> dict[str, dict[str, int]]:
    """Operators that PyTorch served, and how often by which way: typed, dispatcher or python."""
    from kiln import _native

    return _native.extern_calls()


def profile() -> list[dict[str, Any]]:
    """With KILN_PROFILE=1 in the environment: a row for each kernel and extern operator call of every graph.

    Those that took longest come first. A row has `name`, `kind` ("kernel" or "extern"), `graph` (its digest), `nodes`
    with their source lines, `calls`, `seconds`, and the `bytes` and scalar `operations` that it needed at least: a
    kernel that reads each of its elements once and is bound by memory takes `bytes` over the machine's bandwidth.

    KILN_PROFILE=PATH also writes every run of every step to PATH when the process ends, as a Chrome trace. In
    torch.profiler, kernels stand under their names with their source lines.
    """
    from kiln._host.profile import rows

    return rows()


def reload_trust() -> None:
    """Reads KILN_TRUSTED_KEYS and KILN_REVOKED again, now: what they revoke is not called any more.

    Files that have changed are noticed by themselves, within a second of the next call. Raises KilnError for a file
    that is malformed, whose line it names; what it said before goes on to hold.
    """
    from kiln._host.session import reload_trust as reload

    reload()


def explain() -> str:
    """The graphs as text: variants with their guards, and why each had to be compiled, as far as the server knows.

    The same reasons are logged as they happen, with KILN_LOG=info or TORCH_LOGS="kiln".
    """
    from kiln._host.explain import explain as as_text
    from kiln._host.statistics import STATISTICS

    for graph in STATISTICS.graphs():
        graph.learn_reasons()
    return as_text(graphs())


def propagate(
    graph_module: Any,
    example_inputs: Sequence[Any],
    *,
    dynamic_shapes: Sequence[Any] | None = None,
    dynamic: bool = False,
) -> PropagatedGraph:
    """What is known of every value of an FX graph without running it: types, sizes, strides, aliases, guards.

    Runs in this process and needs no server. No tensor's data is read, but for
    one-element constants of the graph that go through `lift_fresh`, as PyTorch's
    FakeTensorMode does.

    Args:
        graph_module: a torch.fx.GraphModule of ATen operators, as make_fx, torch.export
            and AOTAutograd make them. `node.meta` is not looked at, but for
            `stack_trace`, from which errors and guards have the user's line.
        example_inputs: one per placeholder, in order: tensors, real or fake, of any
            strided layout; integers; SymInts. Sizes of fake tensors that are
            expressions of a ShapeEnv stay what they are, with what it knows of them.
        dynamic_shapes: one entry per example input, as torch.export has it: None (all
            static), or what each dimension may be, as {dimension: policy} or a
            sequence. For an integer the policy itself. A policy is

            - None, an int or Dim.STATIC: the size that it has;
            - Dim.AUTO: a symbol, which a test may specialise;
            - Dim.DYNAMIC, a name or a Dim of torch.export with its bounds: a symbol
              that must stay one; what would specialise it is an error. Dimensions of
              one name have one size.
        dynamic: every dimension and integer input of plain numbers is Dim.AUTO, equal
            ones being one symbol, and 0 and 1 staying numbers: what
            torch.compile(dynamic=True) does.

    Returns:
        A PropagatedGraph: `result[node]` for each node of the graph, `result.guards`,
        `result.symbols`, `result.input_writes`; `str(result)` is the table that
        `kiln propagate` prints.

    Raises:
        KilnError: with the `reason` of what is wrong. UNCONVERTIBLE_NODE: a node that is
            no ATen operator, or an argument that has no wire form.
            BAD_INPUT_METADATA: inputs or `dynamic_shapes` that do not fit the graph or
            one another. Else what the server would answer (SHAPE_MISMATCH,
            SPECIALIZED_DYNAMIC_DIM, ...), the message naming the FX node.
    """
    from kiln._fx.propagate import propagate_graph

    return propagate_graph(graph_module, example_inputs, dynamic_shapes=dynamic_shapes, dynamic=dynamic)
