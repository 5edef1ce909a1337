"""Elementary functions of compiled code over every float32, against PyTorch's in float64.

    python tests/conformance/elementary_line.py [NAME ...] [--every 1] [--pow-pairs 67108864]

All 2^32 bit patterns go through `torch.compile(backend="kiln")`, as a user's tensor would. An error is in units of the
last place of the float32 nearest to the true value, which is PyTorch's float64 result: within 1 unit of its own last
place, so that its error counts for 2^-29 here. The promise: at most 2 units wherever eager's float32 is within 2; NaN,
infinity and the sign of zero as the true value has them. pow takes pairs: all of a list of corners, and random ones.

--every N takes one pattern in N, from all exponents. Needs the `kiln` package and KILN_BINARY.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import kiln
from workloads import server

Function = Callable[..., torch.Tensor]

# By the name that is printed. float64 inside these is the oracle.
FUNCTIONS: dict[str, Function] = {
    "exp": torch.exp,
    "log": torch.log,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "sin": torch.sin,
    "cos": torch.cos,
    "sigmoid": torch.sigmoid,
    "tan": torch.tan,
    "expm1": torch.expm1,
    "log1p": torch.log1p,
    "log2": torch.log2,
    "log10": torch.log10,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "asin": torch.asin,
    "acos": torch.acos,
    "atan": torch.atan,
    "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt,
    "reciprocal": torch.reciprocal,
}
CORNERS = (
    *(0.0, 1.0, 0.5, 2.0, 3.0, 7.25, 33.0, 100.5, 0.99999, 1.00001, 16777215.0, 16777216.0, 1e10, 1e-10),
    *(3.4028234663852886e38, 1.1754943508222875e-38, 1.401298464324817e-45, float("inf"), float("nan")),
)
CHUNK = 1 << 22
MOST_ULP = 2.0
# The exponent field of a double for the least normal float's, which denormals share.
LEAST_EXPONENT = (1023 - 126) << 52
EXPONENT_BITS = 0x7FF0000000000000


@dataclasses.dataclass
class Worst:
    """The largest error that was seen, and for which arguments."""

    ulp: float = 0.0
    at: tuple[float, ...] = ()
    eager_ulp: float = 0.0
    values: int = 0
    broken: int = 0


def ulp_errors(got: torch.Tensor, want: torch.Tensor) -> torch.Tensor:
    """|got - want| in units of the last place; infinite where only one is NaN or infinite, or a zero's sign differs."""
    exponent = (want.view(torch.int64) & EXPONENT_BITS).clamp_(min=LEAST_EXPONENT)
    error = (got.double() - want).abs_().mul_(2.0**23).div_(exponent.view(torch.float64))
    rounded = want.float()
    special = ~torch.isfinite(rounded) | ~torch.isfinite(got)
    same = (rounded == got) | (torch.isnan(rounded) & torch.isnan(got))
    error = torch.where(special, torch.where(same, 0.0, torch.inf), error)
    signs_differ = (want == 0) & (torch.signbit(got) != torch.signbit(want))
    return torch.where(signs_differ, torch.inf, error)


def judge(worst: Worst, run: Function, eager: Function, arguments: tuple[torch.Tensor, ...]) -> None:
    want = eager(*(x.double() for x in arguments))
    ours = ulp_errors(run(*arguments), want)
    theirs = ulp_errors(eager(*arguments), want)
    worst.values += ours.numel()
    good_in_eager = theirs <= MOST_ULP
    ours = torch.where(good_in_eager, ours, 0.0)
    worst.broken += int((ours > MOST_ULP).sum())
    worst.eager_ulp = max(worst.eager_ulp, float(theirs[torch.isfinite(theirs)].amax()))
    largest, index = torch.max(ours, 0)
    if float(largest) > worst.ulp:
        worst.ulp, worst.at = float(largest), tuple(float(x[index]) for x in arguments)


def line(every: int) -> Iterator[torch.Tensor]:
    """All bit patterns, or one in `every`, in chunks."""
    for start in range(-(1 << 31), 1 << 31, CHUNK * every):
        yield torch.arange(start, min(start + CHUNK * every, 1 << 31), every).to(torch.int32).view(torch.float32)


def pairs(count: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    signed = [sign * x for x in CORNERS for sign in (1.0, -1.0)]
    corners = torch.tensor(list(itertools.product(signed, signed)), dtype=torch.float32)
    yield corners[:, 0].contiguous(), corners[:, 1].contiguous()
    generator = torch.Generator().manual_seed(0)
    for start in range(0, count, CHUNK):
        n = min(CHUNK, count - start)
        # Half of them are any bits; half are bases and exponents whose power is no mere overflow.
        x, y = (torch.randint(-(1 << 31), 1 << 31, (n,), generator=generator).to(torch.int32) for _ in range(2))
        yield x.view(torch.float32), y.view(torch.float32)
        base = torch.exp(torch.randn(n, generator=generator) * 3)
        yield base, torch.randn(n, generator=generator) * 12


def compiled(function: Function, arity: int) -> Function:
    """The function under Kiln, which is one graph for every size."""
    torch._dynamo.reset()
    namespace: dict[str, Any] = {"function": function}
    names = ", ".join("xy"[:arity])
    # Dynamo looks no further than a code object, so that each function has its own.
    exec(f"def run({names}):\n    return function({names})", namespace)
    return torch.compile(namespace["run"], backend="kiln", dynamic=True)


def report(name: str, worst: Worst, seconds: float, graphs_before: int) -> bool:
    at = ", ".join(f"{x:.9g}" for x in worst.at)
    print(
        f"{name}: {worst.values} values, {worst.ulp:.3f} ulp at {at}; eager {worst.eager_ulp:.3f};"
        f" {worst.broken} over {MOST_ULP:g} where eager is not; {seconds:.0f} s",
        flush=True,
    )
    counted = kiln.stats()
    is_compiled = counted["graphs"] > graphs_before and counted["eager_graphs"] + counted["eager_calls"] == 0
    if not is_compiled:
        print(f"{name}: not all of it was compiled: {counted}", flush=True)
    return worst.broken == 0 and is_compiled


def measure(name: str, every: int) -> bool:
    start, worst, eager, graphs = time.monotonic(), Worst(), FUNCTIONS[name], kiln.stats()["graphs"]
    run = compiled(eager, 1)
    for x in line(every):
        judge(worst, run, eager, (x,))
    return report(name, worst, time.monotonic() - start, graphs)


def measure_pow(count: int) -> bool:
    start, worst, graphs = time.monotonic(), Worst(), kiln.stats()["graphs"]
    run = compiled(torch.pow, 2)
    for x, y in pairs(count):
        judge(worst, run, torch.pow, (x, y))
    return report("pow", worst, time.monotonic() - start, graphs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *FUNCTIONS, "pow"], help="all without any")
    parser.add_argument("--every", type=int, default=1, help="only one bit pattern in so many, an odd number")
    parser.add_argument("--pow-pairs", type=int, default=1 << 26)
    options = parser.parse_args()
    if options.every > 1 and options.every % 2 == 0:
        parser.error("--every is an odd number: an even one leaves out mantissas")
    names = options.names or [*FUNCTIONS, "pow"]
    with server.running() as one:
        os.environ.update(one.environment)
        good = [measure_pow(options.pow_pairs) if name == "pow" else measure(name, options.every) for name in names]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
