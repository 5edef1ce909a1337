"""A Kiln server of one's own, on free loopback ports, for as long as a `with` block lasts."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

READY_LINE = re.compile(r"^kiln: serving on (\S+) metrics (\S+)")
START_TIMEOUT_SECONDS = 60.0


TESTS = pathlib.Path(__file__).resolve().parents[1]


def python_path() -> str:
    """PYTHONPATH of a process that imports the workloads."""
    return os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])


def kiln_binary() -> str:
    """The server's binary: KILN_BINARY, or that of the build folder."""
    default = TESTS.parent / "build" / "clients" / "cli" / "kiln"
    return os.environ.get("KILN_BINARY", str(default))


@dataclasses.dataclass
class Server:
    """A running server. `environment` makes a client use it, trust its key, and keep PyTorch's caches beside it."""

    process: subprocess.Popen[str]
    address: str
    metrics_url: str
    data: pathlib.Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "KILN_ADDRESS": self.address,
            "KILN_TRUSTED_KEYS": str(self.data / "signing_key.pub"),
            "TORCHINDUCTOR_CACHE_DIR": str(self.data.parent / f"{self.data.name}.torch_cache"),
        }

    def counters(self) -> dict[str, Any]:
        """What the server has counted since it started."""
        command = [kiln_binary(), "stats", "--json", f"--address={self.address}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        result: dict[str, Any] = json.loads(done.stdout)["counters"]
        return result

    def kill(self) -> None:
        """kill -9: nothing is flushed, nobody is told."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit code after the drain."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def start(data: pathlib.Path, *extra: str) -> Server:
    """Starts `kiln serve` and returns once it says that it serves. RuntimeError with its output if it does not."""
    log = data.parent / f"{data.name}.log"
    command = [kiln_binary(), "serve", "--listen=127.0.0.1:0", "--metrics=127.0.0.1:0", f"--data={data}", *extra]
    with log.open("a") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    # A server that never says a word is killed, so that readline returns.
    watchdog = threading.Timer(START_TIMEOUT_SECONDS, process.kill)
    watchdog.start()
    assert process.stdout is not None
    try:
        for line in process.stdout:
            match = READY_LINE.match(line)
            if match:
                return Server(process, match[1], match[2], data)
    finally:
        watchdog.cancel()
    process.wait()
    raise RuntimeError(f"`{' '.join(command)}` did not start (exit {process.returncode}):\n{log.read_text()}")


@contextlib.contextmanager
def running(*extra: str) -> Iterator[Server]:
    """A server with its data in a temporary folder; gone with the block."""
    with tempfile.TemporaryDirectory(prefix="kiln-") as folder:
        server = start(pathlib.Path(folder) / "data", *extra)
        try:
            yield server
        finally:
            server.stop()
