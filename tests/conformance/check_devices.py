"""Compares on which device results lie, and which mixtures are refused, to PyTorch's FakeTensorMode.

    python tests/conformance/check_devices.py REPLAY SAMPLES.jsonl... [--per-overload N] [--show N]

Takes calls of several tensors that record_op_samples.py recorded, and puts each
tensor on a device at random, also on one that does not exist here. Equal means
what it means in check_op_samples.py. KNOWN says what stays different, and why.
"""

from __future__ import annotations

import argparse
import collections
import logging
import random
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from check_op_samples import compare, has_answer, read_samples
from check_out_forms import static_call
from check_symbolic_samples import UNBACKED
from record_op_samples import Recorder
from replay_program import read_rows
from symbolic_call import Call
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

DEVICES = ("cpu", "cuda:0", "cuda:0", "cuda:1")
DRAWS = 6
KNOWN = {
    "aten.convolution.default": "PyTorch's fake mode looks at the input's device alone, where kernels refuse",
}


def chosen(samples: list[dict[str, Any]], rows: Any, per_overload: int) -> Iterator[Call]:
    """At most `per_overload` calls of an operator, of those that succeeded; half of them have a 0-dim tensor."""
    taken: collections.Counter[tuple[str, bool]] = collections.Counter()
    for sample in samples:
        op = sample["op"]
        if "results" not in sample or op not in rows or UNBACKED.search(sample["graph"]):
            continue
        kind = (op, "strides=[]" in sample["graph"])
        if taken[kind] >= per_overload:
            continue
        call = static_call(sample["graph"])
        if len(call.tensors) < 2 or any(t.alias is not None for t in call.tensors):
            continue
        taken[kind] += 1
        yield call


def record(call: Call, rng: random.Random, recorder: Recorder) -> None:
    for _ in range(DRAWS):
        for t in call.tensors:
            t.device = rng.choice(DEVICES)
        mode = FakeTensorMode(shape_env=ShapeEnv())
        with mode:
            _, args, kwargs = call.arguments({})
            with recorder:
                try:
                    call.func(*args, **kwargs)
                except Exception:
                    continue  # recorded with its class


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("samples", nargs="+")
    parser.add_argument("--per-overload", type=int, default=1)
    parser.add_argument("--show", type=int, default=1, help="deviations to print per operator")
    parser.add_argument("--at-least", type=int, default=1, help="calls that must have been compared")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    rng = random.Random(0)
    recorded: dict[str, dict[str, Any]] = {}
    recorder = Recorder(recorded)
    asked: set[str] = set()
    for call in chosen(read_samples(options.samples), read_rows(options.program), options.per_overload):
        asked.add(call.op)
        record(call, rng, recorder)
    # Only the calls asked for, not what PyTorch reached them by.
    calls = [row for row in recorded.values() if row["op"] in asked and has_answer(row)]
    total, bad = compare(options.program, calls, options.show, KNOWN)
    for op, count in bad.most_common():
        print(f"{op}: {count} of {total[op]} deviate" + (f": {KNOWN[op]}" if op in KNOWN else ""))
    compared = sum(total.values())
    failed = sum("error" in row for row in calls)
    percent = 100.0 * (compared - sum(bad.values())) / max(1, compared)
    print(f"{compared} calls of {len(total)} overloads, {failed} of which PyTorch refuses: {percent:.2f}% agree")
    return 0 if compared >= options.at_least and not bad.keys() - KNOWN.keys() else 1


if __name__ == "__main__":
    sys.exit(main())
