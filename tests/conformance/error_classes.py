"""Which of PyTorch's exception classes each of our error reasons stands for.

PyTorch raises RuntimeError for nearly everything. A dimension or an index out of
range is an IndexError. ValueError also comes from a few TORCH_CHECK_VALUE, for
values, of which we have one reason. What hangs on data has
classes of its own in fake mode.
"""

from __future__ import annotations

DATA_DEPENDENT = {"DataDependentOutputException", "DynamicOutputShapeException", "GuardOnDataDependentSymNode"}
UNSUPPORTED = {"NotImplementedError", "UnsupportedFakeTensorException", "UnsupportedOperatorException"}

# Python code of PyTorch's fake mode (torch._refs, torch._meta_registrations) asserts or
# raises ValueError for shapes where its kernels raise RuntimeError: t_ of rank 3, view.
SHAPES = {"RuntimeError", "ValueError", "AssertionError"}

ERROR_CLASSES = {
    "BAD_ARGUMENT_COUNT": {"RuntimeError", "TypeError"},
    "BAD_ARGUMENT_TYPE": {"RuntimeError", "TypeError"},
    "BAD_ARGUMENT_VALUE": {"RuntimeError", "ValueError"},
    "DATA_DEPENDENT_SIZE": DATA_DEPENDENT,
    "DEVICE_MISMATCH": {"RuntimeError", "FakeTensorDeviceMismatchError"},
    "DTYPE_MISMATCH": {"RuntimeError"},
    "INDEX_OUT_OF_RANGE": {"IndexError"},
    # More than 64 dimensions, which PyTorch's reductions do not take either.
    "LIMIT_EXCEEDED": {"RuntimeError"},
    "SHAPE_MISMATCH": SHAPES,
    "SIZE_OVERFLOW": {"RuntimeError"},
    "UNSUPPORTED_DTYPE": UNSUPPORTED | {"RuntimeError"},
}


def reason_of(answer: list[str]) -> str | None:
    """The reason of an answer of replay_graphs that is an error, else None."""
    return answer[0].split()[1] if answer and answer[0].startswith("error: ") else None


def same_class(answer: list[str], classes: set[str]) -> bool:
    """Whether `answer` is an error of one of PyTorch's `classes`."""
    reason = reason_of(answer)
    return reason is not None and bool(ERROR_CLASSES.get(reason, set()) & classes)
