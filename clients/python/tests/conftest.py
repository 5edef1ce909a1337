"""A server for the tests, on a Unix socket in a folder of its own, gone with the session."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

import kiln
from kiln._host import fallback
from kiln._wire.embedded_server import find_binary
from kiln._wire.errors import KilnError

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@dataclasses.dataclass(frozen=True)
class Server:
    """Where the tests' server listens, and where its keys are."""

    address: str
    data: pathlib.Path

    @property
    def trusted_keys(self) -> str:
        return str(self.data / "signing_key.pub")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        binary = find_binary()
    except KilnError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("server")
    address = f"unix:{folder}/socket"
    command = [str(binary), "serve", f"--listen={address}", f"--data={folder}/data", "--metrics", ""]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("kiln: serving on"), (folder / "log").read_text()
    yield Server(address, folder / "data")
    process.terminate()
    assert process.wait(timeout=30) == 0


@pytest.fixture
def on_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """`backend="kiln"` uses the tests' server."""
    monkeypatch.setenv("KILN_ADDRESS", server.address)
    monkeypatch.setenv("KILN_TRUSTED_KEYS", server.trusted_keys)
    return server


@pytest.fixture(autouse=True)
def _fresh_process_state(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No compiled code, cached trace or said warning of another test, no setting of the user's."""
    import torch

    for name in [name for name in os.environ if name.startswith("KILN_") and name != "KILN_BINARY"]:
        monkeypatch.delenv(name)
    # Tests share a server, and would learn sizes from one another.
    monkeypatch.setenv("KILN_SHAPE_PROFILE", "0")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("torch_cache")))
    torch._dynamo.reset()
    torch.manual_seed(0)
    fallback.forget()
    yield
    torch._dynamo.reset()


@pytest.fixture
def eager_calls() -> Iterator[object]:
    """Calls that were not compiled, since the test began."""
    before = kiln.stats()

    def count() -> int:
        now = kiln.stats()
        return (now["eager_calls"] - before["eager_calls"]) + (now["eager_graphs"] - before["eager_graphs"])

    return count
