"""What Kiln does, shown on real models: run by `make demo`.

Starts a server, trains a GPT-2 through it, shows that a second process compiles
nothing, asks for other shapes, runs a ResNet-18, and prints what the server says
of it all. Every number is measured in this run. Leaves nothing running.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import server as kiln_server  # noqa: E402
from workloads.python_process import environment_of, last_result  # noqa: E402

STEPS = 20
BROADCAST_GRAPH = """\
graph broadcast(%a: f32[s0, s1], %b: f32[s2, s1]) {
  %sum = aten.add.Tensor(%a, %b)  # demo.txt:2
  return (%sum)
}
"""


def headline(text: str) -> None:
    print(f"\n== {text}", flush=True)


def python(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    """Runs a Python process of this repository's tests; its last line is JSON."""
    done = subprocess.run(
        [sys.executable, *arguments], env=environment_of(environment), stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"error: `python {' '.join(arguments)}` ended with {done.returncode}")
    for line in done.stdout.splitlines()[:-1]:
        print(line, flush=True)
    return last_result(done.stdout)


def train(environment: dict[str, str], backend: str, steps: int) -> dict[str, Any]:
    start = time.perf_counter()
    result = python(environment, "-m", "workloads.train", "--backend", backend, "--steps", str(steps))
    print(
        f"   {backend}: first step {result['first_step_seconds']:.2f} s, "
        f"whole process {time.perf_counter() - start:.1f} s",
        flush=True,
    )
    return result


def kiln(*arguments: str) -> str:
    command = [kiln_server.kiln_binary(), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"error: `{' '.join(command)}` ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def counters(server: kiln_server.Server) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(kiln("stats", "--json", f"--address={server.address}"))
    return result["counters"]


def show_losses(first: dict[str, Any], eager: dict[str, Any]) -> None:
    print("   step   kiln     eager")
    for step, (a, b) in enumerate(zip(first["losses"], eager["losses"], strict=True)):
        print(f"   {step:4d}  {a:.5f}  {b:.5f}")
    largest = max(abs(a - b) for a, b in zip(first["losses"], eager["losses"], strict=True))
    print(f"   largest difference: {largest:.2e}")


def show_first_steps(rows: list[tuple[str, dict[str, Any]]]) -> None:
    print(f"   {'':30} {'first step s':>12} {'later step s':>12}")
    for name, result in rows:
        print(f"   {name:30} {result['first_step_seconds']:12.2f} {result['step_seconds']:12.3f}")


def broadcast_variants(server: kiln_server.Server, folder: pathlib.Path) -> None:
    graph = folder / "broadcast.txt"
    graph.write_text(BROADCAST_GRAPH)
    print(BROADCAST_GRAPH, end="")
    before = counters(server)
    for bindings in ("s0=8,s1=16,s2=8", "s0=8,s1=16,s2=1", "s0=8,s1=16,s2=8", "s0=32,s1=4,s2=1"):
        print(f"   asked for with {bindings}:")
        for line in kiln(
            "compile",
            f"--address={server.address}",
            f"--trusted-keys={server.data / 'signing_key.pub'}",
            f"--bind={bindings}",
            str(graph),
        ).splitlines():
            print(f"      {line}")
    after = counters(server)
    print(
        f"   4 requests, {after['keys'] - before['keys']} key, {after['variants'] - before['variants']} variants, "
        f"{after['compiles'] - before['compiles']} compiles"
    )


def main() -> int:
    start = time.perf_counter()
    with kiln_server.running() as server, tempfile.TemporaryDirectory(prefix="kiln-demo-") as temporary:
        folder = pathlib.Path(temporary)
        print(f"kiln serves on {server.address}, metrics on {server.metrics_url}")
        environment = server.environment

        headline(f"1. A GPT-2 (6 layers, width 384) trains for {STEPS} steps: forward, backward, AdamW")
        first = train(environment, "kiln", STEPS)
        eager = train(environment, "none", STEPS)
        show_losses(first, eager)

        headline("2. A second process runs the same model")
        compiles = counters(server)["compiles"]
        second = train(environment, "kiln", 4)
        print(f"   compiles for it: {counters(server)['compiles'] - compiles}")
        floor = train(environment, "eager", 4)
        aot = train(environment, "aot_eager", 4)
        inductor = {**environment, "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor")}
        cold = train(inductor, "inductor", 4)
        warm = train(inductor, "inductor", 4)
        show_first_steps(
            [
                ("kiln, first process", first),
                ("kiln, second process", second),
                ("inductor, cold", cold),
                ("inductor, warm", warm),
                ("aot_eager (the floor)", aot),
                ("eager (Dynamo alone)", floor),
            ]
        )

        headline("3. Other shapes of the same model")
        python(environment, str(TESTS / "demo" / "other_shapes.py"))
        headline("   Guards of the server's own: a graph in text form")
        broadcast_variants(server, folder)

        headline("4. A second model: ResNet-18 in training mode against eager")
        python(environment, str(TESTS / "demo" / "second_model.py"))

        headline("5. What the server says of it")
        print(kiln("stats", f"--address={server.address}"), end="")
        print(f"metrics: {server.metrics_url}")
    print(f"\ndone in {time.perf_counter() - start:.0f} s; nothing is left running")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    sys.exit(main())
