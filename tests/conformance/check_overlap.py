"""In-place operators on a tensor whose elements share memory, here and on real tensors.

    python tests/conformance/check_overlap.py REPLAY

`x.expand(3).add_(1)` writes one element three times: PyTorch's kernels refuse it,
and so do we; its fake mode does not look. Those that write one value everywhere
(fill_) pass. Every in-place row of the op table that takes tensors and numbers only
is tried, on the first dtype that it takes at all.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import torch
from graph_text import DTYPES
from replay_program import read_rows, replay
from symbolic_call import overload

NUMBERS: dict[str, Any] = {"number": 1, "float": 0.5, "int": 0, "bool": True}


def operands(func: Any, dtype: torch.dtype, expanded: bool) -> list[Any] | None:
    out: list[Any] = []
    for i, arg in enumerate(func._schema.arguments):
        if arg.kwarg_only or arg.has_default_value():
            break
        kind = str(arg.type).removeprefix("Optional[").removesuffix("]")
        if kind == "Tensor":
            # An index is in range, whatever it points into.
            of = torch.int64 if arg.name == "index" else torch.bool if arg.name == "mask" else dtype
            shape = 1 if i == 0 and expanded else 3
            value = torch.zeros(shape, dtype=of) if arg.name == "index" else torch.ones(shape, dtype=of)
            out.append(value.expand(3) if i == 0 and expanded else value)
        elif kind in NUMBERS:
            out.append(NUMBERS[kind])
        else:
            return None
    return out


def takes(func: Any, args: list[Any]) -> bool:
    try:
        func(*args)
    except Exception as error:
        if "single memory location" in str(error):
            return False
        raise
    return True


def text_of(name: str, args: list[Any]) -> str:
    inputs, words = [], []
    for arg in args:
        if not isinstance(arg, torch.Tensor):
            words.append(str(arg).lower())
            continue
        inputs.append(f"%t{len(inputs)}: {DTYPES[arg.dtype]}[3] strides=[{arg.stride(0)}]")
        words.append(f"%t{len(inputs) - 1}")
    return f"graph g({', '.join(inputs)}) {{ %r = {name}({', '.join(words)}) return () }}"


def find_call(func: Any) -> tuple[list[Any], bool] | None:
    """Operands that share memory, and whether the kernel takes them; None where it does not take plain ones."""
    for dtype in (torch.float32, torch.int64, torch.bool):
        plain = operands(func, dtype, False)
        if plain is None:
            return None
        try:
            takes(func, plain)
        except Exception:
            continue
        shared = operands(func, dtype, True)
        assert shared is not None
        try:
            return shared, takes(func, shared)
        except Exception:
            return None
    return None


def main() -> int:
    warnings.simplefilter("ignore")
    graphs, wanted = [], []
    for name in read_rows(sys.argv[1]):
        namespace, packet, _ = name.split(".")
        if namespace != "aten" or not packet.endswith("_") or packet.endswith("__"):
            continue
        func = overload(name)
        call = find_call(func)
        if call is not None:
            graphs.append(text_of(name, call[0]))
            wanted.append(call[1])
    wrong = 0
    for graph, fine, answer in zip(graphs, wanted, replay(sys.argv[1], [{"graph": g} for g in graphs]), strict=True):
        if answer[0].startswith("error") != fine:
            continue
        wrong += 1
        print(f"{graph}\n  want {'no error' if fine else 'an error'}\n  got  {answer}")
    refused = wanted.count(False)
    print(f"{len(graphs)} in-place operators on shared elements, {refused} of which PyTorch refuses: {wrong} wrong")
    return 1 if wrong or refused < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
