"""OpInfo's samples as functions of their tensors: what every run of one sample starts from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree


def full_name(op: Any) -> str:
    return f"{op.name}.{op.variant_test_name}" if op.variant_test_name else str(op.name)


OPS = {full_name(op): op for op in op_db}


def seed_only_the_cpu() -> None:
    """OpInfo seeds before each sample, and each device that is not here keeps every seed for later, with its stack."""
    for device in (torch.cuda, torch.mtia, torch.xpu):
        if not device.is_available():
            device.manual_seed_all = lambda _: None


@dataclasses.dataclass(frozen=True)
class Job:
    """The samples of one OpInfo that are judged in one way."""

    op: str
    dtype: torch.dtype
    gradient: bool = False
    # op_(x) instead of op(x).
    inplace: bool = False

    @property
    def way(self) -> str:
        kind = " gradient" if self.gradient else " inplace" if self.inplace else ""
        return f"{str(self.dtype).removeprefix('torch.')}{kind}"

    def __str__(self) -> str:
        return f"{self.op} {self.way}"


def jobs_of(op: Any, dtype: torch.dtype, kinds: frozenset[str]) -> Iterator[Job]:
    """`kinds` of forward, gradient, inplace: those that the operator has for this dtype."""
    if dtype not in op.supported_dtypes("cpu"):
        return
    name = full_name(op)
    if "forward" in kinds:
        yield Job(name, dtype)
    if "gradient" in kinds and op.supports_autograd and dtype in op.supported_backward_dtypes("cpu"):
        yield Job(name, dtype, gradient=True)
    if "inplace" in kinds and op.inplace_variant is not None:
        yield Job(name, dtype, inplace=True)


@dataclasses.dataclass
class SampleCase:
    """One sample: `function` takes tensors like `tensors` and returns a list of results."""

    number: int
    function: Callable[..., list[Any]]
    tensors: list[torch.Tensor]

    def inputs(self, dtype: torch.dtype | None = None) -> list[torch.Tensor]:
        """Fresh copies, laid out as the sample's; floating ones in `dtype` if that is given."""
        return [copy_of(t, dtype) for t in self.tensors]


def copy_of(t: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
    if t.layout is not torch.strided:
        return t.detach().clone().requires_grad_(t.requires_grad)
    bare = t.detach()
    storage = torch.empty(0, dtype=t.dtype).set_(bare.untyped_storage()).clone()
    if dtype is not None and t.dtype.is_floating_point:
        storage = storage.to(dtype)
    copy = storage.as_strided(bare.shape, bare.stride(), bare.storage_offset())
    # A copy shall be a tensor of its own, not a view of what as_strided saw.
    own = torch.empty(0, dtype=copy.dtype).set_(
        copy.untyped_storage(), copy.storage_offset(), copy.shape, copy.stride()
    )
    if t.is_conj():
        own = own.conj()
    return own.requires_grad_(t.requires_grad)


def samples_of(job: Job) -> Iterator[SampleCase]:
    """Every sample; the same ones each time."""
    op = OPS[job.op]
    torch.manual_seed(0)
    samples = op.sample_inputs("cpu", job.dtype, requires_grad=job.gradient)
    for number, sample in enumerate(samples):
        if job.inplace and sample.broadcasts_input:
            continue
        case = _case(op, sample, number, job)
        if not job.gradient or any(t.requires_grad for t in case.tensors):
            yield case


def _case(op: Any, sample: Any, number: int, job: Job) -> SampleCase:
    leaves, spec = pytree.tree_flatten((sample.input, sample.args, sample.kwargs))
    tensors: list[torch.Tensor] = []
    places: dict[int, int] = {}
    for i, leaf in enumerate(leaves):
        if not isinstance(leaf, torch.Tensor):
            continue
        # One tensor given twice is one input.
        same = next((k for k, t in enumerate(tensors) if t is leaf), None)
        places[i] = len(tensors) if same is None else same
        if same is None:
            tensors.append(leaf)
    callee = op.inplace_variant if job.inplace else op

    def function(*given: torch.Tensor) -> list[Any]:
        filled = [given[places[i]] if i in places else leaf for i, leaf in enumerate(leaves)]
        first, args, kwargs = pytree.tree_unflatten(filled, spec)
        out = callee(first, *args, **kwargs)
        if job.gradient:
            out = sample.output_process_fn_grad(out)
        return pytree.tree_leaves(out)

    return SampleCase(number, function, tensors)


def spread(cases: list[SampleCase], most: int) -> list[SampleCase]:
    """At most so many of them, from everywhere; all if `most` is 0."""
    if not most or len(cases) <= most:
        return cases
    return [cases[i * len(cases) // most] for i in range(most)]
