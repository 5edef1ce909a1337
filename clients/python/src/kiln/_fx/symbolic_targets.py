"""Arithmetic on symbolic scalars: what stands in an FX graph, by the wire's names."""

from __future__ import annotations

import math
import operator
from typing import Any

import torch
from torch.fx.experimental.sym_node import METHOD_TO_OPERATOR

# Python's and PyTorch's functions on symbolic scalars, by the wire's names.
SYMBOLIC_TARGETS: dict[Any, str] = {
    abs: "sym.abs",
    operator.abs: "sym.abs",
    operator.add: "sym.add",
    operator.and_: "sym.and",
    operator.eq: "sym.eq",
    operator.floordiv: "sym.floordiv",
    operator.ge: "sym.ge",
    operator.gt: "sym.gt",
    operator.le: "sym.le",
    operator.lshift: "sym.lshift",
    operator.lt: "sym.lt",
    operator.mod: "sym.mod",
    operator.mul: "sym.mul",
    operator.ne: "sym.ne",
    operator.neg: "sym.neg",
    operator.not_: "sym.not",
    operator.or_: "sym.or",
    operator.pos: "sym.pos",
    operator.pow: "sym.pow",
    operator.rshift: "sym.rshift",
    operator.sub: "sym.sub",
    operator.truediv: "sym.truediv",
    operator.xor: "sym.xor",
    round: "sym.round",
    math.acos: "sym.acos",
    math.asin: "sym.asin",
    math.asinh: "sym.asinh",
    math.atan: "sym.atan",
    math.ceil: "sym.ceil",
    math.cos: "sym.cos",
    math.cosh: "sym.cosh",
    math.exp: "sym.exp",
    math.floor: "sym.floor",
    math.log: "sym.log",
    math.log2: "sym.log2",
    math.sin: "sym.sin",
    math.sinh: "sym.sinh",
    math.sqrt: "sym.sqrt",
    math.tan: "sym.tan",
    math.tanh: "sym.tanh",
    math.trunc: "sym.trunc",
    torch.sym_float: "sym.float",
    torch.sym_int: "sym.int",
    torch.sym_ite: "sym.ite",
    torch.sym_max: "sym.max",
    torch.sym_min: "sym.min",
    torch.sym_not: "sym.not",
    torch.sym_sqrt: "sym.sqrt",
    torch._sym_acos: "sym.acos",
    torch._sym_asin: "sym.asin",
    torch._sym_atan: "sym.atan",
    torch._sym_cos: "sym.cos",
    torch._sym_cosh: "sym.cosh",
    torch._sym_log2: "sym.log2",
    torch._sym_sin: "sym.sin",
    torch._sym_sinh: "sym.sinh",
    torch._sym_sqrt: "sym.sqrt",
    torch._sym_tan: "sym.tan",
    torch._sym_tanh: "sym.tanh",
    # PyTorch has no name of its own for it.
    METHOD_TO_OPERATOR["is_integer"]: "sym.is_integer",
}
