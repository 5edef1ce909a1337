"""One sample, or several in one graph: compiled, run, compared with eager. An outcome for each."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from compare_results import difference, no_worse_than_eager, same_strides
from compile_samples import Backend, as_graph_alone, compile_function, eager_reasons, kiln_backend
from sample_cases import Job, SampleCase
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.utils._python_dispatch import TorchDispatchMode

from kiln._host.statistics import STATISTICS
from kiln._wire.errors import KilnError

# Kinds of outcomes that are no deviation.
GOOD = ("same", "no worse", "random")
# Of what is not judged: eager PyTorch or AOTAutograd refuses the sample, or it is of sparse tensors.
NOT_JUDGED = ("eager fails", "not traced", "not strided")


@dataclasses.dataclass
class Outcome:
    """`kind`: of GOOD, of NOT_JUDGED, or what is wrong; `detail` starts with where."""

    number: int
    kind: str
    detail: str = ""
    # ATen operators that the host ran for the compiled code.
    extern: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Way:
    """How samples are compiled."""

    dynamic: bool = False
    options: tuple[tuple[str, str], ...] = ()

    @property
    def backend(self) -> Backend:
        return kiln_backend(dict(self.options))


@dataclasses.dataclass
class _Expected:
    case: SampleCase
    results: list[Any]
    num_outputs: int


class _DrawsNumbers(TorchDispatchMode):
    """`seen`: whether an operator that draws random numbers ran."""

    seen = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen = self.seen or torch.Tag.nondeterministic_seeded in func.tags
        return func(*args, **(kwargs or {}))


class Judge:
    """Judges samples of one job in one way."""

    def __init__(self, job: Job, way: Way) -> None:
        self._job = job
        self._way = way
        self._newest: Callable[..., Any] | None = None

    def judge(self, cases: Sequence[SampleCase]) -> Iterator[Outcome]:
        """All in one graph; where that is not good, each in a graph of its own."""
        expected: list[_Expected] = []
        for case in cases:
            try:
                one = self._eager(case)
            except Exception as error:
                yield Outcome(case.number, "eager fails", _short(error))
                continue
            if all(t.layout is torch.strided for t in [*case.tensors, *one.results] if isinstance(t, torch.Tensor)):
                expected.append(one)
            else:
                yield Outcome(case.number, "not strided")
        if not expected:
            return
        together = self._judge_together(expected)
        if len(expected) == 1 or all(outcome.kind in GOOD for outcome in together):
            yield from together
            return
        alone = [self._judge_together([one])[0] for one in expected]
        yield from alone
        if all(outcome.kind in GOOD for outcome in alone):
            bad = next(outcome for outcome in together if outcome.kind not in GOOD)
            yield Outcome(bad.number, bad.kind, f"only with others in one graph: {bad.detail}", bad.extern)

    def _eager(self, case: SampleCase, dtype: torch.dtype | None = None) -> _Expected:
        outputs: list[Any] = []

        def function(*tensors: torch.Tensor) -> list[Any]:
            outputs.extend(case.function(*tensors))
            return outputs

        torch.manual_seed(0)
        results = self._run(function, [case], dtype)[0]
        return _Expected(case, results, len(outputs))

    def _run(
        self,
        function: Callable[..., list[Any]],
        cases: Sequence[SampleCase],
        dtype: torch.dtype | None = None,
        counts: Sequence[int] = (),
    ) -> list[list[Any]]:
        return self._run_on([case.inputs(dtype) for case in cases], function, cases, counts)

    def _run_on(
        self,
        inputs: list[list[torch.Tensor]],
        function: Callable[..., list[Any]],
        cases: Sequence[SampleCase],
        counts: Sequence[int] = (),
    ) -> list[list[Any]]:
        """For each case: its outputs, the gradients of its tensors, and what its tensors hold after the call."""
        outputs = list(function(*[t for tensors in inputs for t in tensors]))
        split: list[list[Any]] = []
        for count in counts or [len(outputs)]:
            split.append(outputs[:count])
            outputs = outputs[count:]
        if self._job.gradient:
            self._add_gradients(cases, inputs, split)
        return [[*results, *(t.detach() for t in tensors)] for results, tensors in zip(split, inputs, strict=True)]

    def _add_gradients(
        self, cases: Sequence[SampleCase], inputs: list[list[torch.Tensor]], split: list[list[Any]]
    ) -> None:
        differentiable: list[torch.Tensor] = []
        tangents: list[torch.Tensor] = []
        for case, results in zip(cases, split, strict=True):
            torch.manual_seed(case.number)
            for result in results:
                if isinstance(result, torch.Tensor) and result.requires_grad:
                    differentiable.append(result)
                    tangents.append(torch.randn(result.shape, dtype=self._tangent_dtype(result)).to(result.dtype))
        leaves = [t for tensors in inputs for t in tensors if t.requires_grad]
        if not differentiable:
            return
        gradients = iter(torch.autograd.grad(differentiable, leaves, tangents, allow_unused=True))
        for tensors, results in zip(inputs, split, strict=True):
            results.extend(next(gradients) for t in tensors if t.requires_grad)

    def _tangent_dtype(self, result: torch.Tensor) -> torch.dtype:
        """The same numbers for a float64 run as for the run that it judges."""
        return self._job.dtype if result.dtype is torch.float64 else result.dtype

    def _compiled(self, expected: Sequence[_Expected], backend: Backend) -> list[list[Any]]:
        cases = [one.case for one in expected]

        def function(*tensors: torch.Tensor) -> list[Any]:
            outputs: list[Any] = []
            start = 0
            for case in cases:
                outputs += case.function(*tensors[start : start + len(case.tensors)])
                start += len(case.tensors)
            return outputs

        inputs = [t for case in cases for t in case.inputs()]
        # Kept, since the graphs that are alive are asked what they call.
        self._newest = compile_function(function, inputs, backend, self._way.dynamic)
        return self._run(self._newest, cases, counts=[one.num_outputs for one in expected])

    def _judge_together(self, expected: Sequence[_Expected]) -> list[Outcome]:
        """Outcomes of what is wrong with the graph as a whole name the first case."""
        before = {graph.number for graph in STATISTICS.graphs()}
        with eager_reasons() as reasons:
            try:
                got = self._compiled(expected, self._way.backend)
            except Exception as error:
                return [self._explain_exception(expected, error)]
        extern = extern_ops(before)
        if reasons:
            return [Outcome(expected[0].case.number, kind_of(reasons[0]), str(reasons[0]), extern)]
        return [self._compare(one, results, extern) for one, results in zip(expected, got, strict=True)]

    def _explain_exception(self, expected: Sequence[_Expected], error: Exception) -> Outcome:
        number = expected[0].case.number
        try:
            self._compiled(expected, as_graph_alone)
        except Exception as theirs:
            return Outcome(number, "not traced", _short(theirs))
        return Outcome(number, "error", _short(error))

    def _compare(self, expected: _Expected, got: list[Any], extern: list[str]) -> Outcome:
        number = expected.case.number
        wrong = difference(self._job.op, got, expected.results)
        if not wrong:
            return Outcome(number, "same", "", extern)
        kind, _, detail = wrong.partition(": ")
        if kind == "values":
            if self._is_random(expected, got):
                return Outcome(number, "random", "", extern)
            if self._is_no_worse(expected, got):
                return Outcome(number, "no worse", detail, extern)
        if kind == "strides" and self._are_fake_strides(expected, got):
            kind = "fake strides"
        elif self._is_pytorchs_own(expected, got):
            kind = f"graph's {kind}"
        return Outcome(number, kind, detail, extern)

    def _is_random(self, expected: _Expected, got: list[Any]) -> bool:
        """Whether eager draws numbers; OpInfo sets the seed, so its results alone do not say."""
        with _DrawsNumbers() as draws:
            self._eager(expected.case)
        return draws.seen and same_kinds(got, expected.results)

    def _is_no_worse(self, expected: _Expected, got: list[Any]) -> bool:
        with contextlib.suppress(Exception):
            exact = self._eager(expected.case, dtype=torch.float64).results
            return no_worse_than_eager(self._job.op, got, expected.results, exact)
        return False

    def _are_fake_strides(self, expected: _Expected, got: list[Any]) -> bool:
        """Whether PyTorch's fake mode promises the strides that we give: AOTAutograd counts on those."""
        mode = FakeTensorMode(shape_env=ShapeEnv())
        inputs = [mode.from_tensor(t) for t in expected.case.inputs()]
        with contextlib.suppress(Exception), mode:
            fakes = self._run_on([inputs], expected.case.function, [expected.case])[0]
            pairs = [(a, b) for a, b in zip(got, fakes, strict=True) if isinstance(a, torch.Tensor)]
            return all(same_strides(a, b) for a, b in pairs)
        return False

    def _is_pytorchs_own(self, expected: _Expected, got: list[Any]) -> bool:
        """Whether AOTAutograd's graph, run by PyTorch, differs from eager just so."""
        with contextlib.suppress(Exception):
            theirs = self._compiled([expected], as_graph_alone)[0]
            return not difference(self._job.op, got, theirs)
        return False


# Why a graph is refused that nobody can compile yet: part of the message -> kind.
_REFUSALS = {
    "a size depends on data": "eager: data-dependent size",
    "a scalar from a tensor's data": "eager: data-dependent scalar",
    "no such operator in the op table": "eager: unknown operator",
    "written in Python": "eager: operator written in Python",
}


def kind_of(reason: KilnError) -> str:
    known = next((kind for part, kind in _REFUSALS.items() if part in str(reason)), "")
    return known or f"eager: {reason.reason}"


def same_kinds(got: Sequence[Any], want: Sequence[Any]) -> bool:
    """Whether tensors are of the same dtypes and sizes."""
    pairs = [(a, b) for a, b in zip(got, want, strict=True) if isinstance(b, torch.Tensor)]
    return all(isinstance(a, torch.Tensor) and (a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs)


def extern_ops(before: set[int]) -> list[str]:
    """What the graphs that were compiled since call by name."""
    names: set[str] = set()
    for graph in STATISTICS.graphs():
        if graph.number not in before:
            for variant in graph.describe()["variants"]:
                names.update(variant["extern_ops"])
    return sorted(names)


def _short(error: BaseException) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text[:400]
