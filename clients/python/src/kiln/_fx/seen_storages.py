"""Which inputs of a graph are looked at beyond their own elements."""

from __future__ import annotations

import operator
from typing import Any

import torch
import torch.fx


def seen_storages(gm: torch.fx.GraphModule) -> frozenset[torch.fx.Node]:
    """Inputs that a node may read beyond their own elements: where those lie in their storages matters.

    Only of these is it promised that a call gives what was traced. Of a tangent it is not: that of a view is traced as
    the view was, and comes as it likes.
    """
    nodes = (node for node in gm.graph.nodes if node.op == "call_function" and "as_strided" in str(node.target))
    return frozenset(_storage_owner(node.args[0]) for node in nodes)


def _storage_owner(node: torch.fx.Node) -> torch.fx.Node:
    """Follows a view to the node that made its storage."""
    while node.op == "call_function" and _may_show_its_argument(node.target):
        shown = node.args[0] if node.args else None
        if not isinstance(shown, torch.fx.Node):
            break
        node = shown
    return node


def _may_show_its_argument(target: Any) -> bool:
    if target is operator.getitem:
        return True
    if not isinstance(target, torch._ops.OpOverload):
        return False
    shows = any(returned.alias_info is not None for returned in target._schema.returns)
    return shows or target is torch.ops.aten._unsafe_view.default
