"""SymPy expressions of PyTorch's ShapeEnv in the text form of docs/text_form.md."""

from __future__ import annotations

import functools
import re
from typing import Any

import sympy
from sympy.printing.str import StrPrinter
from torch.utils._sympy.numbers import int_oo

from kiln._wire.errors import UnconvertibleNode

# Heads that the text form has under the same name.
_KNOWN_FUNCTIONS = frozenset(
    {
        "BitwiseFn_bitwise_and",
        "BitwiseFn_bitwise_or",
        "BitwiseFn_bitwise_xor",
        "CeilDiv",
        "CeilToInt",
        "CleanDiv",
        "FloatPow",
        "FloatTrueDiv",
        "FloorDiv",
        "FloorToInt",
        "IntTrueDiv",
        "LShift",
        "Max",
        "Min",
        "Mod",
        "ModularIndexing",
        "OpaqueUnaryFn_acos",
        "OpaqueUnaryFn_asin",
        "OpaqueUnaryFn_asinh",
        "OpaqueUnaryFn_atan",
        "OpaqueUnaryFn_cos",
        "OpaqueUnaryFn_cosh",
        "OpaqueUnaryFn_exp",
        "OpaqueUnaryFn_log",
        "OpaqueUnaryFn_log2",
        "OpaqueUnaryFn_sin",
        "OpaqueUnaryFn_sinh",
        "OpaqueUnaryFn_sqrt",
        "OpaqueUnaryFn_tan",
        "OpaqueUnaryFn_tanh",
        "PowByNatural",
        "PythonMod",
        "RShift",
        "RoundDecimal",
        "RoundToInt",
        "ToFloat",
        "TruncToFloat",
        "TruncToInt",
        "Where",
    }
)


# Texts of subexpressions that the printer remembers.
_MOST_REMEMBERED = 4096


class _TextFormPrinter(StrPrinter):  # type: ignore[misc]
    """SymPy's own spelling, but for connectives, which it prints as `&` and `|`.

    Remembers texts: the sizes and guards of a graph are made of one another.
    """

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[sympy.Basic, str] = {}

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if kwargs or not isinstance(expr, sympy.Basic):
            return str(super()._print(expr, **kwargs))
        text = self._texts.get(expr)
        if text is None:
            if len(self._texts) >= _MOST_REMEMBERED:
                self._texts.clear()
            text = self._texts[expr] = str(super()._print(expr))
        return text

    def _call(self, name: str, args: Any) -> str:
        return f"{name}({', '.join(self._print(a) for a in args)})"

    def _print_And(self, e: Any) -> str:
        return self._call("And", sorted(e.args, key=str))

    def _print_Or(self, e: Any) -> str:
        return self._call("Or", sorted(e.args, key=str))

    def _print_Not(self, e: Any) -> str:
        return self._call("Not", e.args)

    def _print_Float(self, e: Any) -> str:
        # All 17 digits: SymPy shows 15.
        return repr(float(e))

    def _print_Identity(self, e: Any) -> str:
        return f"({self._print(e.args[0])})"


_printer = _TextFormPrinter()


@functools.lru_cache(maxsize=_MOST_REMEMBERED)
def has_text_form(expr: sympy.Basic) -> bool:
    """Whether the server's parser knows every head and symbol of `expr`."""
    if expr.has(int_oo, -int_oo, sympy.oo, -sympy.oo, sympy.nan):
        return False
    for function in expr.atoms(sympy.Function):
        name = type(function).__name__
        if name not in _KNOWN_FUNCTIONS and name != "Identity":
            return False
    return all(s.name.isidentifier() and bool(s.is_integer) != is_float_name(s.name) for s in expr.free_symbols)


def is_float_name(name: str) -> bool:
    """Whether a symbol of this name is a float in the text form: "zf0", or "zuf0" if only data tells."""
    return re.fullmatch(r"z(u?)f\d+", name) is not None


def print_expr(expr: sympy.Basic) -> str:
    """The text form of `expr`. UnconvertibleNode when it has none."""
    if not has_text_form(expr):
        raise UnconvertibleNode(f"the size expression {expr} has no text form")
    return str(_printer.doprint(expr))


def integer_bound(bound: Any) -> int | None:
    """A finite end of a value range that fits 64 bits, or None."""
    if not isinstance(bound, (int, sympy.Integer)):
        return None
    value = int(bound)
    # PyTorch writes "no upper bound" as a number just below 2**63 in places.
    return value if -(2**62) < value < 2**62 else None
