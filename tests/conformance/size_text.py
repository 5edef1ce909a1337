"""Size expressions as Kiln's text form (docs/text_form.md) and sympy print them, evaluated with Python's meaning."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_MATH = ("acos", "asin", "asinh", "atan", "cos", "cosh", "exp", "log", "log2", "sin", "sinh", "sqrt", "tan", "tanh")

NAMES: dict[str, Any] = {
    "__builtins__": {},
    "Max": max,
    "Min": min,
    "Abs": abs,
    "CeilDiv": lambda a, b: -(-a // b),
    "FloorDiv": lambda a, b: a // b,
    "CleanDiv": lambda a, b: a // b,
    "Mod": lambda a, b: a % b,
    "PythonMod": lambda a, b: a % b,
    "ModularIndexing": lambda a, b, m: (a // b) % m,
    "PowByNatural": lambda a, b: a**b,
    "IntPow": lambda a, b: a**b if b >= 0 else 1 // 0,
    "BitAnd": operator.and_,
    "IntTrueDiv": lambda a, b: a / b,
    "FloatTrueDiv": lambda a, b: a / b,
    "FloatPow": lambda a, b: a**b,
    "ToFloat": float,
    "FloorToInt": math.floor,
    "CeilToInt": math.ceil,
    "TruncToInt": math.trunc,
    "TruncToFloat": lambda a: float(int(a)),
    "RoundToInt": round,
    "RoundDecimal": round,
    **{name: getattr(math, name) for name in _MATH},
    "OpaqueUnaryFn_sqrt": math.sqrt,
    "Where": lambda c, a, b: a if c else b,
    "And": lambda *args: all(args),
    "Or": lambda *args: any(args),
    "Not": lambda a: not a,
    "Eq": lambda a, b: a == b,
    "Ne": lambda a, b: a != b,
    "Lt": lambda a, b: a < b,
    "Le": lambda a, b: a <= b,
    "Gt": lambda a, b: a > b,
    "Ge": lambda a, b: a >= b,
    "true": True,
    "false": False,
    "True": True,
    "False": False,
    "inf": math.inf,
    "nan": math.nan,
    "oo": math.inf,
    "int_oo": 1 << 62,
}


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """`text` where symbols are what `values` says. A symbol without a value is a NameError."""
    return eval(text, NAMES, values)


@functools.lru_cache(maxsize=100_000)
def compiled(text: str, names: tuple[str, ...]) -> Callable[..., Any]:
    """`text`, an expression or a tuple of them, as a function of symbols."""
    return eval(f"lambda {', '.join(names)}: ({text})", NAMES)  # type: ignore[no-any-return]


def holds(condition: Callable[..., Any], values: Sequence[int]) -> bool:
    """A compiled condition at sizes; one without a value there does not hold."""
    try:
        return bool(condition(*values))
    except (ArithmeticError, ValueError):
        return False
