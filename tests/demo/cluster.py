"""A fleet at work, live in the terminal: run by `make cluster`.

Three replicas share a redis-server (TLS, an ACL user) and a signing key. Clients ask for graphs all the time. After a
third of the time one replica is killed in the middle of a compile; after two thirds it comes back. Leaves nothing
running. Exits with 1 if any client's request failed.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request
from typing import Any

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import fleet as kiln_fleet  # noqa: E402
from workloads import server as kiln_server  # noqa: E402

LOAD = pathlib.Path(kiln_server.kiln_binary()).parents[2] / "tests" / "demo" / "cluster_load"
REPLICAS = 3
REDRAW_SECONDS = 0.5
# How long the kill waits for a replica that compiles.
KILL_PATIENCE_SECONDS = 5.0
HOME_AND_CLEAR = "\x1b[H\x1b[J"

# Of a replica: heading, and the names that lead to the number in its counters.
COLUMNS = (
    ("compiles", ("compiles",)),
    ("memory", ("hits_memory",)),
    ("disk", ("hits_disk",)),
    ("shared", ("hits_shared",)),
    ("joined", ("joined",)),
    ("leases", ("leases", "taken")),
    ("waited", ("leases", "waited")),
    ("taken over", ("leases", "taken_over")),
    ("hedged", ("leases", "hedged")),
)


class Load:
    """The clients, and what they said last."""

    def __init__(self, address: str, clients: int, graphs: int) -> None:
        command = [str(LOAD), f"--address={address}", f"--clients={clients}", f"--graphs={graphs}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said: dict[str, Any] = {"asked": 0, "failed": 0, "tiers": {}}
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said = json.loads(line)

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.reader.join()
        self.process.wait()

    def describe(self) -> str:
        tiers = ", ".join(f"{count} {tier}" for tier, count in sorted(self.said["tiers"].items()))
        return f"clients    {self.said['asked']} answers, {self.said['failed']} failed: {tiers}"


def is_up(server: kiln_server.Server) -> bool:
    return server.process.poll() is None


def counters_of(server: kiln_server.Server) -> dict[str, Any]:
    """Empty for one that is gone, if only a moment ago."""
    try:
        return server.counters() if is_up(server) else {}
    except subprocess.CalledProcessError:
        return {}


def number_at(counters: dict[str, Any], names: tuple[str, ...]) -> int:
    value: Any = counters
    for name in names:
        value = value.get(name, {})
    return int(value or 0)


def replica_lines(fleet: kiln_fleet.Fleet) -> list[str]:
    rows = [("", "", *(heading for heading, _ in COLUMNS))]
    for index, server in enumerate(fleet.replicas, start=1):
        counters = counters_of(server)
        numbers = [str(number_at(counters, names)) if counters else "-" for _, names in COLUMNS]
        rows.append((f"replica {index}", "up" if is_up(server) else "KILLED", *numbers))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def redis_line(redis: kiln_fleet.Redis) -> str:
    info = dict(line.split(":", 1) for line in redis.cli("info").splitlines() if ":" in line)
    memory, clients = info.get("used_memory_human", "?").strip(), info.get("connected_clients", "?").strip()
    return f"redis      {redis.cli('dbsize')} keys, {memory} of memory, {clients} connections, TLS only"


def is_compiling(server: kiln_server.Server) -> bool:
    try:
        with urllib.request.urlopen(server.metrics_url, timeout=2) as page:
            text = page.read().decode()
    except OSError:
        return False
    running = [line for line in text.splitlines() if line.startswith('kiln_workers{state="running"}')]
    return any(line.split()[-1] != "0" for line in running)


def kill_one(fleet: kiln_fleet.Fleet) -> tuple[int, str]:
    """The first that compiles; if none does for a while, the first."""
    deadline = time.monotonic() + KILL_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for index, server in enumerate(fleet.replicas):
            if is_compiling(server):
                server.kill()
                return index, f"kill -9 of replica {index + 1} in the middle of a compile"
    fleet.replicas[0].kill()
    return 0, "kill -9 of replica 1, while nobody compiled"


def show(fleet: kiln_fleet.Fleet, load: Load, title: str, events: list[str], live: bool) -> None:
    lines = [title, "", *replica_lines(fleet), "", redis_line(fleet.redis), load.describe(), "", *events]
    print((HOME_AND_CLEAR if live else "") + "\n".join(lines), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--graphs", type=int, default=60)
    parser.add_argument("--once", action="store_true", help="print the end alone")
    arguments = parser.parse_args()
    title = f"Kiln: {REPLICAS} replicas, {arguments.clients} clients, {arguments.graphs} graphs"
    live = not arguments.once
    with kiln_fleet.running(REPLICAS, "--log-level=warn") as fleet:
        load = Load(fleet.address, arguments.clients, arguments.graphs)
        start = time.monotonic()
        events: list[str] = []
        killed: int | None = None
        back = False
        try:
            while (now := time.monotonic() - start) < arguments.seconds:
                if killed is None and now > arguments.seconds / 3:
                    killed, what = kill_one(fleet)
                    events.append(f"{time.monotonic() - start:5.1f} s  {what}")
                if killed is not None and not back and now > arguments.seconds * 2 / 3:
                    fleet.start_again(killed)
                    back = True
                    events.append(f"{time.monotonic() - start:5.1f} s  replica {killed + 1} is back")
                if live:
                    show(fleet, load, f"{title}   {now:.0f} s", events, live)
                time.sleep(REDRAW_SECONDS)
        finally:
            load.end()
        show(fleet, load, f"{title}   {arguments.seconds:.0f} s, the end", events, live)
    return 1 if load.said["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
