"""Makes a failing program small, while it fails in the same way.

Every step proposes programs; the first that still fails is taken. Values are cut off into inputs, outputs and nodes
dropped, what is special about inputs made plain, sizes made small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from input_numbers import make_inputs
from program import Input, Node, Program, Ref, substituted
from run_program import World

Fails = Callable[[Program], bool]


def shrink(program: Program, fails: Fails, most_trials: int = 250) -> Program:
    """`fails` says whether a program fails as the first one does."""
    tried = {program}
    steps = (_fewer_outputs, _cut_chunks, _earlier_ends, _skipped_nodes, _plainer, _smaller_sizes)
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for step in steps:
            while (found := _first_that_fails(step(program), fails, tried, most_trials)) is not None:
                program, is_smaller = found, True
    return program


def _first_that_fails(
    candidates: Iterator[Program], fails: Fails, tried: set[Program], most_trials: int
) -> Program | None:
    for candidate in candidates:
        if len(tried) > most_trials:
            return None
        if candidate in tried or not candidate.outputs:
            continue
        tried.add(candidate)
        if fails(candidate):
            return candidate
    return None


def _fewer_outputs(program: Program) -> Iterator[Program]:
    if len(program.outputs) > 1:
        for name in program.outputs:
            yield replace(program, outputs=(name,)).pruned()
        for i in range(len(program.outputs)):
            yield replace(program, outputs=program.outputs[:i] + program.outputs[i + 1 :]).pruned()


def _earlier_ends(program: Program) -> Iterator[Program]:
    """What an output is computed from in its place."""
    values = _values(program)
    for i, output in enumerate(program.outputs):
        for node in program.nodes:
            if output in node.results:
                for name in dict.fromkeys(node.used):
                    if isinstance(values.get(name), torch.Tensor):
                        yield replace(program, outputs=(*program.outputs[:i], name, *program.outputs[i + 1 :])).pruned()


def _values(program: Program) -> dict[str, Any]:
    """What eager gives for each value, as far as it gets."""
    world = World()
    try:
        inputs = make_inputs(program, program.first)
        world.values.update(zip((one.name for one in program.inputs), inputs, strict=True))
        for node in program.nodes:
            world.run(node)
    except Exception:
        pass
    return world.values


def _cut_chunks(program: Program) -> Iterator[Program]:
    """The results of half of the nodes as inputs, of a quarter, ..., of one; late ones first: they take most along."""
    size = len(program.nodes)
    while size > 1:
        size = (size + 1) // 2
        for end in range(len(program.nodes), 0, -size):
            yield _without(program, program.nodes[max(0, end - size) : end])


def _without(program: Program, cut: tuple[Node, ...]) -> Program:
    values = _values(program)
    gone = {name for node in cut for name in node.results}
    kept = tuple(node for node in program.nodes if node not in cut)
    needed = {name for node in kept for name in node.used} | set(program.outputs)
    inputs = list(program.inputs)
    for name in sorted(gone & needed):
        value = values.get(name)
        if not isinstance(value, torch.Tensor):
            return replace(program, outputs=())
        inputs.append(_input_like(program, name, value))
    return replace(program, inputs=tuple(inputs), nodes=kept).pruned()


def _input_like(program: Program, name: str, value: torch.Tensor) -> Input:
    sizes = [str(size) for size in value.shape]
    for symbol, size in program.first.items():
        sizes = [symbol if text == str(size) and size > 1 else text for text in sizes]
    strides = None if value.is_contiguous() or program.symbols else tuple(str(step) for step in value.stride())
    numbers = (int(value.min()), int(value.max())) if value.dtype is torch.int64 and value.numel() else None
    return Input(name, value.dtype, tuple(sizes), strides, "0", value.requires_grad, numbers)


def _skipped_nodes(program: Program) -> Iterator[Program]:
    """A node left out: its users take one of its arguments."""
    for node in reversed(program.nodes):
        for name in dict.fromkeys(node.used):
            if len(node.results) == 1:
                yield _renamed(program, node, name)
        if node.mutates:
            yield replace(program, nodes=tuple(n for n in program.nodes if n is not node)).pruned()


def _renamed(program: Program, skipped: Node, name: str) -> Program:
    old = skipped.results[0]

    def instead(part: Any) -> Any:
        return Ref(name) if part == Ref(old) else part

    nodes = tuple(
        replace(
            node,
            args=substituted(node.args, instead),
            kwargs=tuple((key, substituted(value, instead)) for key, value in node.kwargs),
        )
        for node in program.nodes
        if node is not skipped
    )
    outputs = tuple(name if output == old else output for output in program.outputs)
    return replace(program, nodes=nodes, outputs=outputs).pruned()


def _plainer(program: Program) -> Iterator[Program]:
    yield replace(program, specials=False)
    yield replace(program, check_bounds=False)
    yield replace(program, inputs=tuple(replace(one, requires_grad=False) for one in program.inputs))
    for i, one in enumerate(program.inputs):
        for change in ({"strides": None, "offset": "0"}, {"requires_grad": False}, {"dtype": torch.float32}):
            if "dtype" not in change or one.dtype.is_floating_point:
                yield _with_input(program, i, replace(one, **change))
    for name, pair in program.symbols:
        yield _with_formulas(program, lambda text, name=name, pair=pair: str(pair[0]) if text == name else text)
        yield replace(program, symbols=tuple((n, (p[0], p[0]) if n == name else p) for n, p in program.symbols))


def _with_input(program: Program, index: int, one: Input) -> Program:
    return replace(program, inputs=(*program.inputs[:index], one, *program.inputs[index + 1 :]))


def _with_formulas(program: Program, change: Callable[[str], str]) -> Program:
    """Strides are dropped where a size changes: they would no longer fit."""
    inputs = []
    for one in program.inputs:
        sizes = tuple(change(size) for size in one.sizes)
        inputs.append(one if sizes == one.sizes else replace(one, sizes=sizes, strides=None, offset="0"))
    return replace(program, inputs=tuple(inputs)).pruned()


def _smaller_sizes(program: Program) -> Iterator[Program]:
    """One size made smaller wherever it stands, in inputs and in arguments."""
    numbers = {int(size) for one in program.inputs for size in one.sizes if size.isdigit()}
    for number in sorted(numbers - {0, 1}, reverse=True):
        for smaller in dict.fromkeys((1, 2, number // 2, number - 1)):
            if smaller >= number:
                continue
            resized = _with_formulas(program, lambda s, n=number, m=smaller: str(m) if s == str(n) else s)
            yield resized
            yield replace(resized, nodes=tuple(_with_number(node, number, smaller) for node in resized.nodes))
    for i, (name, pair) in enumerate(program.symbols):
        for smaller in ((2, pair[1]), (pair[0], 2), (pair[0], pair[0] + 1), (3, 5)):
            if smaller != pair and sum(smaller) < sum(pair):
                yield replace(program, symbols=(*program.symbols[:i], (name, smaller), *program.symbols[i + 1 :]))


def _with_number(node: Node, number: int, smaller: int) -> Node:
    def instead(part: Any) -> Any:
        return smaller if type(part) is int and part == number else part

    return replace(node, args=substituted(node.args, instead))
