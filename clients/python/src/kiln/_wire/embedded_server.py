"""A server of the user's own: `kiln serve` on a Unix socket, shared by all of the user's processes.

Started under a file lock by the first process that needs it; one socket and one data
folder a build of the binary; gone when it has been idle for a while.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping

from kiln._wire.errors import KilnError

# How long a server without requests lives.
IDLE_SECONDS = 900
_START_SECONDS = 30.0
# Servers that this process started. They outlive it; while it lives it must not
# lose sight of them.
_started: list[subprocess.Popen[bytes]] = []
# What fits a sockaddr_un, with its final zero.
_MAX_SOCKET_PATH = 107


@dataclasses.dataclass(frozen=True)
class EmbeddedServer:
    """Where it listens, and the file with its public key, in the user's own folder."""

    address: str
    trusted_keys: str


def find_binary(environment: Mapping[str, str] = os.environ) -> pathlib.Path:
    """KILN_BINARY, the one next to this package, or the one on PATH. KilnError NO_SERVER."""
    given = environment.get("KILN_BINARY")
    packaged = pathlib.Path(__file__).resolve().parents[1] / "bin" / "kiln"
    found = given or (str(packaged) if packaged.exists() else shutil.which("kiln"))
    if found and os.access(found, os.X_OK):
        return pathlib.Path(found).resolve()
    where = f"KILN_BINARY={given}" if given else f"{packaged} and PATH"
    raise KilnError("NO_SERVER", f"no `kiln` binary at {where}; set KILN_ADDRESS or KILN_BINARY")


def cache_folder(environment: Mapping[str, str] = os.environ) -> pathlib.Path:
    """The user's own folder, readable by nobody else."""
    base = environment.get("XDG_CACHE_HOME")
    folder = (pathlib.Path(base) if base else pathlib.Path.home() / ".cache") / "kiln"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise KilnError("NO_SERVER", f"{folder} belongs to another user")
    folder.chmod(0o700)
    return folder


def _build_name(binary: pathlib.Path) -> str:
    """Another binary is another server. Its bytes would say it best, but cost a read of all of them."""
    stat = binary.stat()
    text = f"{binary}\0{stat.st_size}\0{stat.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _answers(path: pathlib.Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(str(path)) == 0


@contextlib.contextmanager
def _locked(path: pathlib.Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(binary: pathlib.Path, socket_path: pathlib.Path, data: pathlib.Path, log: pathlib.Path) -> None:
    """Returns once it answers. KilnError NO_SERVER with the end of its log if it does not."""
    socket_path.unlink(missing_ok=True)
    command = [
        str(binary),
        "serve",
        f"--listen=unix:{socket_path}",
        f"--data={data}",
        f"--idle-exit={IDLE_SECONDS}",
        # Metrics of a server that comes and goes are nobody's to collect.
        "--metrics",
        "",
    ]
    with log.open("a") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # It outlives this process and does not hear its Ctrl-C.
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(socket_path):
            _started.append(process)
            return
        time.sleep(0.01)
    if process.poll() is None:
        process.kill()
        process.wait()
    raise KilnError("NO_SERVER", f"`{' '.join(command)}` did not start: {log.read_text()[-400:].strip()}")


def ensure_embedded_server(environment: Mapping[str, str] = os.environ) -> EmbeddedServer:
    """The user's running server, started if there is none. KilnError NO_SERVER if it cannot be."""
    binary = find_binary(environment)
    try:
        folder = cache_folder(environment)
        name = _build_name(binary)
        socket_path = folder / f"{name}.sock"
        if len(os.fsencode(socket_path)) >= _MAX_SOCKET_PATH:
            raise KilnError("NO_SERVER", f"the socket path {socket_path} is too long; set XDG_CACHE_HOME")
        data = folder / name
        if not _answers(socket_path):
            with _locked(folder / f"{name}.lock"):
                # Another process may have started it while this one waited.
                if not _answers(socket_path):
                    _start(binary, socket_path, data, folder / f"{name}.log")
    except OSError as error:
        raise KilnError("NO_SERVER", f"the embedded server: {error}") from None
    return EmbeddedServer(f"unix:{socket_path}", str(data / "signing_key.pub"))
