"""One server, as calls that return messages or raise KilnError."""

from __future__ import annotations

import time
import uuid
from typing import Any

from kiln._wire.error_details import reason_of
from kiln._wire.errors import KilnError, ServerUnavailable
from kiln.v1 import artifact_pb2, compile_service_pb2

# Artifacts have at most 64 MiB; the rest of a reply is small.
_MAX_REPLY_BYTES = 80 << 20
# A lookup takes microseconds on the server: one that takes longer is no help.
_LOOKUP_SECONDS = 10.0
# Advice, which nothing waits for long.
_PROFILE_SECONDS = 2.0

# gRPC codes that mean "nobody answered", when the server gave no reason itself.
_UNREACHABLE = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"})


class Connection:
    """A channel to one address. Thread-safe. gRPC is imported with the first one."""

    def __init__(self, address: str) -> None:
        start = time.perf_counter()
        import grpc

        from kiln.v1 import compile_service_pb2_grpc

        self.address = address
        self.import_seconds = time.perf_counter() - start
        self._rpc_error = grpc.RpcError
        self._channel = grpc.insecure_channel(
            address,
            options=[
                ("grpc.max_receive_message_length", _MAX_REPLY_BYTES),
                ("grpc.max_send_message_length", -1),
                # A proxy that serves web pages is of no use here.
                ("grpc.enable_http_proxy", 0),
            ],
        )
        self._stub: Any = compile_service_pb2_grpc.CompileServiceStub(self._channel)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self._channel.close()

    def lookup(self, request: compile_service_pb2.LookupRequest) -> compile_service_pb2.LookupResponse:
        """KilnError with the server's reason; ServerUnavailable if nobody answers."""
        try:
            response: compile_service_pb2.LookupResponse = self._stub.Lookup(request, timeout=_LOOKUP_SECONDS)
            return response
        except self._rpc_error as error:
            raise self._as_kiln_error("Lookup", error) from None

    def profile_shapes(
        self, request: compile_service_pb2.ProfileShapesRequest
    ) -> compile_service_pb2.ProfileShapesResponse:
        """KilnError UNIMPLEMENTED from a server that is older."""
        try:
            response: compile_service_pb2.ProfileShapesResponse = self._stub.ProfileShapes(
                request, timeout=_PROFILE_SECONDS
            )
            return response
        except self._rpc_error as error:
            raise self._as_kiln_error("ProfileShapes", error) from None

    def compile(
        self, request: compile_service_pb2.CompileRequest, deadline_seconds: float
    ) -> compile_service_pb2.CompileResult:
        """The stream's result; its progress is not needed here."""
        try:
            for response in self._stub.Compile(request, timeout=deadline_seconds):
                if response.WhichOneof("kind") == "result":
                    result: compile_service_pb2.CompileResult = response.result
                    return result
        except self._rpc_error as error:
            raise self._as_kiln_error("Compile", error) from None
        raise ServerUnavailable(f"{self.address}: Compile ended without a result")

    def explain(self, request: compile_service_pb2.ExplainRequest) -> compile_service_pb2.ExplainResponse:
        """Errors as lookup's; UNKNOWN_SUBJECT for a request that the server has forgotten."""
        try:
            response: compile_service_pb2.ExplainResponse = self._stub.Explain(request, timeout=_LOOKUP_SECONDS)
            return response
        except self._rpc_error as error:
            raise self._as_kiln_error("Explain", error) from None

    def artifact_of(
        self, variant: compile_service_pb2.Variant, header: compile_service_pb2.RequestHeader, deadline_seconds: float
    ) -> bytes:
        """The variant's ELF: what came with it, or fetched in chunks."""
        if variant.artifact:
            return bytes(variant.artifact)
        record = artifact_pb2.VariantRecord.FromString(variant.signed.record)
        request = compile_service_pb2.GetArtifactRequest(header=header, sha256=record.artifact_sha256)
        try:
            replies = self._stub.GetArtifact(request, timeout=deadline_seconds)
            return b"".join(reply.data for reply in replies)
        except self._rpc_error as error:
            raise self._as_kiln_error("GetArtifact", error) from None

    def _as_kiln_error(self, rpc: str, error: Any) -> KilnError:
        code = error.code().name
        message = f"{self.address}: {rpc}: {error.details()}"
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                reason = reason_of(value)
                if reason:
                    return KilnError(reason, message)
        return ServerUnavailable(message) if code in _UNREACHABLE else KilnError(code, message)


def new_request_id() -> str:
    return uuid.uuid4().hex
