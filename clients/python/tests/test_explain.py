"""Why a graph was compiled: logged, counted, told by kiln.explain()."""

from __future__ import annotations

import logging
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest
import torch
from conftest import Server

import kiln
from kiln._host import log
from kiln._wire.connection import Connection
from kiln._wire.errors import KilnError


def _compiled(run: Any, *inputs: torch.Tensor, dynamic: bool = True, **options: Any) -> None:
    torch._dynamo.reset()
    torch.compile(run, backend="kiln", dynamic=dynamic, options=options)(*inputs)


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "kiln"]


def test_a_compile_is_logged_with_one_line_of_why(on_server: Server, caplog: pytest.LogCaptureFixture) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return (x * 1.25 + 3.0).tanh()

    caplog.set_level(logging.INFO, logger="kiln")
    _compiled(run, torch.randn(4, 6))
    (line,) = _lines(caplog)
    assert "(inference): compiled after miss (unknown_key): " in line
    assert "it was compiled in" in line
    caplog.clear()
    _compiled(run, torch.randn(4, 6))
    assert _lines(caplog) == []


def test_what_is_found_is_a_line_for_debug(on_server: Server, caplog: pytest.LogCaptureFixture) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return (x * 1.5 + 3.0).tanh()

    _compiled(run, torch.randn(4, 6))
    caplog.set_level(logging.DEBUG, logger="kiln")
    _compiled(run, torch.randn(4, 6))
    (line,) = _lines(caplog)
    assert line.endswith("(inference): found in memory")


@pytest.mark.parametrize(
    ("change", "reason", "told"),
    [
        ("option", "options", "option check_bounds: true here, not given there"),
        ("dtype", "signature", "dtype: f64 here, f32 there"),
        ("constant", "unknown_key", "2.75 here, 1.75 there"),
    ],
)
def test_the_line_names_what_differs(
    on_server: Server, caplog: pytest.LogCaptureFixture, change: str, reason: str, told: str
) -> None:
    def run(x: torch.Tensor, factor: float) -> torch.Tensor:
        return (x * factor).tanh().cos()

    # The shared dimension of the tests would have them find each other's graphs.
    domain = f"explain-{change}"
    x = torch.randn(4, 6)
    _compiled(lambda x: run(x, 1.75), x, domain=domain)
    caplog.set_level(logging.INFO, logger="kiln")
    before = kiln.stats()["misses_by_reason"].get(reason, 0)
    if change == "option":
        _compiled(lambda x: run(x, 1.75), x, domain=domain, check_bounds=True)
    elif change == "dtype":
        _compiled(lambda x: run(x, 1.75), x.double(), domain=domain)
    else:
        _compiled(lambda x: run(x, 2.75), x, domain=domain)
    (line,) = _lines(caplog)
    assert f"miss ({reason}): " in line
    assert told in line
    if change == "constant":
        assert "test_explain.py:" in line
    assert kiln.stats()["misses_by_reason"][reason] == before + 1


def test_explain_tells_it_afterwards(on_server: Server) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return (x * 1.125 - 3.0).tanh()

    _compiled(run, torch.randn(4, 6))
    # The lookup's short answer, until somebody asks for more.
    assert kiln.graphs()[-1]["compiled_because"] == ["miss (unknown_key)"]
    assert "  compiled because: miss (unknown_key): " in kiln.explain()
    assert kiln.graphs()[-1]["compiled_because"][0].startswith("miss (unknown_key): ")


def test_nobody_asks_the_server_unless_somebody_wants_to_know(
    on_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ask = Connection.explain

    def counted(self: Connection, request: Any) -> Any:
        asked.append(request)
        return ask(self, request)

    def run(x: torch.Tensor) -> torch.Tensor:
        return (x * 0.375).tanh()

    monkeypatch.setattr(Connection, "explain", counted)
    _compiled(run, torch.randn(4, 6))
    assert asked == []
    kiln.explain()
    kiln.explain()
    assert len(asked) >= 1
    assert len({request.request_id for request in asked}) == len(asked)  # type: ignore[attr-defined]


def test_a_server_that_is_gone_spoils_nothing(on_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        return (x * 0.4375).tanh()

    _compiled(run, torch.randn(4, 6))

    def gone(self: Connection, request: Any) -> Any:
        raise KilnError("UNKNOWN_SUBJECT", "forgotten")

    monkeypatch.setattr(Connection, "explain", gone)
    assert "compiled because: miss (unknown_key)" in kiln.explain()


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(KilnError, match="KILN_LOG='loud' is none of debug, info"):
        log.enable_as_asked({"KILN_LOG": "loud"})
    log.enable_as_asked({})


_PROGRAM = """
import torch
torch.compile(lambda x: x.tanh() * 3, backend="kiln")(torch.randn(3, 5))
"""


@pytest.mark.parametrize("variable", [{"KILN_LOG": "info"}, {"TORCH_LOGS": "kiln"}, {}])
def test_environment_variables_switch_it_on(server: Server, tmp_path: pathlib.Path, variable: dict[str, str]) -> None:
    environment = {
        **os.environ,
        "KILN_ADDRESS": server.address,
        "KILN_TRUSTED_KEYS": server.trusted_keys,
        "KILN_DOMAIN": "-".join(["environment", *variable]),
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path),
        **variable,
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environment, stderr=subprocess.PIPE, text=True, check=True
    )
    lines = [line for line in done.stderr.splitlines() if "after miss (" in line]
    assert len(lines) == (1 if variable else 0), done.stderr
