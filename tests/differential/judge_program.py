"""A program compiled and run at its first sizes, then asked for its second ones; compared with eager PyTorch."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from compare_results import difference, same_strides
from compile_samples import GuardedFunction, as_graph_alone, eager_reasons, kiln_backend
from input_numbers import make_inputs
from judge_samples import Outcome, extern_ops, kind_of
from program import Program, Sizes
from rounding import is_rounding
from run_program import ExactWorld, NoisyWorld, World, as_function, in_float64, same_discrete
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from kiln._host.statistics import STATISTICS

# Kinds of outcomes that are no find: as eager, or eager's error and ours are of one size.
GOOD = ("same", "no worse")
# Nothing to judge: eager or AOTAutograd refuses the program, or rounding decides a whole number in it.
NOT_JUDGED = ("eager fails", "not traced", "shaky")
# PyTorch's own deviations: AOTAutograd's graph, run by PyTorch, differs from eager in the same way.
PYTORCHS = "graph's "
NOISY_RUNS = 2
# What compare_results takes for the name of an OpInfo: it has none of this name, so that PyTorch's tolerances hold.
NO_OP = ""


@dataclasses.dataclass
class Reference:
    """What eager PyTorch gives, in float64, and with noise: outputs, gradients, then inputs after the call."""

    results: list[Any]
    exact: list[Any]
    noisy: list[list[Any]]
    aliases: list[int]


class Shaky(Exception):
    """Rounding decides something discrete in the program."""


def is_find(outcome: Outcome) -> bool:
    return outcome.kind not in GOOD + NOT_JUDGED and not outcome.kind.startswith(PYTORCHS)


def call(program: Program, function: Callable[..., Any], inputs: list[torch.Tensor]) -> tuple[list[Any], list[int]]:
    """The results of one call, and for each output the first input or output that shares its memory."""
    outputs = list(function(*inputs))
    return _with_gradients(program, outputs, inputs), _aliases([*inputs, *outputs])[len(inputs) :]


def _with_gradients(program: Program, outputs: list[Any], inputs: list[torch.Tensor]) -> list[Any]:
    """Outputs, gradients, then what the call left of its inputs."""
    gradients = _gradients(outputs, inputs) if program.gradient else []
    return [*outputs, *gradients, *(t.detach() for t in inputs)]


def _gradients(outputs: list[Any], inputs: list[torch.Tensor]) -> list[Any]:
    differentiable = [t for t in outputs if isinstance(t, torch.Tensor) and t.requires_grad]
    leaves = [t for t in inputs if t.requires_grad]
    if not differentiable:
        return []
    generator = torch.Generator().manual_seed(0)
    # Eighths are exact in every floating dtype, so that a float64 run has the same ones.
    tangents = [((torch.randn(t.shape, generator=generator) * 8).round() / 8).to(t.dtype) for t in differentiable]
    return list(torch.autograd.grad(differentiable, leaves, tangents, allow_unused=True))


def _aliases(tensors: Sequence[Any]) -> list[int]:
    """For each tensor the first one that has an element in common with it.

    Parts of one memory that have none may as well be apart: so AOTAutograd takes the results of split.
    """
    places = [_addresses(t) if isinstance(t, torch.Tensor) else torch.empty(0) for t in tensors]
    return [
        next(k for k in range(i + 1) if k == i or bool(torch.isin(at, places[k]).any())) for i, at in enumerate(places)
    ]


def _addresses(t: torch.Tensor) -> torch.Tensor:
    addresses = torch.full([], t.untyped_storage().data_ptr() // t.element_size() + t.storage_offset())
    for size, stride in zip(t.shape, t.stride(), strict=True):
        addresses = addresses[..., None] + stride * torch.arange(size)
    return addresses.flatten()


def reference(program: Program, sizes: Sizes) -> Reference:
    """Raises Shaky, and what PyTorch raises."""

    def run(world: Callable[[], World], prepare: Callable[[torch.Tensor], torch.Tensor]) -> tuple[list[Any], list[int]]:
        seen: list[Any] = []
        inputs = [prepare(t) for t in make_inputs(program, sizes)]
        results, aliases = call(program, as_function(program, world, seen), inputs)
        discrete_runs.append(seen)
        if not same_discrete(discrete_runs[0], seen):
            raise Shaky
        return results, aliases

    discrete_runs: list[list[Any]] = []
    results, aliases = run(World, lambda t: t)
    exact, _ = run(ExactWorld, in_float64)
    noisy = [run(lambda k=k: NoisyWorld(k), lambda t: t)[0] for k in range(NOISY_RUNS)]
    return Reference(results, exact, noisy, aliases)


class Judge:
    """Judges one program. What is compiled lives as long as this."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._options = {"check_bounds": "true"} if program.check_bounds else {}
        self._guarded: GuardedFunction | None = None

    def judge(self) -> Outcome:
        before = {graph.number for graph in STATISTICS.graphs()}
        outcome = self._at(self._program.first, "")
        if outcome.kind in GOOD and self._program.symbols:
            assert self._guarded is not None
            if self._admits_second():
                again = self._at(self._program.second, "at the second sizes: ")
                outcome = again if again.kind not in NOT_JUDGED else outcome
        return dataclasses.replace(outcome, extern=extern_ops(before))

    def _admits_second(self) -> bool:
        assert self._guarded is not None
        with contextlib.suppress(Exception):
            return self._guarded.admits(make_inputs(self._program, self._program.second))
        return False

    def _outcome(self, kind: str, detail: str) -> Outcome:
        return Outcome(self._program.seed, kind, detail)

    def _at(self, sizes: Sizes, where: str) -> Outcome:
        try:
            want = reference(self._program, sizes)
        except Shaky:
            return self._outcome("shaky", "")
        except Exception as error:
            return self._outcome("eager fails", _short(error))
        with eager_reasons() as reasons:
            try:
                got, aliases = self._compiled(sizes)
            except Exception as error:
                return self._explain_exception(error, sizes, where)
        if reasons:
            return self._outcome(kind_of(reasons[0]), f"{where}{reasons[0]}")
        return self._compare(got, aliases, want, sizes, where)

    def _compiled(self, sizes: Sizes) -> tuple[list[Any], list[int]]:
        """The results of the first of two calls: the second must not touch them."""
        if self._guarded is None:
            self._guarded = self._trace(kiln_backend(self._options), sizes)
        results, aliases = call(self._program, self._guarded, make_inputs(self._program, sizes))
        call(self._program, self._guarded, make_inputs(self._program, sizes))
        return results, aliases

    def _trace(self, backend: Any, sizes: Sizes) -> GuardedFunction:
        tensors = make_inputs(self._program, sizes)
        marked = [
            [dim for dim, size in enumerate(one.sizes) if not size.isdigit() and t.shape[dim] > 1]
            for one, t in zip(self._program.inputs, tensors, strict=True)
        ]
        return GuardedFunction(as_function(self._program), tensors, backend, marked)

    def _graph_alone(self, sizes: Sizes) -> tuple[list[Any], list[int]]:
        """What PyTorch makes of AOTAutograd's graph, traced at the first sizes."""
        guarded = self._trace(as_graph_alone, self._program.first)
        return call(self._program, guarded, make_inputs(self._program, sizes))

    def _explain_exception(self, error: Exception, sizes: Sizes, where: str) -> Outcome:
        try:
            self._graph_alone(sizes)
        except Exception as theirs:
            return self._outcome("not traced", _short(theirs))
        return self._outcome("error", where + _short(error))

    def _compare(self, got: list[Any], aliases: list[int], want: Reference, sizes: Sizes, where: str) -> Outcome:
        kind, detail = _deviation(got, aliases, want)
        if kind in GOOD:
            return self._outcome(kind, detail)
        if kind == "strides" and self._are_fake_strides(got, sizes):
            return self._outcome(f"{PYTORCHS}fake strides", where + detail)
        with contextlib.suppress(Exception):
            theirs, their_aliases = self._graph_alone(sizes)
            same = not difference(NO_OP, got, theirs) or (kind == "strides" and _lie_alike(got, theirs))
            if same and aliases == their_aliases:
                return self._outcome(f"{PYTORCHS}{kind}", where + detail)
        return self._outcome(kind, where + detail)

    def _are_fake_strides(self, got: list[Any], sizes: Sizes) -> bool:
        """Whether PyTorch's fake mode promises the strides of our outputs: AOTAutograd counts on those."""
        # Gradients of some operators fail on symbolic sizes, sizes that data decides on plain ones, which alone tell
        # channels last from contiguous where there is one channel.
        for shape_env in (ShapeEnv(), None):
            mode = FakeTensorMode(shape_env=shape_env)
            inputs = [mode.from_tensor(t) for t in make_inputs(self._program, sizes)]
            with contextlib.suppress(Exception), mode:
                outputs = list(as_function(self._program)(*inputs))
                if _lie_alike(got, _with_gradients(self._program, outputs, inputs)):
                    return True
        return False


def _deviation(got: list[Any], aliases: list[int], want: Reference) -> tuple[str, str]:
    """The kind of what is wrong, or one of GOOD, and where it is."""
    wrong = difference(NO_OP, got, want.results)
    kind, _, detail = wrong.partition(": ")
    if kind == "values" and is_rounding(NO_OP, got, want.results, want.exact, want.noisy):
        kind = "no worse"
        for i, (ours, theirs) in enumerate(zip(got, want.results, strict=True)):
            if not _lie_alike([ours], [theirs]):
                return "strides", f"result {i} are {ours.stride()}, not {theirs.stride()}"
    if kind in ("", "no worse") and aliases != want.aliases:
        return "aliases", f"are {aliases}, not {want.aliases}"
    return kind or "same", detail


def _lie_alike(got: Sequence[Any], want: Sequence[Any]) -> bool:
    pairs = [(a, b) for a, b in zip(got, want, strict=True) if isinstance(a, torch.Tensor)]
    return all(same_strides(a, b) for a, b in pairs)


def _short(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:400]
