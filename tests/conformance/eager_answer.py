"""Whether eager PyTorch, on tensors of zeros, takes a recorded call at given sizes.

Each question is asked in a process of its own: kernels that do not look at sizes
which the fake mode lets through may crash.
"""

from __future__ import annotations

import math
import os
import signal

import torch
from symbolic_call import Call

# Larger tensors are not made.
MOST_ELEMENTS = 1 << 24
SECONDS = 20
# What the kernel says of the zeros, not of the sizes.
OF_VALUES = (torch.linalg.LinAlgError, MemoryError)
TAKEN, REFUSED = 0, 1


def eager_takes(call: Call, values: dict[str, int]) -> bool | None:
    """None where eager was not asked, or did not say."""
    if not all(_elements(call, i, values) <= MOST_ELEMENTS for i in range(len(call.tensors))):
        return None
    child = os.fork()
    if child == 0:
        os._exit(_ask(call, values))
    _, status = os.waitpid(child, 0)
    return {TAKEN: True, REFUSED: False}.get(os.waitstatus_to_exitcode(status))


def _elements(call: Call, i: int, values: dict[str, int]) -> int:
    return math.prod(layout.value(values, False) for layout in call.tensors[i].size_layout)


def _ask(call: Call, values: dict[str, int]) -> int:
    signal.alarm(SECONDS)
    torch.set_num_threads(1)
    try:
        tensors, args, kwargs = call.arguments(values, MOST_ELEMENTS)
        for t in tensors:
            t.zero_()
        call.func(*args, **kwargs)
    except OF_VALUES:
        return 2
    except Exception:
        return REFUSED
    return TAKEN
