"""Sizes that vary from job to job: symbolic from the first trace on, since other jobs have told theirs.

Before a frame is traced the server is asked which of its sizes vary, by the digest of the frame's code; these stand in
torch.compiler.config.dynamic_sources for this trace only, so that a name means nothing in another frame. After it the
server is told the sizes that this job has. Both are advice: whatever goes wrong costs a compile and nothing else.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.compiler.config
import torch.fx

from kiln._host.session import session_of
from kiln._host.statistics import STATISTICS
from kiln._host.traced_frame import TracedFrame, code_digest, watch_traces
from kiln._wire.errors import KilnError
from kiln._wire.settings import Settings, read_settings
from kiln.v1 import compile_service_pb2

_log = logging.getLogger("kiln")

# After a failure the server is left alone for so long.
_PAUSE_SECONDS = 30.0

# The dimension by which the server knows an integer.
_SCALAR = -1


@dataclasses.dataclass
class _Trace:
    """A trace that is under way."""

    frame: TracedFrame
    settings: Settings
    subject: bytes
    # dynamic_sources as the user has it.
    sources_before: str


class _State(threading.local):
    trace: _Trace | None = None


_state = _State()
_lock = threading.Lock()
_is_watching = False
_paused_until = 0.0


def watch(backend: Callable[..., Any]) -> None:
    """From now on traces for `backend` ask first. Does nothing the second time."""
    global _is_watching
    with _lock:
        if not _is_watching:
            watch_traces(backend, _before_trace, _after_trace)
            _is_watching = True


def _before_trace(frame: TracedFrame) -> None:
    try:
        settings = read_settings(frame.options)
        # With dynamic=True everything is symbolic, with dynamic=False the user wants nothing to be.
        if not settings.shape_profile or frame.dynamic is not None:
            return
        before = torch.compiler.config.dynamic_sources
        _state.trace = _Trace(frame, settings, code_digest(frame.code), before)
        sources = [_source_entry(dim) for dim in _ask(_state.trace, []) if dim.varies]
        if sources:
            STATISTICS.count("traces_with_shape_profile")
            torch.compiler.config.dynamic_sources = ",".join([before, *sources] if before else sources)
    except Exception:
        _log.debug("kiln: no shape profile for %s", frame.name, exc_info=True)


def _after_trace() -> None:
    trace, _state.trace = _state.trace, None
    if trace is not None:
        torch.compiler.config.dynamic_sources = trace.sources_before


def observe(gm: torch.fx.GraphModule) -> None:
    """Tells the server the sizes of the graph that Dynamo has just traced."""
    trace = _state.trace
    if trace is None:
        return
    try:
        observations = [*_tensor_sizes(gm), *_integers(trace.frame)]
        if observations:
            _ask(trace, observations)
    except Exception:
        _log.debug("kiln: sizes of %s are not told", trace.frame.name, exc_info=True)


def _ask(
    trace: _Trace, observations: list[compile_service_pb2.ShapeObservation]
) -> Sequence[compile_service_pb2.ProfileShapesResponse.Dim]:
    global _paused_until
    if time.monotonic() < _paused_until:
        return ()
    request = compile_service_pb2.ProfileShapesRequest(
        subject=trace.subject, subject_name=trace.frame.name, observations=observations
    )
    try:
        with STATISTICS.timed("shape_profile"):
            response = session_of(trace.settings).profile_shapes(request)
    except KilnError as error:
        _log.debug("kiln: no shape profile: %s", error)
        _paused_until = time.monotonic() + _PAUSE_SECONDS
        return ()
    return response.subjects[0].dims if response.subjects else ()


def _source_entry(dim: compile_service_pb2.ProfileShapesResponse.Dim) -> str:
    return dim.source if dim.dim == _SCALAR else f"{dim.source}:{dim.dim}"


def _is_tellable(source: str) -> bool:
    """Whether `source` can stand in dynamic_sources, where commas part entries and spaces are lost."""
    return bool(source) and not set(source) & {",", " "}


def _tensor_sizes(gm: torch.fx.GraphModule) -> Iterator[compile_service_pb2.ShapeObservation]:
    for node in gm.graph.find_nodes(op="placeholder"):
        value = node.meta.get("example_value")
        source = getattr(getattr(node, "_dynamo_source", None), "name", "")
        if not isinstance(value, torch.Tensor) or not _is_tellable(source) or _is_of_module(source, value):
            continue
        sizes = [_hint(size) for size in value.shape]
        if sizes and None not in sizes:
            yield compile_service_pb2.ShapeObservation(source=source, sizes=sizes, valid=map(_valid_range, value.shape))


def _is_of_module(source: str, value: torch.Tensor) -> bool:
    """Sizes of weights differ from model to model, never from call to call."""
    return isinstance(value, torch.nn.Parameter) or "_parameters[" in source or "_buffers[" in source


def _hint(size: Any) -> int | None:
    """A size as it is now; None of one that is not known before it runs."""
    if not isinstance(size, torch.SymInt):
        return int(size)
    return size.node.hint if size.node.has_hint() else None


def _valid_range(size: Any) -> compile_service_pb2.SizeRange:
    """For which sizes the trace holds, as far as guards on this size alone say."""
    valid = compile_service_pb2.SizeRange()
    if isinstance(size, torch.SymInt) and size.node.expr.is_Symbol:
        bounds = size.node.shape_env.bound_sympy(size.node.expr)
        # 2 is where PyTorch's own case of 0 and 1 ends.
        if bounds.lower.is_Integer and bounds.lower > 2:
            valid.min = int(bounds.lower)
        if bounds.upper.is_Integer and bounds.upper < 2**62:
            valid.max = int(bounds.upper)
    return valid


def _integers(frame: TracedFrame) -> Iterator[compile_service_pb2.ShapeObservation]:
    """Integers that Dynamo has taken as constants are no inputs of the graph; its own profile has them."""
    from torch._dynamo import pgo

    state = pgo.get_code_state().get(pgo.CodeId.make(frame.code))
    for source, entry in state.automatic_dynamic.items() if state is not None else ():
        if type(entry.scalar) is int and entry.scalar >= 0 and _is_tellable(source):
            yield compile_service_pb2.ShapeObservation(source=source, sizes=[entry.scalar], is_scalar=True)
