"""Herds: how many compiles many clients make that ask for one new graph at once, and how long the last one waits.

The last column is the time until the last client was served over the time until the first was, both from the moment
when all asked: 1.0 is a herd that is served as one client would be. Clients and servers share this machine.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import threading
import time
from typing import Any

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from text_table import table  # noqa: E402

from workloads import fleet as kiln_fleet  # noqa: E402
from workloads import server as kiln_server  # noqa: E402

PROGRAM = pathlib.Path(kiln_server.kiln_binary()).parents[2] / "tests" / "bench" / "herd_bench"
ALLOWED_RATIO = 1.2


def herd(address: str, clients: int, salt: int) -> dict[str, Any]:
    command = [str(PROGRAM), f"--address={address}", f"--clients={clients}", f"--salt={salt}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def total(servers: list[kiln_server.Server], counter: str) -> int:
    """Of those that live."""
    return sum(int(s.counters().get(counter, 0)) for s in servers if s.process.poll() is None)


def leases_taken(server: kiln_server.Server) -> int:
    return int(server.counters().get("leases", {}).get("taken", 0))


def kill_the_leader(servers: list[kiln_server.Server], before: list[int]) -> None:
    """kill -9 of the replica whose compile has begun: it has taken more leases than before."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for server, taken in zip(servers, before, strict=True):
            if leases_taken(server) > taken:
                server.kill()
                return
        time.sleep(0.05)


def row(name: str, result: dict[str, Any], compiles: int) -> tuple[str, ...]:
    first, last = result["first"], result["last"]
    tiers = ", ".join(f"{count} {tier}" for tier, count in sorted(result["tiers"].items()))
    return (
        name,
        str(compiles),
        str(result["failed"]),
        tiers,
        f"{first:.2f}",
        f"{last:.2f}",
        f"{last / max(first, 1e-9):.2f}",
    )


def main() -> int:
    rows = [("herd", "compiles", "failed", "served", "first s", "last s", "last/first")]
    failed = 0
    with kiln_server.running("--log-level=warn") as server:
        for salt, clients in enumerate((64, 1000), start=1):
            compiled = total([server], "compiles")
            result = herd(server.address, clients, salt)
            failed += result["failed"]
            rows.append(row(f"{clients} clients, 1 server", result, total([server], "compiles") - compiled))
    with kiln_fleet.running(3, "--log-level=warn") as fleet:
        result = herd(fleet.address, 300, 3)
        failed += result["failed"]
        rows.append(row("300 clients, 3 replicas", result, total(fleet.replicas, "compiles")))
        before = [leases_taken(s) for s in fleet.replicas]
        already = [total([s], "compiles") for s in fleet.replicas]
        killer = threading.Thread(target=kill_the_leader, args=(fleet.replicas, before))
        killer.start()
        result = herd(fleet.address, 300, 4)
        killer.join()
        alive = [i for i, s in enumerate(fleet.replicas) if s.process.poll() is None]
        finished = sum(total([fleet.replicas[i]], "compiles") - already[i] for i in alive)
        failed += result["failed"]
        # The one that was killed in the middle is one too.
        rows.append(row("the same, leader killed", result, finished + len(fleet.replicas) - len(alive)))
    print(f"herds: last/first is to be at most {ALLOWED_RATIO}; a killed leader costs a lease time more")
    table(rows)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
