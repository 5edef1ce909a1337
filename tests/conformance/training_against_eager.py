"""Trains six small models with `backend="kiln"` and with eager, and compares the curves of their losses.

    python tests/conformance/training_against_eager.py [--models gpt2 t5] [--steps 200]

Rounding makes curves part, eager's from eager's too: with each number of threads it adds in another order. Eager's
curves over THREADS are the judge. At each step Kiln's loss may be outside of theirs by no more than the widest that
they have been apart until then, and ULPS units in the last place of the loss.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import server  # noqa: E402

MODELS = ("bert", "gpt2", "llama", "resnet50", "t5", "vit")
THREADS = (1, 2, 3, 4, 6, 8)
KILN_THREADS = 2
ULPS = 8 * 2.0**-23


def curve(model: str, backend: str, threads: int, steps: int, environment: dict[str, str]) -> dict[str, Any]:
    environment = {**environment, "PYTHONPATH": server.python_path(), "TRANSFORMERS_VERBOSITY": "error"}
    command = [sys.executable, "-m", "workloads.training_curve", f"--model={model}", f"--backend={backend}"]
    command += [f"--threads={threads}", f"--steps={steps}"]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@dataclasses.dataclass(frozen=True)
class Comparison:
    """`width`: the widest that eager's curves are apart; `outside`: the most that Kiln's is outside of them all."""

    width: float
    outside: float
    first_bad_step: int | None


def compare(kiln: list[float], eager: list[list[float]]) -> Comparison:
    width, most, bad = 0.0, 0.0, None
    for step, loss in enumerate(kiln):
        low, high = min(c[step] for c in eager), max(c[step] for c in eager)
        width = max(width, high - low)
        outside = max(0.0, low - loss, loss - high)
        most = max(most, outside)
        # "not <=": a loss that is no number is bad.
        if bad is None and not outside <= width + ULPS * abs(high):
            bad = step
    return Comparison(width, most, bad)


def judge(model: str, steps: int, environment: dict[str, str]) -> bool:
    eager = [curve(model, "none", threads, steps, dict(os.environ))["losses"] for threads in THREADS]
    kiln = curve(model, "kiln", KILN_THREADS, steps, environment)
    found = compare(kiln["losses"], eager)
    verdict = "good"
    if kiln["eager_graphs"]:
        verdict = f"BAD: {kiln['eager_graphs']} graphs ran eagerly"
    elif found.first_bad_step is not None:
        verdict = f"BAD from step {found.first_bad_step} on"
    elif not eager[0][-1] < eager[0][0]:
        verdict = "BAD: eager learns nothing"
    print(
        f"{model:9} {verdict}: loss {kiln['losses'][0]:.4f} to {kiln['losses'][-1]:.4f}, eager's curves are up to"
        f" {found.width:.2e} apart, Kiln's is up to {found.outside:.2e} outside of them",
        flush=True,
    )
    return verdict == "good"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--steps", type=int, default=200)
    arguments = parser.parse_args()
    with server.running() as running:
        good = [judge(model, arguments.steps, running.environment) for model in arguments.models]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
