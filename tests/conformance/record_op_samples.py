"""Records what PyTorch's FakeTensorMode answers for OpInfo's samples, operator by operator.

    python tests/conformance/record_op_samples.py OUT.jsonl [--dtype float32] [--backward] [--device cuda] [--samples N]

Each distinct call that reaches the dispatcher becomes one line: the operator,
the call as a graph in text form, and PyTorch's results or the class of its
error. `check_op_samples.py` replays them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import sys
import warnings
from typing import Any

import torch
from graph_text import CallText, ResultText, Unrepresentable
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

# The dispatcher shows these to every mode; they are no operators of a graph.
NOT_OPERATORS = ("prim.", "prims.", "profiler.", "debugprims.", "inductor_prims.")


def looks_at_storage(op: str) -> bool:
    return "as_strided" in op


def describe_call(args: Any, kwargs: Any, says_storages: bool = False) -> CallText | None:
    """The call's tensors, described before it runs, since in-place operators change them."""
    tensors = [v for v in tree_leaves((args, kwargs)) if isinstance(v, torch.Tensor)]
    # A real tensor becomes a fake one inside the mode, with a storage of its own.
    if not all(isinstance(t, FakeTensor) for t in tensors):
        return None
    call = CallText(says_storages)
    try:
        for value in (*args, *kwargs.values()):
            call.argument(value)
    except Unrepresentable:
        return None
    return call


class Recorder(TorchDispatchMode):
    # Whether calls that may look beyond a tensor's own elements tell of its storage.
    says_storages = False

    def __init__(self, out: dict[str, dict[str, Any]]) -> None:
        super().__init__()
        self._out = out
        self.calls = 0
        self.unrepresentable: dict[str, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        op = str(func)
        if op.startswith(NOT_OPERATORS):
            return func(*args, **kwargs)
        self.calls += 1
        call = describe_call(args, kwargs, self.says_storages and looks_at_storage(op))
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            if call is not None:
                self._record(op, call, func, args, kwargs, error=type(error).__name__, message=str(error)[:200])
            raise
        if call is None:
            self.unrepresentable[op] = self.unrepresentable.get(op, 0) + 1
            return result
        try:
            self._record(op, call, func, args, kwargs, result=result)
        except Unrepresentable:
            self.unrepresentable[op] = self.unrepresentable.get(op, 0) + 1
        return result

    def _record(self, op: str, call: CallText, func: Any, args: Any, kwargs: Any, **outcome: Any) -> str:
        names, lines = [], []
        if "result" in outcome:
            outputs = outcome["result"]
            spread = func._schema.returns
            if len(spread) == 0:
                outputs = ()
            elif not isinstance(outputs, (list, tuple)):
                outputs = (outputs,)
            text = ResultText(call)
            for value in outputs:
                items = value if isinstance(value, (list, tuple)) else (value,)
                start = len(lines)
                lines += [text.value(v) for v in items]
                here = [f"%r{i}" for i in range(start, len(lines))]
                names.append("[" + ", ".join(here) + "]" if isinstance(value, (list, tuple)) else here[0])
            if len(spread) == 1 and not lines:
                names = ["[]"]
            row: dict[str, Any] = {"op": op, "results": lines}
        else:
            for i, ret in enumerate(func._schema.returns):
                names.append("[]" if "List" in str(ret.type) else f"%r{i}")
            row = {"op": op, "error": outcome["error"], "message": outcome["message"]}
        row["graph"] = call.graph(op, args, kwargs, ", ".join(names))
        self._out.setdefault(row["graph"], row)
        return str(row["graph"])


def fake_inputs(mode: FakeTensorMode, value: Any) -> Any:
    return tree_map_only(torch.Tensor, lambda t: mode.from_tensor(t, static_shapes=True), value)


def moved(mode: FakeTensorMode, value: Any, device: str) -> Any:
    """The tensors of `value` on `device`, with their strides; those without dimensions stay where they are."""

    def move(t: torch.Tensor) -> torch.Tensor:
        if t.dim() == 0 or t.layout is not torch.strided:
            return t
        with mode:
            return torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=device)

    return value if device == "cpu" else tree_map_only(torch.Tensor, move, value)


def run_sample(op: Any, sample: Any, recorder: Recorder, backward: bool, device: str) -> None:
    mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)
    input_ = moved(mode, fake_inputs(mode, sample.input), device)
    args = moved(mode, fake_inputs(mode, sample.args), device)
    kwargs = moved(mode, fake_inputs(mode, sample.kwargs), device)
    with mode, recorder:
        out = op(input_, *args, **kwargs)
        if not backward:
            return
        leaves = [t for t in (out if isinstance(out, (list, tuple)) else [out]) if isinstance(t, torch.Tensor)]
        leaves = [t for t in leaves if t.requires_grad]
        if leaves:
            torch.autograd.backward(leaves, [torch.empty_like(t) for t in leaves])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--backward", action="store_true", help="also run each sample's backward")
    parser.add_argument("--device", default="cpu", help="a device that need not exist: cuda")
    parser.add_argument("--samples", type=int, default=None, help="at most so many of each OpInfo")
    parser.add_argument("--ops", default="", help="only OpInfos whose name contains this")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    dtype = getattr(torch, options.dtype)
    rows: dict[str, dict[str, Any]] = {}
    recorder = Recorder(rows)
    samples = failed = 0
    for op in op_db:
        if options.ops not in op.name or dtype not in op.supported_dtypes("cpu"):
            continue
        backward = options.backward and op.supports_autograd and dtype in op.supported_backward_dtypes("cpu")
        try:
            for sample in itertools.islice(op.sample_inputs("cpu", dtype, requires_grad=backward), options.samples):
                samples += 1
                try:
                    run_sample(op, sample, recorder, backward, options.device)
                except Exception:
                    failed += 1
        except Exception as error:
            print(f"{op.name}: no samples: {error}", file=sys.stderr)
    with open(options.out, "w") as out:
        for row in rows.values():
            out.write(json.dumps(row) + "\n")
    ops = {row["op"] for row in rows.values()}
    print(
        f"{samples} samples ({failed} raised), {recorder.calls} calls, {len(rows)} distinct, {len(ops)} overloads, "
        f"{sum(recorder.unrepresentable.values())} unrepresentable"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
