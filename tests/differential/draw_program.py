"""Draws a program from a seed: up to 60 nodes over op_rows.py and draw_shaped.py, and several outputs."""

from __future__ import annotations

import dataclasses
import random

from draw_row import draw_row
from draw_shaped import SHAPED_OPS
from drawing import Drawing, Refused
from op_rows import OP_ROWS
from program import Program

MOST_NODES = 60
MOST_OUTPUTS = 12
# Tries for one node: most refusals are of shapes that do not fit.
TRIES = 12

_DRAWS = [*(("row", row, row.weight) for row in OP_ROWS), *(("shaped", f, weight) for f, weight in SHAPED_OPS.items())]
_WEIGHTS = [weight for _, _, weight in _DRAWS]


def draw_program(seed: int) -> Program:
    """The same program for the same seed and the same PyTorch."""
    choose = random.Random(f"size {seed}")
    nodes = choose.choice([1, 2, 3, 5, 8, 12, 20, 30, 45, MOST_NODES])
    # Large values for few nodes: what runs in parallel, or in parts.
    most_elements = 150_000 if nodes <= 8 and choose.random() < 0.25 else 6_000
    drawing = Drawing(seed, most_elements)
    for _ in range(drawing.random.randint(1, 3)):
        try:
            drawing.new_input()
        except Refused:
            continue
    while len(drawing.nodes) < nodes:
        if not any(_draw_node(drawing) for _ in range(TRIES)):
            break
    return _finished(drawing)


def _draw_node(drawing: Drawing) -> bool:
    kind, what, _ = drawing.random.choices(_DRAWS, _WEIGHTS)[0]
    try:
        if kind == "row":
            draw_row(drawing, what)
        else:
            what(drawing)
    except (Refused, IndexError):
        return False
    return True


def _finished(drawing: Drawing) -> Program:
    """Outputs: what nobody uses, and some of the rest, even inputs and views."""
    choose = drawing.random
    used = {name for node in drawing.nodes for name in node.used}
    tensors = drawing.names(lambda t: True)
    last = [name for name in tensors if name not in used and name.startswith("v")]
    outputs = choose.sample(last, min(len(last), MOST_OUTPUTS - 2))
    if not outputs or choose.random() < 0.4:
        outputs += choose.sample(tensors, min(len(tensors), choose.choice([1, 1, 2])))
    if choose.random() < 0.9:
        # One value returned twice is rare, and AOTAutograd's affair.
        outputs = list(dict.fromkeys(outputs))
    program = dataclasses.replace(
        drawing.program,
        inputs=tuple(drawing.inputs),
        nodes=tuple(drawing.nodes),
        outputs=tuple(outputs),
        symbols=tuple(drawing.symbols.items()),
    )
    return program.pruned()
