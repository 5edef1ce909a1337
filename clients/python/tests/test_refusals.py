"""What the host refuses to load, tried with a real artifact of a real server."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import pytest
import torch
from captured import capture
from conftest import Server
from kiln.v1 import artifact_pb2, compile_service_pb2

from kiln import _native
from kiln._fx.convert import GraphRole
from kiln._wire.connection import Connection
from kiln._wire.errors import KilnError


@dataclasses.dataclass
class Compiled:
    graph: _native.NativeGraph
    variant: compile_service_pb2.Variant
    elf: bytes
    keys: str

    def load(self, **changes: Any) -> None:
        arguments: dict[str, Any] = {
            "signed_variant": self.variant.signed.SerializeToString(),
            "elf": self.elf,
            "options_digest": _native.options_digest({}),
            "domain": "",
            "target": _native.detect_target(1),
            "trust": _native.Trust(self.keys),
        }
        graph = changes.pop("graph", self.graph)
        graph.load(**{**arguments, **changes})


def _graph(run: Any) -> tuple[_native.NativeGraph, bytes]:
    converted = capture(run, torch.randn(4, 5))[GraphRole.INFERENCE]
    module = converted.module.SerializeToString()
    return _native.NativeGraph(module, converted.outputs), module


@pytest.fixture
def compiled(server: Server) -> Compiled:
    _native.initialize()
    graph, module = _graph(lambda x: x.sin() * 2)
    host = compile_service_pb2.HostCapabilities(
        abi_min=_native.ABI_VERSION,
        abi_max=_native.ABI_VERSION,
        target=artifact_pb2.Target.FromString(_native.detect_target(1)),
        extern_ops=["aten.*"],
    )
    request = compile_service_pb2.CompileRequest(host=host)
    request.module.ParseFromString(module)
    connection = Connection(server.address)
    variant = connection.compile(request, 60.0).variant
    elf = connection.artifact_of(variant, request.header, 60.0)
    return Compiled(graph, variant, elf, server.trusted_keys)


def _refusal(compiled: Compiled, **changes: Any) -> str:
    with pytest.raises(KilnError) as raised:
        compiled.load(**changes)
    return raised.value.reason


def test_loads_and_runs(compiled: Compiled) -> None:
    compiled.load()
    x = torch.randn(3, 7)
    args: list[Any] = [x if entry is torch.Tensor else entry for entry in _arguments(compiled.graph, x)]
    outputs = compiled.graph(args)
    assert outputs is not None
    assert args == []
    torch.testing.assert_close(outputs[0], x.sin() * 2)


def _arguments(graph: _native.NativeGraph, x: torch.Tensor) -> list[Any]:
    """Symbolic sizes come first, as Dynamo passes them."""
    return [*x.shape, x] if len(graph.symbols) == 2 else [x]


def test_every_flipped_bit_is_refused(compiled: Compiled) -> None:
    for at in range(0, len(compiled.elf), max(1, len(compiled.elf) // 50)):
        bad = bytearray(compiled.elf)
        bad[at] ^= 1 << (at % 8)
        assert _refusal(compiled, elf=bytes(bad)) == "ARTIFACT_CORRUPT"


def test_another_key_is_refused(compiled: Compiled, tmp_path: pathlib.Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("11" * 32)
    assert _refusal(compiled, trust=_native.Trust(str(keys))) == "ARTIFACT_UNTRUSTED"


def test_a_changed_record_is_refused(compiled: Compiled) -> None:
    signed = artifact_pb2.SignedVariant()
    signed.CopyFrom(compiled.variant.signed)
    record = artifact_pb2.VariantRecord.FromString(signed.record)
    del record.guards[:]
    signed.record = record.SerializeToString() + b"\x08\x01"
    assert _refusal(compiled, signed_variant=signed.SerializeToString()) == "ARTIFACT_UNTRUSTED"


def test_a_validly_signed_artifact_of_another_graph_is_refused(compiled: Compiled) -> None:
    other, _ = _graph(lambda x: x.cos() * 2)
    assert _refusal(compiled, graph=other) == "ARTIFACT_REFUSED"


def test_other_options_or_another_domain_are_refused(compiled: Compiled) -> None:
    assert _refusal(compiled, options_digest=_native.options_digest({"a": "b"})) == "ARTIFACT_REFUSED"
    assert _refusal(compiled, domain="red") == "ARTIFACT_REFUSED"


def test_a_processor_that_lacks_features_is_refused(compiled: Compiled) -> None:
    target = artifact_pb2.Target.FromString(_native.detect_target(1))
    del target.features[:]
    record = artifact_pb2.VariantRecord.FromString(compiled.variant.signed.record)
    if record.isa_features:
        assert _refusal(compiled, target=target.SerializeToString()) == "ARTIFACT_REFUSED"


def _rules(compiled: Compiled) -> dict[str, str]:
    """Lines that revoke the artifact, each for another reason, and a line that is about others."""
    signed = compiled.variant.signed
    record = artifact_pb2.VariantRecord.FromString(signed.record)
    return {
        "artifact": f"artifact {record.artifact_sha256.hex()}",
        "key id": f"key {signed.key_id.hex()}",
        "build": f"build {record.compiler_build}",
        "builds": "build kiln-*",
        "epoch": "before 2100-01-01T00:00:00Z",
        "": f"artifact {'00' * 32}\nbuild another\nbefore 2001-01-01T00:00:00Z",
    }


def test_what_is_revoked_is_refused(compiled: Compiled) -> None:
    for name, line in _rules(compiled).items():
        if name:
            assert _refusal(compiled, trust=_native.Trust(compiled.keys, "", line)) == "ARTIFACT_REVOKED", name
    compiled.load(trust=_native.Trust(compiled.keys, "", _rules(compiled)[""]))


@pytest.mark.parametrize("rule", ["artifact", "key id", "build", "epoch"])
def test_what_was_loaded_is_not_called_once_it_is_revoked(
    compiled: Compiled, tmp_path: pathlib.Path, rule: str
) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text("# nothing yet\n")
    trust = _native.Trust(compiled.keys, str(revoked))
    compiled.load(trust=trust)
    x = torch.randn(3, 7)
    assert compiled.graph(_arguments(compiled.graph, x)) is not None
    revoked.write_text(_rules(compiled)[rule] + "\n")
    assert trust.reload()
    args = _arguments(compiled.graph, x)
    assert compiled.graph(args) is None
    assert len(args) > 0
    revoked.write_text("")
    assert trust.reload()
    assert compiled.graph(args) is not None


def test_a_list_that_turns_bad_keeps_what_it_said(compiled: Compiled, tmp_path: pathlib.Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text(_rules(compiled)["artifact"])
    trust = _native.Trust(compiled.keys, str(revoked))
    revoked.write_text("# a list\nartefact 12\n")
    with pytest.raises(KilnError, match="line 2: 'artefact' is none of") as raised:
        trust.reload()
    assert raised.value.reason == "PARSE_ERROR"
    assert "line 2" in trust.last_error
    assert _refusal(compiled, trust=trust) == "ARTIFACT_REVOKED"


def test_inputs_of_another_kind_fit_no_variant(compiled: Compiled) -> None:
    compiled.load()
    x = torch.randn(3, 7, dtype=torch.float64)
    args = _arguments(compiled.graph, x)
    assert compiled.graph(args) is None
    assert len(args) > 0
    with pytest.raises(KilnError, match="dtype"):
        compiled.graph.symbol_values(args)
