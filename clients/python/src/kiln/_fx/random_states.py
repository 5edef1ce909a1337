"""States of the random generator that a forward graph hands to its backward graph.

AOTAutograd wraps a random operator that the backward computes again: `run_and_save_rng_state` in the forward graph
gives the generator's state beside the operator's results, and `run_with_rng_state` in the backward graph takes it.
Compiled code saves a state of its own in the place of PyTorch's (compiler/loops/random_state.h): neither can be taken
for the other, and neither can read the other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.fx
from torch._prims.rng_prims import run_and_save_rng_state, run_with_rng_state

from kiln._wire.errors import KilnError

__all__ = ["check_readable", "is_own_state", "run_and_save_rng_state", "run_with_rng_state", "state_places"]

_MARK = list(b"kiln")
_MARK_AT = 8


def state_places(gm: torch.fx.GraphModule) -> tuple[int, ...]:
    """Which inputs are states that the graph draws from."""
    states = {node.args[0] for node in gm.graph.nodes if node.target is run_with_rng_state}
    return tuple(i for i, node in enumerate(gm.graph.find_nodes(op="placeholder")) if node in states)


def is_own_state(state: torch.Tensor) -> bool:
    """Whether compiled code saved it, and not PyTorch."""
    return bool(state[_MARK_AT : _MARK_AT + len(_MARK)].tolist() == _MARK)


def check_readable(args: Sequence[Any], places: Sequence[int]) -> None:
    """KilnError RANDOM_STATE where PyTorch's operators are to draw from a state that compiled code saved."""
    if any(is_own_state(args[place]) for place in places):
        raise KilnError(
            "RANDOM_STATE",
            "this backward graph runs eagerly, but its forward graph ran compiled, and PyTorch cannot draw its random "
            "numbers again; with the option eager_random it can",
        )
