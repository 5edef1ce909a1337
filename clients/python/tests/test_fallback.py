"""A server that is away, refuses or is not trusted: eager results, one warning for each reason."""

from __future__ import annotations

import pathlib
import warnings
from typing import Any

import pytest
import torch
from conftest import Server

from kiln._host.fallback import KilnWarning


def _run(x: torch.Tensor) -> torch.Tensor:
    return (x.sin() + 1).square()


def _compile_twice(options: dict[str, Any]) -> list[str]:
    """The warnings of two graphs, whose results and gradients are compared with eager's."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for size in (3, 4):
            x = torch.randn(size, 5, requires_grad=True)
            out = torch.compile(_run, backend="kiln", dynamic=False, options=options)(x)
            torch.testing.assert_close(out, _run(x))
            (ours,) = torch.autograd.grad(out.sum(), x)
            (theirs,) = torch.autograd.grad(_run(x).sum(), x)
            torch.testing.assert_close(ours, theirs)
    return [str(w.message) for w in caught if issubclass(w.category, KilnWarning)]


def test_server_away(server: Server, tmp_path: pathlib.Path) -> None:
    said = _compile_twice({"address": f"unix:{tmp_path}/nobody", "trusted_keys": server.trusted_keys})
    assert len(said) == 1
    assert "UNAVAILABLE" in said[0]


def test_server_refuses_an_option(server: Server) -> None:
    said = _compile_twice({"address": server.address, "trusted_keys": server.trusted_keys, "no_such_option": 1})
    assert len(said) == 1
    assert "OPTION_UNKNOWN" in said[0]
    assert "no_such_option" in said[0]


def test_another_key_is_not_trusted(server: Server, tmp_path: pathlib.Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("00" * 32 + "\n")
    said = _compile_twice({"address": server.address, "trusted_keys": str(keys)})
    assert len(said) == 1
    assert "ARTIFACT_UNTRUSTED" in said[0]


def test_keys_are_never_taken_from_the_server(server: Server) -> None:
    said = _compile_twice({"address": server.address})
    assert len(said) == 1
    assert "KILN_TRUSTED_KEYS" in said[0]


def test_no_binary_for_an_embedded_server(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("KILN_BINARY", str(tmp_path / "kiln"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said = _compile_twice({})
    assert len(said) == 1
    assert "NO_SERVER" in said[0]


def test_what_has_no_wire_form_runs_eagerly(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KILN_ADDRESS", server.address)
    monkeypatch.setenv("KILN_TRUSTED_KEYS", server.trusted_keys)

    def run(x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,))

    x = torch.randn(3)
    with pytest.warns(KilnWarning):
        out = torch.compile(run, backend="kiln")(x)
    torch.testing.assert_close(out, run(x))
