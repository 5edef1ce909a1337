"""Sizes and strides of inputs as the text form writes them: integers, symbols, `+`, `-`, `*`, `//` and `Max`."""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


@functools.cache
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula.strip(), mode="eval").body


def value_of(formula: str, sizes: Mapping[str, int]) -> int:
    """ValueError for what is no such formula, KeyError for a symbol without a size."""
    return _value(_parsed(formula), sizes)


def _value(node: ast.expr, sizes: Mapping[str, int]) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.Name):
        return sizes[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, sizes), _value(node.right, sizes))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Max":
        return max(_value(argument, sizes) for argument in node.args)
    raise ValueError(f"no formula of sizes: {ast.unparse(node)}")


def product(factors: list[str]) -> str:
    """Without needless ones."""
    return "*".join(factor for factor in factors if factor != "1") or "1"
