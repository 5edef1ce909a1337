"""Records what PyTorch answers to OpInfo's `error_inputs`: bad input that it refuses.

    python tests/conformance/record_error_inputs.py OUT.jsonl [--ops NAME]

Each error input runs twice, on fake tensors and on real ones. Each distinct call
that reaches the dispatcher becomes one line: the operator, the call as a graph in
text form, what the fake mode answered (its results, or the class of its error)
and, where real tensors refuse the call, the class and message of that error.
The last line of the output counts the error inputs that were refused above the
dispatcher, by Python or by composite operators: no operator of a graph saw them.
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import re
import sys
import warnings
from typing import Any

from graph_text import CallText, Unrepresentable
from record_op_samples import NOT_OPERATORS, Recorder, fake_inputs, looks_at_storage
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._python_dispatch import TorchDispatchMode


class FakeRecorder(Recorder):
    """As the recorder of samples, but it remembers that the dispatcher saw an error."""

    says_storages = True

    def __init__(self, out: dict[str, dict[str, Any]]) -> None:
        super().__init__(out)
        self.raised = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        try:
            return super().__torch_dispatch__(func, types, args, kwargs)
        except Exception:
            self.raised = True
            raise


class EagerRecorder(TorchDispatchMode):
    """Calls that real tensors refuse, by the text that the fake recorder gives the same call."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, dict[str, Any]] = {}
        self.raised = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        op = str(func)
        if op.startswith(NOT_OPERATORS):
            return func(*args, **kwargs)
        text = call_text(func, args, kwargs)
        try:
            return func(*args, **kwargs)
        except Exception as error:
            self.raised = True
            if text is not None:
                refusal = {"op": op, "error": type(error).__name__, "message": str(error)[:200]}
                self.refused.setdefault(text, refusal)
            raise


def call_text(func: Any, args: Any, kwargs: Any) -> str | None:
    """The call with results as a failed call is recorded; None for what a graph cannot hold."""
    names = ["[]" if "List" in str(ret.type) else f"%r{i}" for i, ret in enumerate(func._schema.returns)]
    call = CallText(says_storages=looks_at_storage(str(func)))
    try:
        return call.graph(str(func), args, kwargs, ", ".join(names))
    except Unrepresentable:
        return None


def without_results(graph: str) -> str:
    return re.sub(r"\{ [^=(]* = ", "{ ", graph, count=1)


def run(op: Any, sample: Any, recorder: Any) -> bool:
    """Whether `op` raised."""
    recorder.raised = False
    try:
        with recorder:
            op(sample.input, *sample.args, **sample.kwargs)
    except Exception:
        return True
    return False


def run_fake(op: Any, sample: Any, recorder: Any) -> bool:
    mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)
    try:
        input_, args, kwargs = (fake_inputs(mode, v) for v in (sample.input, sample.args, sample.kwargs))
    except Exception:
        return False
    recorder.raised = False
    try:
        with mode, recorder:
            op(input_, *args, **kwargs)
    except Exception:
        return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--ops", default="", help="only OpInfos whose name contains this")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    rows: dict[str, dict[str, Any]] = {}
    fake = FakeRecorder(rows)
    eager = EagerRecorder()
    counts: collections.Counter[str] = collections.Counter()
    for op in op_db:
        if options.ops not in op.name or op.error_inputs_func is None:
            continue
        for error in op.error_inputs("cpu"):
            counts["error inputs"] += 1
            refused = run_fake(op, error.sample_input, fake)
            counts["refused on fake tensors"] += refused
            counts["refused on fake tensors, above the dispatcher"] += refused and not fake.raised
            refused = run(op, error.sample_input, eager)
            counts["refused on real tensors"] += refused
            counts["refused on real tensors, above the dispatcher"] += refused and not eager.raised
    by_call = {without_results(graph): row for graph, row in rows.items()}
    for graph, refusal in eager.refused.items():
        row = by_call.setdefault(without_results(graph), {"op": refusal["op"], "graph": graph})
        row.update(eager_error=refusal["error"], eager_message=refusal["message"])
    with open(options.out, "w") as out:
        for row in by_call.values():
            out.write(json.dumps(row) + "\n")
    print(f"{len(by_call)} distinct calls: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
