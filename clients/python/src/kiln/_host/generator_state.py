"""The two operators of Kiln's own that compiled code calls in the host: the state of PyTorch's CPU generator.

Only code with the option eager_random calls them; other code has states of its own (_fx/random_states.py).
"""

from __future__ import annotations

import functools

import torch


@functools.cache
def serve() -> torch.library.Library:
    """Defines torch.ops.kiln.get_rng_state and set_rng_state, for as long as the process lives."""
    library = torch.library.Library("kiln", "FRAGMENT")
    for schema, function in (
        ("get_rng_state() -> Tensor", torch.get_rng_state),
        ("set_rng_state(Tensor state) -> ()", torch.set_rng_state),
    ):
        library.define(schema, tags=(torch.Tag.nondeterministic_seeded,))
        library.impl(schema.partition("(")[0], function, "CompositeExplicitAutograd")
    return library
