"""This process's dealings with one server: looks up, compiles, fetches, loads."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import threading
from collections.abc import Sequence
from typing import Any

import torch

from kiln import _native
from kiln._fx.convert import GraphRole
from kiln._host import generator_state
from kiln._host.statistics import STATISTICS
from kiln._wire.connection import Connection, new_request_id
from kiln._wire.embedded_server import ensure_embedded_server
from kiln._wire.errors import KilnError, ServerUnavailable
from kiln._wire.settings import Settings
from kiln.v1 import artifact_pb2, compile_service_pb2, graph_pb2

# Those of oneDNN that compute an activation or a sum with a product or a convolution.
_EPILOGUE_OPS = (
    "mkldnn._convolution_pointwise.binary",
    "mkldnn._convolution_pointwise.default",
    "mkldnn._linear_pointwise.binary",
    "mkldnn._linear_pointwise.default",
)


def _extern_ops() -> tuple[str, ...]:
    """PyTorch serves every ATen operator, generator_state.py two more, and oneDNN its own where it is built in."""
    return ("aten.*", "kiln.*", *(_EPILOGUE_OPS if torch.backends.mkldnn.is_available() else ()))


@dataclasses.dataclass(frozen=True)
class Obtained:
    """How a variant was come by."""

    # By the names of compile_service.proto, less the prefix: "memory", "compiled".
    tier: str
    # Why the lookup missed, by the labels of the server's metric; empty for a hit.
    reasons: tuple[str, ...]
    # Of the request that was answered with it: what `explain` takes.
    request_id: str


@dataclasses.dataclass(frozen=True)
class _Endpoint:
    connection: Connection
    trust: _native.Trust


def _read_trust(keys: str, settings: Settings) -> _native.Trust:
    if not pathlib.Path(keys).is_file():
        raise KilnError("NO_TRUSTED_KEYS", f"trusted keys: {keys} is no file")
    revoked_builds = "".join(f"build {build}\n" for build in settings.revoked_builds)
    trust = _native.Trust(keys, settings.revoked, revoked_builds)
    if not trust:
        raise KilnError("NO_TRUSTED_KEYS", f"trusted keys: {keys} has none")
    return trust


class Session:
    """Thread-safe. Connects with the first request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._endpoint: _Endpoint | None = None
        self._options = dict(settings.compile_options)
        self._options_digest = _native.options_digest(self._options)
        generator_state.serve()

    @property
    def eager_random(self) -> bool:
        return self._settings.eager_random

    def obtain(self, graph: _native.NativeGraph, module: graph_pb2.GraphModule, symbols: list[int]) -> Obtained:
        """Loads a variant of the graph that fits these symbols' values. KilnError with the reason if there is none."""
        try:
            return self._obtain(graph, module, symbols)
        except ServerUnavailable:
            if self._settings.address:
                raise
            # The embedded server went away when it was idle: start it again, once.
            self._disconnect()
            return self._obtain(graph, module, symbols)

    def profile_shapes(
        self, request: compile_service_pb2.ProfileShapesRequest
    ) -> compile_service_pb2.ProfileShapesResponse:
        """`request` without a header. KilnError if the server does not answer, or is older."""
        request.header.CopyFrom(self._header(new_request_id()))
        return self._connect().connection.profile_shapes(request)

    def explain(self, request_id: str) -> str:
        """Why the server answered a request as it did, in one line. KilnError if it cannot say."""
        request = compile_service_pb2.ExplainRequest(header=self._header(new_request_id()), request_id=request_id)
        summary: str = self._connect().connection.explain(request).summary
        return summary

    def _obtain(self, graph: _native.NativeGraph, module: graph_pb2.GraphModule, symbols: list[int]) -> Obtained:
        endpoint = self._connect()
        request_id = new_request_id()
        with STATISTICS.timed("lookup"):
            found = self._lookup(endpoint, graph, symbols, request_id)
        if found.found:
            variant = found.variant
        else:
            request_id = new_request_id()
            with STATISTICS.timed("compile"):
                variant = self._compile(endpoint, graph, module, symbols, found.graph_known, request_id)
        with STATISTICS.timed("fetch"):
            elf = endpoint.connection.artifact_of(variant, self._header(request_id), self._settings.deadline_seconds)
        with STATISTICS.timed("load"):
            graph.load(
                variant.signed.SerializeToString(),
                elf,
                self._options_digest,
                self._settings.domain,
                _target(),
                endpoint.trust,
            )
        tier = compile_service_pb2.Tier.Name(variant.tier).removeprefix("TIER_").lower()
        reasons = tuple(_label(reason) for reason in found.reasons)
        STATISTICS.count_variant(tier)
        STATISTICS.count_misses(reasons)
        return Obtained(tier, reasons, request_id)

    def warm(
        self,
        graph: _native.NativeGraph,
        module: graph_pb2.GraphModule,
        symbols: list[int],
        hosts: Sequence[compile_service_pb2.HostCapabilities],
    ) -> list[bytes]:
        """Has the server compile the graph for each of these hosts. The artifacts' digests; none is fetched."""
        endpoint = self._connect()
        artifacts = []
        for host in hosts:
            request_id = new_request_id()
            found = self._lookup(endpoint, graph, symbols, request_id, host)
            if found.found:
                variant = found.variant
            else:
                variant = self._compile(endpoint, graph, module, symbols, found.graph_known, request_id, host)
            artifacts.append(artifact_pb2.VariantRecord.FromString(variant.signed.record).artifact_sha256)
        return artifacts

    def _lookup(
        self,
        endpoint: _Endpoint,
        graph: _native.NativeGraph,
        symbols: list[int],
        request_id: str,
        host: compile_service_pb2.HostCapabilities | None = None,
    ) -> compile_service_pb2.LookupResponse:
        STATISTICS.count("requests")
        return endpoint.connection.lookup(
            compile_service_pb2.LookupRequest(
                header=self._header(request_id),
                graph_digest=graph.graph_digest,
                signature_digest=graph.signature_digest,
                options=self._compile_options(),
                host=host or _capabilities(),
                symbol_values=symbols,
            )
        )

    def _compile(
        self,
        endpoint: _Endpoint,
        graph: _native.NativeGraph,
        module: graph_pb2.GraphModule,
        symbols: list[int],
        known: bool,
        request_id: str,
        host: compile_service_pb2.HostCapabilities | None = None,
    ) -> compile_service_pb2.Variant:
        request = compile_service_pb2.CompileRequest(
            header=self._header(request_id), options=self._compile_options(), host=host or _capabilities()
        )
        if known:
            request.ref.graph_digest = graph.graph_digest
            request.ref.signature_digest = graph.signature_digest
            request.ref.symbol_values.extend(symbols)
        else:
            request.module.CopyFrom(with_hints(module, dict(zip(graph.original_symbols, symbols, strict=True))))
        STATISTICS.count("requests")
        try:
            return endpoint.connection.compile(request, self._settings.deadline_seconds).variant
        except KilnError as error:
            if not known or error.reason != "GRAPH_NOT_FOUND":
                raise
        # It was evicted in between.
        return self._compile(endpoint, graph, module, symbols, known=False, request_id=request_id, host=host)

    def _connect(self) -> _Endpoint:
        with self._lock:
            if self._endpoint is None:
                with STATISTICS.timed("connect"):
                    self._endpoint = self._new_endpoint()
            return self._endpoint

    def _new_endpoint(self) -> _Endpoint:
        address, keys = self._settings.address, self._settings.trusted_keys
        if address and not keys:
            raise KilnError(
                "NO_TRUSTED_KEYS",
                f"{address}: set KILN_TRUSTED_KEYS to a copy of its signing_key.pub; "
                "keys are never taken from the server itself",
            )
        if not address:
            server = ensure_embedded_server()
            address, keys = server.address, keys or server.trusted_keys
        trust = _read_trust(keys, self._settings)
        connection = Connection(address)
        STATISTICS.add_seconds("import_grpc", connection.import_seconds)
        return _Endpoint(connection, trust)

    def reload_trust(self) -> None:
        """Reads the files of trusted keys and of revocations now. KilnError for one that is malformed."""
        with self._lock:
            if self._endpoint is not None:
                self._endpoint.trust.reload()

    def _disconnect(self) -> None:
        with self._lock:
            if self._endpoint is not None:
                self._endpoint.connection.close()
            self._endpoint = None

    def _header(self, request_id: str) -> compile_service_pb2.RequestHeader:
        return compile_service_pb2.RequestHeader(
            request_id=request_id,
            domain=self._settings.domain,
            requester=self._settings.requester,
            job=self._settings.job,
        )

    def _compile_options(self) -> compile_service_pb2.CompileOptions:
        return compile_service_pb2.CompileOptions(values=self._options)


def _label(reason: Any) -> str:
    """A number that this client has no name for is from a newer server."""
    try:
        name: str = compile_service_pb2.MissReason.Name(reason)
    except ValueError:
        return str(int(reason))
    return name.removeprefix("MISS_REASON_").lower()


def with_hints(module: graph_pb2.GraphModule, hints: dict[str, int]) -> graph_pb2.GraphModule:
    """The module with these values, by its own symbols' names, as hints. Unbacked symbols keep none."""
    result = graph_pb2.GraphModule()
    result.CopyFrom(module)
    for symbol in result.graphs[result.entry].symbols:
        if symbol.HasField("hint"):
            symbol.hint = hints.get(symbol.name, symbol.hint)
    return result


@functools.cache
def _target() -> bytes:
    return _native.detect_target(torch.get_num_threads())


def capabilities_of(target: artifact_pb2.Target) -> compile_service_pb2.HostCapabilities:
    """Of a host with this PyTorch on that processor."""
    return compile_service_pb2.HostCapabilities(
        abi_min=_native.ABI_VERSION, abi_max=_native.ABI_VERSION, target=target, extern_ops=_extern_ops()
    )


@functools.cache
def _capabilities() -> compile_service_pb2.HostCapabilities:
    return capabilities_of(artifact_pb2.Target.FromString(_target()))


_sessions_lock = threading.Lock()
_sessions: dict[Settings, Session] = {}


def session_of(settings: Settings) -> Session:
    """The process's session for these settings."""
    with _sessions_lock:
        session = _sessions.get(settings)
        if session is None:
            session = _sessions[settings] = Session(settings)
        return session


def reload_trust() -> None:
    """For every session of the process."""
    with _sessions_lock:
        sessions = list(_sessions.values())
    for session in sessions:
        session.reload_trust()


def session_for(settings: Settings, role: GraphRole) -> Session:
    """That of a graph: training changes its weights at each step, so none is worth packing."""
    return session_of(settings if role is GraphRole.INFERENCE else settings.without("pack_weights"))
