"""Functions of tensors through AOTAutograd and `backend="kiln"`, as torch.compile would take them, without Dynamo."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from functorch.compile import make_boxed_func, min_cut_rematerialization_partition
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.exc import TensorifyScalarRestartAnalysis
from torch._dynamo.source import ConstantSource
from torch._guards import TracingContext, tracing
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv, StatelessSymbolicContext

import kiln
from kiln._fx.decompositions import decomposition_table
from kiln._host import fallback
from kiln._wire.errors import KilnError

Backend = Callable[[Any, Sequence[Any]], Callable[..., Any]]


class _Module(torch.nn.Module):
    """What AOTAutograd takes in the place of Dynamo's graph: sizes that are symbols are its first inputs, as there."""

    def __init__(self, function: Callable[..., Any], num_sizes: int) -> None:
        super().__init__()
        self._function = function
        self._num_sizes = num_sizes

    def forward(self, *inputs: Any) -> Any:
        return self._function(*inputs[self._num_sizes :])


def as_graph_alone(gm: Any, inputs: Sequence[Any]) -> Callable[..., Any]:
    """AOTAutograd with Kiln's decompositions, whose graphs PyTorch runs: what differs from eager there is PyTorch's."""

    def nothing(graph: Any, _: Sequence[Any]) -> Callable[..., Any]:
        boxed: Callable[..., Any] = make_boxed_func(graph)
        return boxed

    around = aot_autograd(
        fw_compiler=nothing,
        bw_compiler=nothing,
        partition_fn=min_cut_rematerialization_partition,
        decompositions=decomposition_table(),
        keep_inference_input_mutations=False,
    )
    compiled: Callable[..., Any] = around(gm, inputs)
    return compiled


def kiln_backend(options: dict[str, Any]) -> Backend:
    def run(gm: Any, inputs: Sequence[Any]) -> Callable[..., Any]:
        # Each sample is traced: none comes twice.
        with torch._functorch.config.patch(enable_autograd_cache=False):
            compiled: Callable[..., Any] = kiln.backend(gm, inputs, options=options)
        return compiled

    return run


def compile_function(
    function: Callable[..., Any], tensors: Sequence[torch.Tensor], backend: Backend, dynamic: bool
) -> Callable[..., Any]:
    """`dynamic`: every dimension is marked, as `mark_dynamic` does; those of size 0 and 1 stay what they are."""
    marked = [[i for i, size in enumerate(t.shape) if dynamic and size > 1] for t in tensors]
    return GuardedFunction(function, tensors, backend, marked)


class GuardedFunction:
    """Compiled for given tensors, and for others whose sizes differ in `marked`, the dynamic dimensions of each."""

    def __init__(
        self,
        function: Callable[..., Any],
        tensors: Sequence[torch.Tensor],
        backend: Backend,
        marked: Sequence[Collection[int]],
    ) -> None:
        try:
            self._trace(function, tensors, backend, marked)
        except TensorifyScalarRestartAnalysis:
            # What it has found out about 0-d tensors holds from now on: Dynamo starts again too.
            self._trace(function, tensors, backend, marked)

    def _trace(self, function: Any, tensors: Any, backend: Backend, marked: Sequence[Collection[int]]) -> None:
        self._shape_env = ShapeEnv(duck_shape=False)
        mode = FakeTensorMode(shape_env=self._shape_env, allow_non_fake_inputs=True)
        with tracing(TracingContext(mode)):
            self._fakes = [_fake(mode, t, i, dims) for i, (t, dims) in enumerate(zip(tensors, marked, strict=True))]
            places = [(i, d) for i, t in enumerate(self._fakes) for d, s in enumerate(t.shape) if not _is_plain(s)]
            sizes = [self._fakes[i].shape[d] for i, d in places]
            self._compiled = backend(_Module(function, len(sizes)), [*sizes, *self._fakes])
        self._places = places

    def __call__(self, *given: torch.Tensor) -> Any:
        return self._compiled(*[given[i].shape[d] for i, d in self._places], *given)

    def admits(self, tensors: Sequence[torch.Tensor]) -> bool:
        """Whether the guards of tracing hold, which Dynamo would have checked before the call."""
        return bool(self._shape_env.evaluate_guards_for_args(self._fakes, tensors, ignore_static=False))


def _is_plain(size: int | torch.SymInt) -> bool:
    return isinstance(size, int)


def _fake(mode: FakeTensorMode, t: torch.Tensor, index: int, marked: Collection[int]) -> torch.Tensor:
    dims = [DimDynamic.DYNAMIC if i in marked else DimDynamic.STATIC for i in range(t.dim())]
    context: Any = StatelessSymbolicContext(dynamic_sizes=dims)
    return mode.from_tensor(t, symbolic_context=context, source=ConstantSource(f"input{index}"))


@contextmanager
def eager_reasons() -> Iterator[list[KilnError]]:
    """Why graphs ran eagerly inside the block."""
    reasons: list[KilnError] = []
    with patch.object(fallback, "report", reasons.append):
        yield reasons
