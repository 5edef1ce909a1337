"""The server that a process starts for itself, and others of the same user share."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap
import time

import pytest

from kiln._wire import embedded_server
from kiln._wire.errors import KilnError

_SCRIPT = textwrap.dedent(
    """
    import sys, warnings
    import torch, kiln
    from kiln._wire import embedded_server
    embedded_server.IDLE_SECONDS = 3
    warnings.simplefilter("error")
    torch.testing.assert_close(torch.compile(torch.sin, backend="kiln")(torch.ones(3)), torch.ones(3).sin())
    print(kiln.stats()["compiles"])
    """
)


@pytest.fixture
def environment(tmp_path: pathlib.Path) -> dict[str, str]:
    try:
        embedded_server.find_binary()
    except KilnError as error:
        pytest.skip(str(error))
    # A short path: a socket's has at most 107 bytes.
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}


def test_processes_share_one_server_that_goes_when_idle(environment: dict[str, str], tmp_path: pathlib.Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", _SCRIPT], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert sum(int(output) for output in outputs) == 1
    folder = tmp_path / "kiln"
    assert folder.stat().st_mode & 0o077 == 0
    (log,) = folder.glob("*.log")
    assert log.read_text().count("kiln: serving on") == 1
    deadline = time.monotonic() + 60
    while any(embedded_server._answers(path) for path in folder.glob("*.sock")):
        assert time.monotonic() < deadline, "the idle server did not go"
        time.sleep(0.1)


def test_a_missing_binary_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(KilnError, match="KILN_BINARY"):
        embedded_server.find_binary({"KILN_BINARY": str(tmp_path / "kiln")})


def test_a_binary_that_does_not_serve_is_reported(tmp_path: pathlib.Path) -> None:
    binary = tmp_path / "binary"
    binary.write_text("#!/bin/sh\necho no such command; exit 2\n")
    binary.chmod(0o755)
    with pytest.raises(KilnError, match="no such command"):
        embedded_server.ensure_embedded_server({"KILN_BINARY": str(binary), "XDG_CACHE_HOME": str(tmp_path)})


def test_a_socket_path_that_does_not_fit_is_refused(tmp_path: pathlib.Path) -> None:
    binary = tmp_path / "binary"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    with pytest.raises(KilnError, match="too long"):
        embedded_server.ensure_embedded_server({"KILN_BINARY": str(binary), "XDG_CACHE_HOME": str(deep)})
