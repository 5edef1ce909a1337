"""A graph that AOTAutograd calls: compiled code where a variant fits, a question to the server where none does."""

from __future__ import annotations

import functools
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import torch

from kiln import _native
from kiln._fx.convert import ConvertedGraph, GraphRole
from kiln._fx.random_states import check_readable, is_own_state
from kiln._host import fallback
from kiln._host.misses import Misses
from kiln._host.session import Session
from kiln._host.statistics import STATISTICS
from kiln._wire.errors import KilnError, ServerUnavailable
from kiln.v1 import artifact_pb2

_numbers = itertools.count()

# What stands for the token of an effect.
_TOKEN = torch.empty(0)

# A server that was away is asked again after this long, not on every call.
_RETRY_SECONDS = 30.0
# So are those that had no time or no worker (base/error_reasons.def). Others are the graph's own.
_MAY_PASS = frozenset({"DEADLINE_EXCEEDED", "NO_SERVER", "OVERLOADED", "SHUTTING_DOWN", "WORKER_CRASHED"})
# Sizes that are remembered as refused.
_MOST_REFUSED = 4096

_GUARD_KINDS = {
    artifact_pb2.Guard.KIND_SHAPE: "shape",
    artifact_pb2.Guard.KIND_ASSUMPTION: "assumption",
    artifact_pb2.Guard.KIND_PERFORMANCE: "performance",
}


class CompiledGraph:
    """Its `function` takes a list of inputs and empties it. Thread-safe."""

    def __init__(
        self,
        role: GraphRole,
        converted: ConvertedGraph,
        session: Session,
        make_eager: Callable[[], Callable[..., Any]],
    ) -> None:
        """`make_eager` gives what PyTorch can run instead: it takes the graph's inputs, then its constants."""
        self.number = next(_numbers)
        self.role = role
        self._eager = functools.cache(make_eager)
        self._module = converted.module
        self._constants = converted.constants
        self._tokens = converted.tokens
        self._lazy = converted.lazy
        # With eager_random, states are PyTorch's, whoever saved them.
        self._random_states = () if session.eager_random else converted.random_states
        self._saves_random_states = converted.saves_random_states and not session.eager_random
        self._is_given_up = False
        self._session = session
        with STATISTICS.timed("digest"):
            self._native = _native.NativeGraph(converted.module.SerializeToString(), converted.outputs)
        self._lock = threading.Lock()
        # Symbol values for which the server has no variant, with the time to ask
        # again.
        self._refused: dict[tuple[int, ...], float] = {}
        self._last_reason = ""
        self._misses = Misses(f"graph {self.number} ({role.value})", session)
        STATISTICS.add_graph(self)

    def obtain_for_hints(self) -> bool:
        """Gets the variant for the sizes that were traced, so that the first call finds it. Whether there is one."""
        return self._obtain(self._native.hints)

    def require_for_hints(self) -> None:
        """The same, but where there is none that is a KilnError."""
        self._misses.note(self._session.obtain(self._native, self._module, self._native.hints))

    def learn_reasons(self) -> None:
        """Asks the server why it compiled what it compiled, where it still knows."""
        self._misses.learn()

    def function(self) -> Callable[[list[Any]], Any]:
        """What AOTAutograd calls on every step: nothing but a closure, since each call pays for it."""
        native, constants, without_variant = self._native, self._constants, self._call_without_variant

        def call(args: list[Any]) -> Any:
            if constants:
                args.extend(constants)
            outputs = native(args)
            return without_variant(args) if outputs is None else outputs

        has_states = self._random_states or self._saves_random_states
        function = self._with_own_states(call) if has_states else call
        if self._tokens or self._lazy:
            function = self._with_plain_inputs(function)
        # AOTAutograd's mark of a function that takes one list.
        function._boxed_call = True  # type: ignore[attr-defined]
        return function

    def _with_plain_inputs(self, call: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
        """Tokens of effects are traced as empty tensors and come as None; a tensor may be a view that conjugates."""
        tokens, lazy = self._tokens, self._lazy

        def call_with_plain_inputs(args: list[Any]) -> Any:
            for place in tokens:
                args[place] = _TOKEN
            for place in lazy:
                args[place] = args[place].resolve_conj().resolve_neg()
            return call(args)

        return call_with_plain_inputs

    def give_up_states(self) -> None:
        """The graph that would draw its random numbers again cannot be compiled: so this one runs eagerly too."""
        self._is_given_up = self._saves_random_states

    def _with_own_states(self, call: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
        """Compiled code draws only from states that compiled code saved."""
        states = self._random_states

        def call_with_own_states(args: list[Any]) -> Any:
            if self._is_given_up or not all(is_own_state(args[place]) for place in states):
                args.extend(self._constants)
                return self._call_eagerly(args)
            return call(args)

        return call_with_own_states

    def _call_without_variant(self, args: list[Any]) -> Any:
        STATISTICS.count("guard_misses")
        try:
            symbols = self._native.symbol_values(args)
        except KilnError as error:
            fallback.report(error)
            return self._call_eagerly(args)
        if self._is_refused(symbols):
            return self._call_eagerly(args)
        with self._lock:
            # Another thread may have got it meanwhile.
            outputs = self._native(args)
            if outputs is None and self._obtain(symbols):
                outputs = self._native(args)
        return self._call_eagerly(args) if outputs is None else outputs

    def _obtain(self, symbols: list[int]) -> bool:
        """Whether a variant was loaded; reports why not."""
        if self._is_refused(symbols):
            return False
        key = tuple(symbols)
        try:
            self._misses.note(self._session.obtain(self._native, self._module, symbols))
        except KilnError as error:
            may_pass = isinstance(error, ServerUnavailable) or error.reason in _MAY_PASS
            if len(self._refused) >= _MOST_REFUSED:
                self._refused.clear()
            self._refused[key] = time.monotonic() + _RETRY_SECONDS if may_pass else float("inf")
            self._last_reason = str(error)
            fallback.report(error)
            return False
        return True

    def _is_refused(self, symbols: list[int]) -> bool:
        return time.monotonic() < self._refused.get(tuple(symbols), 0.0)

    def _call_eagerly(self, args: list[Any]) -> Any:
        STATISTICS.count("eager_calls")
        inputs = list(args)
        args.clear()
        check_readable(inputs, self._random_states)
        return self._eager()(*inputs)

    def describe(self) -> dict[str, Any]:
        """For people: what it is, its variants with their guards, and what they call."""
        return {
            "number": self.number,
            "role": self.role.value,
            "graph_digest": self._native.graph_digest.hex(),
            "symbols": dict(zip(self._native.symbols, self._native.original_symbols, strict=True)),
            "nodes": len(self._native.nodes),
            "eager_because": self._last_reason,
            "compiled_because": self._misses.texts(),
            "variants": [self._describe_variant(variant) for variant in self._native.variants()],
        }

    def _describe_variant(self, variant: dict[str, Any]) -> dict[str, Any]:
        record = artifact_pb2.VariantRecord.FromString(variant["record"])
        manifest = artifact_pb2.Manifest.FromString(variant["manifest"])
        return {
            "artifact": record.artifact_sha256.hex(),
            "artifact_bytes": record.artifact_bytes,
            "guards": [self._describe_guard(guard) for guard in record.guards],
            "hits": variant["hits"],
            "first_call_seconds": variant["first_call_seconds"],
            "compile_seconds": record.compile_seconds,
            "compiled_for": record.requester,
            "isa_features": list(record.isa_features),
            "packed_weights": variant["packed_weights"],
            "kernels": [{"symbol": k.symbol, "ops": list(k.ops), "launches": k.launches} for k in manifest.kernels],
            "extern_ops": {
                op.name: {"call_sites": op.call_sites, "way": variant["extern_ops"][op.name]}
                for op in manifest.extern_ops
            },
        }

    def _describe_guard(self, guard: artifact_pb2.Guard) -> str:
        kind = _GUARD_KINDS.get(guard.kind, "?")
        reason = guard.reason
        # The node's line is ours, not that of whoever compiled it first.
        known = 0 <= reason.node < len(self._native.nodes)
        where = self._native.nodes[reason.node] if known else "inputs"
        return f"{guard.condition}  [{kind}] {where}: {reason.what}"
