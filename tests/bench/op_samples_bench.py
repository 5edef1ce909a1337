"""OpInfo's samples for fake_tensor_bench: the time of every call at the dispatcher, and the same calls for Kiln."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import time
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))

from record_op_samples import NOT_OPERATORS, Recorder

INPUT = re.compile(r"(%t\d+: \w+)\[([^\]]*)\] strides=\[([^\]]*)\]")


def with_symbols(graph: str) -> str:
    """Sizes of contiguous inputs as PyTorch makes them symbols: equal ones share one, 0 and 1 stay."""
    # Sizes that depend on data are symbols already.
    if " symbols { " in graph:
        return graph
    sizes: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        head, dims, strides = match.group(1), match.group(2).split(", "), match.group(3)
        if not all(d.isdigit() for d in dims if d):
            return match.group(0)
        dense, expected = 1, []
        for dim in reversed(dims if dims != [""] else []):
            expected.append(str(dense))
            dense *= max(1, int(dim))
        if ", ".join(reversed(expected)) != strides:
            return match.group(0)
        large = {d for d in dims if d not in ("", "0", "1")}
        sizes.update(large)
        return f"{head}[{', '.join(f's{d}' if d in large else d for d in dims)}]"

    text = INPUT.sub(replace, graph)
    if not sizes:
        return graph
    declared = ", ".join(f"s{d} = {d} in [2, oo]" for d in sorted(sizes, key=int))
    return text.replace(") { ", f") symbols {{ {declared} }} {{ ", 1)


class Timer(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls, self.seconds = 0, 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if str(func).startswith(NOT_OPERATORS):
            return func(*args, **(kwargs or {}))
        start = time.process_time()
        result = func(*args, **(kwargs or {}))
        self.seconds += time.process_time() - start
        self.calls += 1
        return result


def run_all(dtype: torch.dtype, watcher: TorchDispatchMode, cache: bool, dynamic: bool) -> None:
    for op in op_db:
        if dtype not in op.supported_dtypes("cpu"):
            continue
        try:
            samples = list(op.sample_inputs("cpu", dtype))
        except Exception:
            continue
        for sample in samples:
            mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)
            mode.cache_enabled = cache
            try:
                value = tree_map_only(
                    torch.Tensor,
                    lambda t, mode=mode: mode.from_tensor(t, static_shapes=not dynamic),
                    (sample.input, sample.args, sample.kwargs),
                )
                with mode, watcher:
                    op(value[0], *value[1], **value[2])
            except Exception:
                # A sample that PyTorch's fake mode cannot run has no time.
                continue


def kiln_us(program: str, path: pathlib.Path) -> float:
    run = subprocess.run(
        [program, "--samples", str(path), "--repeats", "3"], stdout=subprocess.PIPE, text=True, check=True
    )
    row = json.loads(run.stdout)
    return float(row["min_us"] + row["guards_min_us"]) / float(row["nodes"])


def bench_samples(
    dtype_name: str, directory: pathlib.Path, program: str
) -> list[tuple[str, dict[str, float], int, float]]:
    dtype = getattr(torch, dtype_name)
    rows: dict[str, dict[str, Any]] = {}
    run_all(dtype, Recorder(rows), cache=True, dynamic=False)
    static, symbolic = directory / "static.txt", directory / "symbolic.txt"
    static.write_text("".join(graph + "\n" for graph, row in rows.items() if "error" not in row))
    symbolic.write_text("".join(text + "\n" for text in map(with_symbols, static.read_text().splitlines())))
    timers = {}
    for name, cache, dynamic in (
        ("without cache", False, False),
        ("out of cache", True, False),
        ("ShapeEnv propagation", False, True),
    ):
        timers[name] = Timer()
        run_all(dtype, timers[name], cache, dynamic)
    calls = timers["without cache"].calls
    best = {name: timers[name].seconds / timers[name].calls * calls for name in ("without cache", "out of cache")}
    traced = timers["ShapeEnv propagation"]
    return [
        (f"OpInfo {dtype_name}, static", best, calls, kiln_us(program, static)),
        (
            f"OpInfo {dtype_name}, symbolic",
            {"ShapeEnv propagation": traced.seconds},
            traced.calls,
            kiln_us(program, symbolic),
        ),
    ]
