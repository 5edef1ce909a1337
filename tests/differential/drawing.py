"""A program in the making: each node runs when it is drawn, at both sets of sizes; what PyTorch refuses is dropped."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import torch
from input_numbers import make_input
from program import Input, Node, Program, Ref
from run_program import ExactWorld, NoisyWorld, World, discrete, in_float64, same_discrete
from size_formula import product

FLOATS = (torch.float32, torch.float32, torch.float32, torch.float64, torch.bfloat16, torch.float16)
INTEGERS = (torch.int64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
# Kind of dtype -> what it takes.
KINDS: dict[str, Callable[[torch.dtype], bool]] = {
    "any": lambda dtype: True,
    "float": lambda dtype: dtype.is_floating_point,
    "int": lambda dtype: not dtype.is_floating_point and dtype is not torch.bool,
    "num": lambda dtype: dtype is not torch.bool,
    "bool": lambda dtype: dtype is torch.bool,
    "intlike": lambda dtype: not dtype.is_floating_point,
    "single": lambda dtype: dtype in (torch.float32, torch.float64),
}
# Static dimensions: odd ones, powers of two and their neighbours, since vectors have 4 to 64 lanes.
DIMENSIONS = (1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 13, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 100, 129)
MOST_INPUTS = 9
LARGEST_NUMBER = 1e4


class Refused(Exception):
    """What was drawn cannot be: another try."""


class Drawing:
    """The nodes so far, and what they gave."""

    def __init__(self, seed: int, most_elements: int) -> None:
        self.random = random.Random(seed)
        self.most_elements = most_elements
        choose = self.random.random
        self.is_gradient = choose() < 0.3
        self.program = Program((), (), (), seed=seed, check_bounds=choose() < 0.15, specials=choose() < 0.1)
        symbols = self.random.choice([0, 0, 0, 1, 2, 3])
        self.symbols = {f"s{i}": self._symbol_sizes() for i in range(symbols)}
        # Dimensions that shapes are made of, so that values fit each other.
        self.palette = [str(self.random.choice(DIMENSIONS)) for _ in range(self.random.randint(2, 4))]
        self.palette += list(self.symbols)
        if choose() < 0.04:
            self.palette.append("0")
        self.inputs: list[Input] = []
        self.nodes: list[Node] = []
        self._restart()

    def _symbol_sizes(self) -> tuple[int, int]:
        first, second = self.random.choice(DIMENSIONS), self.random.choice(DIMENSIONS)
        return max(2, first), max(2, second)

    @property
    def first(self) -> dict[str, int]:
        return {name: pair[0] for name, pair in self.symbols.items()}

    @property
    def second(self) -> dict[str, int]:
        return {name: pair[1] for name, pair in self.symbols.items()}

    def _restart(self) -> None:
        """Worlds with the inputs and nodes so far: as is, at the second sizes, and three that show what is shaky."""
        self.worlds: list[World] = [World(), World(), ExactWorld(), NoisyWorld(1), NoisyWorld(2)]
        for one in self.inputs:
            self._define(one)
        for node in self.nodes:
            for world in self.worlds:
                world.run(node)

    def _define(self, one: Input) -> None:
        for i, world in enumerate(self.worlds):
            tensor = make_input(self.program, one, self.second if i == 1 else self.first)
            world.values[one.name] = in_float64(tensor) if isinstance(world, ExactWorld) else tensor

    # What there is.

    def tensor(self, name: str) -> torch.Tensor:
        value: torch.Tensor = self.worlds[0].values[name]
        return value

    def again(self, name: str) -> torch.Tensor:
        """The same value at the second sizes."""
        value: torch.Tensor = self.worlds[1].values[name]
        return value

    def is_static(self, name: str, dim: int) -> bool:
        return self.tensor(name).shape[dim] == self.again(name).shape[dim]

    def names(self, fits: Callable[[torch.Tensor], bool]) -> list[str]:
        values = self.worlds[0].values
        return [name for name, value in values.items() if isinstance(value, torch.Tensor) and fits(value)]

    def pick(self, kind: str = "any", ranks: Sequence[int] = range(6)) -> Ref:
        """A value, recent ones sooner; a new input if there is none, and now and then."""
        found = self.names(lambda t: KINDS[kind](t.dtype) and t.dim() in ranks)
        if not found or (len(self.inputs) < MOST_INPUTS and self.random.random() < 0.12):
            return self.new_input(kind, [d for d in (0, 1, 2, 2, 3, 3, 4, 5) if d in ranks])
        last = len(found) - 1
        return Ref(found[last - min(last, int(self.random.expovariate(0.25)))])

    def pick_like(self, ref: Ref, kind: str = "any", same_dtype: bool = False) -> Ref:
        """A value that broadcasts with another one at both sizes."""
        one, again = self.tensor(ref.name), self.again(ref.name)

        def fits(name: str) -> bool:
            other = self.tensor(name)
            if not KINDS[kind](other.dtype) or (same_dtype and other.dtype != one.dtype):
                return False
            return _broadcast(one, other) and _broadcast(again, self.again(name))

        found = [name for name in self.names(lambda t: True) if fits(name)]
        if found and self.random.random() < 0.8:
            return Ref(found[-1 - min(len(found) - 1, int(self.random.expovariate(0.3)))])
        return self.new_input_like(ref, one.dtype if same_dtype else self.dtype_of(kind))

    def dtype_of(self, kind: str) -> torch.dtype:
        all_dtypes = (*FLOATS, *FLOATS, *INTEGERS, torch.bool)
        return self.random.choice([dtype for dtype in all_dtypes if KINDS[kind](dtype)])

    # What is added.

    def new_input(self, kind: str = "any", ranks: Sequence[int] = (1, 2, 3)) -> Ref:
        rank = self.random.choice(list(ranks) or [2])
        return self.add_input(self.dtype_of(kind), [self.random.choice(self.palette) for _ in range(rank)])

    def new_input_like(self, ref: Ref, dtype: torch.dtype) -> Ref:
        """An input that broadcasts with a value: some of its dimensions, others 1, some left out."""
        sizes = [self.formula(ref.name, dim) for dim in range(self.tensor(ref.name).dim())]
        sizes = sizes[self.random.randint(0, len(sizes)) if self.random.random() < 0.3 else 0 :]
        return self.add_input(dtype, ["1" if self.random.random() < 0.25 else size for size in sizes])

    def formula(self, name: str, dim: int) -> str:
        """A palette's dimension that is as large at both sizes."""
        pair = self.tensor(name).shape[dim], self.again(name).shape[dim]
        if pair[0] == pair[1]:
            return str(pair[0])
        for symbol, sizes in self.symbols.items():
            for factor in (1, 2, 3, 4):
                if pair == (sizes[0] * factor, sizes[1] * factor):
                    return product([symbol, str(factor)])
        raise Refused

    def add_input(
        self, dtype: torch.dtype, sizes: Sequence[str], values: tuple[int, int] | None = None, plain: bool = False
    ) -> Ref:
        if len(self.inputs) > 2 * MOST_INPUTS:
            raise Refused
        name = f"i{len(self.inputs)}"
        strides, offset = (None, "0") if plain else self._layout(sizes)
        gradient = self.is_gradient and dtype.is_floating_point and self.random.random() < 0.6
        one = Input(name, dtype, tuple(sizes), strides, offset, gradient, values)
        for which in (self.first, self.second):
            shape = one.layout(which)[0]
            if torch.Size(shape).numel() > self.most_elements:
                raise Refused
        self.inputs.append(one)
        self._define(one)
        return Ref(name)

    def _layout(self, sizes: Sequence[str]) -> tuple[tuple[str, ...] | None, str]:
        """Strides and offset: contiguous, permuted, every second element, or expanded."""
        ways = {"contiguous": 12, "permuted": 3, "channels_last": 2, "sliced": 2, "expanded": 1}
        way = self.random.choices(list(ways), list(ways.values()))[0]
        rank = len(sizes)
        order = list(range(rank))
        if way == "permuted":
            self.random.shuffle(order)
        elif way == "channels_last" and rank in (4, 5):
            order = [0, *range(2, rank), 1]
        elif way == "contiguous" or rank == 0:
            return None, "0"
        strides = [""] * rank
        step = ["2"] if way == "sliced" else []
        for dim in reversed(order):
            strides[dim] = product(step)
            step.append(sizes[dim] if sizes[dim] != "0" else "1")
        if way == "sliced" and rank > 1:
            outer = order[0]
            strides[outer] = product([strides[outer], "2"])
        if way == "expanded":
            strides[self.random.randrange(rank)] = "0"
        return tuple(strides), str(self.random.randint(1, 5)) if way == "sliced" else "0"

    def add(self, op: str, *args: Any, results: int = 1, **kwargs: Any) -> Ref | tuple[Ref, ...]:
        """A node; Refused if PyTorch refuses it, or if its numbers are none to compare by."""
        start = sum(len(node.results) for node in self.nodes)
        names = tuple(f"v{start + i}" for i in range(results))
        node = Node(names, op, tuple(_frozen(a) for a in args), tuple((k, _frozen(v)) for k, v in kwargs.items()))
        try:
            given = [world.run(node) for world in self.worlds]
            self._check(given)
        except (Refused, RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as error:
            for world in self.worlds:
                for name in names:
                    world.values.pop(name, None)
            if node.mutates:
                self._restart()
            raise Refused(str(error)) from error
        self.nodes.append(node)
        refs = tuple(Ref(name) for name in names)
        return refs[0] if results == 1 else refs

    def one(self, op: str, *args: Any, **kwargs: Any) -> Ref:
        """`add` of a node with one result."""
        added = self.add(op, *args, **kwargs)
        assert isinstance(added, Ref)
        return added

    def size(self, ref: Ref, dim: int) -> Any:
        """The size of a dimension as an argument: a number, or a node if it is dynamic."""
        if self.is_static(ref.name, dim):
            return self.tensor(ref.name).shape[dim]
        return self.one("aten.sym_size.int", ref, dim)

    def _check(self, given: list[list[Any]]) -> None:
        if any(not same_discrete(discrete(given[0]), discrete(one)) for one in given[2:]):
            raise Refused("shaky")
        for results in (given[0], *given[2:]):
            if any(_is_shaky(a, b) for a, b in zip(given[0], results, strict=True)):
                raise Refused("shaky")
        for results in given[:2]:
            for t in results:
                if isinstance(t, torch.Tensor):
                    self._check_numbers(t.detach())

    def _check_numbers(self, t: torch.Tensor) -> None:
        if t.layout is not torch.strided or t.dtype.is_complex or t.dim() > 6:
            raise Refused("kind")
        if t.numel() > self.most_elements:
            raise Refused("too large")
        if t.dtype.is_floating_point and not self.program.specials and t.numel():
            largest = float(t.abs().max())
            if not largest <= (1e3 if t.dtype is torch.float16 else LARGEST_NUMBER):
                raise Refused("large numbers")


def _frozen(argument: Any) -> Any:
    return tuple(_frozen(part) for part in argument) if isinstance(argument, (list, tuple)) else argument


def _is_shaky(result: Any, other: Any) -> bool:
    """Whether what rounding can change is more than what a comparison would let pass as rounding."""
    if not isinstance(result, torch.Tensor) or not result.dtype.is_floating_point or not result.numel():
        return False
    a, b = result.detach().double(), other.detach().double()
    most = 0.1 if result.dtype in (torch.float16, torch.bfloat16) else 1e-3
    errors = torch.where(torch.isfinite(a) & torch.isfinite(b), (a - b).abs(), 0.0)
    return float(errors.max()) > most * float(torch.nan_to_num(a, posinf=0.0, neginf=0.0).abs().max()) + 1e-6


def _broadcast(a: torch.Tensor, b: torch.Tensor) -> bool:
    pairs = zip(reversed(a.shape), reversed(b.shape), strict=False)
    return all(m == n or m == 1 or n == 1 for m, n in pairs)
