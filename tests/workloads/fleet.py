"""Replicas of Kiln with a Redis of their own (TLS, an ACL user), for as long as a `with` block lasts."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

from workloads import server as kiln_server

START_TIMEOUT_SECONDS = 20.0


def free_port() -> int:
    """One that was free a moment ago: redis-server takes no port 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_certificate(folder: pathlib.Path) -> None:
    """redis.crt and redis.key for 127.0.0.1, signed by themselves."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=kiln-redis", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command += ["-keyout", str(folder / "redis.key"), "-out", str(folder / "redis.crt")]
    subprocess.run(command, check=True, capture_output=True)


@dataclasses.dataclass
class Redis:
    """A redis-server that takes TLS connections of one user only, who may touch Kiln's keys only."""

    process: subprocess.Popen[bytes]
    port: int
    password: str
    folder: pathlib.Path

    @property
    def server_flags(self) -> list[str]:
        return [
            f"--redis=rediss://kiln:{self.password}@127.0.0.1:{self.port}",
            f"--redis-ca={self.folder / 'redis.crt'}",
        ]

    def cli(self, *words: str) -> str:
        """What redis-cli prints, asked as an administrator over the socket."""
        command = ["redis-cli", "-s", str(self.folder / "redis.sock"), "--user", "admin", "--pass", self.password]
        done = subprocess.run([*command, "--no-auth-warning", *words], capture_output=True, text=True)
        return done.stdout.strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def start_redis(folder: pathlib.Path) -> Redis:
    make_certificate(folder)
    password = secrets.token_hex(16)
    (folder / "users.acl").write_text(
        "user default off\n"
        f"user admin on >{password} ~* &* +@all\n"
        f"user kiln on >{password} ~kiln:* &kiln:* +@all -@dangerous -@admin\n"
    )
    (folder / "users.acl").chmod(0o600)
    for _ in range(5):
        port = free_port()
        command = ["redis-server", "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1"]
        command += ["--tls-cert-file", str(folder / "redis.crt"), "--tls-key-file", str(folder / "redis.key")]
        command += ["--tls-ca-cert-file", str(folder / "redis.crt"), "--tls-auth-clients", "no"]
        command += ["--aclfile", str(folder / "users.acl"), "--unixsocket", str(folder / "redis.sock")]
        command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        with (folder / "redis.log").open("ab") as log:
            redis = Redis(subprocess.Popen(command, stdout=log, stderr=log), port, password, folder)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while redis.process.poll() is None and time.monotonic() < deadline:
            if redis.cli("ping") == "PONG":
                return redis
            time.sleep(0.05)
        # Somebody else took the port.
        redis.kill()
    raise RuntimeError(f"redis-server does not start:\n{(folder / 'redis.log').read_text()}")


@dataclasses.dataclass
class Fleet:
    """Replicas that share a signing key and a Redis."""

    folder: pathlib.Path
    redis: Redis
    replicas: list[kiln_server.Server]
    extra: tuple[str, ...]

    @property
    def address(self) -> str:
        return ",".join(replica.address for replica in self.replicas)

    def flags(self) -> list[str]:
        return [f"--key={self.folder / 'signing_key'}", *self.redis.server_flags, *self.extra]

    def start_again(self, number: int) -> None:
        """After a kill, over the same data; it listens where it did, and on a port of its own."""
        dead = self.replicas[number]
        self.replicas[number] = kiln_server.start(dead.data, f"--listen={dead.address}", *self.flags())


@contextlib.contextmanager
def running(replicas: int = 3, *extra: str) -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory(prefix="kiln-fleet-") as name:
        folder = pathlib.Path(name)
        redis = start_redis(folder)
        fleet = Fleet(folder, redis, [], extra)
        try:
            for number in range(replicas):
                fleet.replicas.append(kiln_server.start(folder / f"data{number}", *fleet.flags()))
            yield fleet
        finally:
            for replica in fleet.replicas:
                replica.stop()
            redis.kill()
