"""Trains six small models with `backend="kiln"` and with eager, and compares the curves of their losses.

    python tests/conformance/training_against_eager.py [--models gpt2 t5] [--steps 200]

Rounding makes curves part, eager's from eager's too: with each number of threads it adds in another order. Eager's
curves over THREADS are the judge. At each step Kiln's loss may be outside of theirs by no more than the widest that
they have been apart until then, and ULPS units in the last place of the loss. Small models are cut up alike for any
number of threads, and then eager hardly differs from itself. So a model is also good if Kiln's curve stays as near to
that of eager in float64 as eager's in float32 does, to a factor of two, at every step's widest until then.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import sys
from typing import Any

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from workloads import MODEL_NAMES, server  # noqa: E402
from workloads.python_process import run_module  # noqa: E402

THREADS = (1, 2, 3, 4, 6, 8)
KILN_THREADS = 2
ULPS = 8 * 2.0**-23


def curve(
    model: str, backend: str, threads: int, steps: int, environment: dict[str, str], dtype: str = "float32"
) -> dict[str, Any]:
    # More threads than cores, which then must not spin while they wait for one another.
    environment = {**environment, "OMP_WAIT_POLICY": "passive"}
    flags = [f"--model={model}", f"--backend={backend}", f"--threads={threads}", f"--steps={steps}", f"--dtype={dtype}"]
    return run_module("workloads.training_curve", flags, environment)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The widest of the curves: eager's apart, Kiln's outside of them, eager's and Kiln's from the exact one."""

    width: float
    outside: float
    eager_error: float
    kiln_error: float
    within_spread: bool
    within_error: bool


def compare(kiln: list[float], eager: list[list[float]], exact: list[float]) -> Comparison:
    width = outside = eager_error = kiln_error = 0.0
    within_spread = within_error = True
    for step, loss in enumerate(kiln):
        low, high = min(c[step] for c in eager), max(c[step] for c in eager)
        slack = ULPS * abs(high)
        width = max(width, high - low)
        outside = max(outside, low - loss, loss - high)
        eager_error = max(eager_error, high - exact[step], exact[step] - low)
        kiln_error = max(kiln_error, abs(loss - exact[step]))
        # A loss that is no number is within nothing.
        within_spread &= max(low - loss, loss - high) <= width + slack
        within_error &= abs(loss - exact[step]) <= 2 * eager_error + slack
    return Comparison(width, outside, eager_error, kiln_error, within_spread, within_error)


def judge(model: str, steps: int, environment: dict[str, str]) -> bool:
    plain = dict(os.environ)
    eager = [curve(model, "none", threads, steps, plain)["losses"] for threads in THREADS]
    exact = curve(model, "none", KILN_THREADS, steps, plain, "float64")["losses"]
    kiln = curve(model, "kiln", KILN_THREADS, steps, environment)
    found = compare(kiln["losses"], eager, exact)
    if kiln["eager_graphs"]:
        verdict = f"BAD: {kiln['eager_graphs']} graphs ran eagerly"
    elif not eager[0][-1] < eager[0][0]:
        verdict = "BAD: eager learns nothing"
    elif found.within_spread:
        verdict = "good, within eager's spread"
    elif found.within_error:
        verdict = "good, within twice eager's error"
    else:
        verdict = "BAD"
    print(
        f"{model:9} {verdict}: loss {kiln['losses'][0]:.4f} to {kiln['losses'][-1]:.4f}\n"
        f"  eager's curves are up to {found.width:.2e} apart, Kiln's is up to {found.outside:.2e} outside of them\n"
        f"  from the float64 curve: eager's up to {found.eager_error:.2e}, Kiln's up to {found.kiln_error:.2e}",
        flush=True,
    )
    return verdict.startswith("good")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODEL_NAMES, default=MODEL_NAMES)
    parser.add_argument("--steps", type=int, default=200)
    arguments = parser.parse_args()
    with server.running() as running:
        good = [judge(model, arguments.steps, running.environment) for model in arguments.models]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
