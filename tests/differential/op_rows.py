"""Operators whose arguments a pattern describes, a row each: `name.overload | arguments | weight`.

A word of a pattern is one argument, `name=word` a named one:
    any float int num bool intlike single   a tensor of such a dtype; `:2` of rank 2, `:1+` of rank 1 or more
    like:KIND     a tensor that broadcasts with the first, of such a dtype
    same          a tensor that broadcasts with the first, of its dtype
    scalar        a number that fits the first tensor's dtype; `positive`, `small_int`, `real`, `unit` as they say
    dim dims keep dtype bool? correction    as in PyTorch's schemas
Domains, put before a row's first tensor: `~positive` and `~unit` change it to numbers above 0 and within -1 and 1.
"""

from __future__ import annotations

import dataclasses

_ROWS = """
aten.abs.default | num
aten.neg.default | num
aten.relu.default | num
aten.sgn.default | num
aten.sign.default | num
aten.exp.default | float
aten.exp2.default | float
aten.expm1.default | float
aten.sin.default | any
aten.cos.default | any
aten.tan.default | ~unit
aten.tanh.default | any
aten.sigmoid.default | any
aten.erf.default | float
aten.erfc.default | float
aten.log.default | ~positive
aten.log2.default | ~positive
aten.log10.default | ~positive
aten.log1p.default | ~positive
aten.sqrt.default | ~positive
aten.rsqrt.default | ~positive
aten.reciprocal.default | ~positive
aten.lgamma.default | ~positive
aten.digamma.default | ~positive
aten.asin.default | ~unit
aten.acos.default | ~unit
aten.atanh.default | ~half
aten.atan.default | float
aten.asinh.default | float
aten.acosh.default | ~above_one
aten.sinh.default | float
aten.cosh.default | float
aten.floor.default | float
aten.ceil.default | float
aten.round.default | float
aten.trunc.default | float
aten.frac.default | float
aten.square.default | num
aten.gelu.default | float
aten.silu.default | float
aten.mish.default | float
aten.elu.default | float
aten.celu.default | float
aten.softplus.default | float
aten.log_sigmoid_forward.default/2 | single
aten.hardtanh.default | float
aten.hardswish.default | float
aten.hardsigmoid.default | float
aten.leaky_relu.default | float real
aten.hardshrink.default | float
aten.softshrink.default | float
aten.threshold.default | num scalar scalar
aten.isnan.default | any
aten.isinf.default | any
aten.signbit.default | num
aten.logical_not.default | any
aten.bitwise_not.default | intlike
aten.nan_to_num.default | float
aten.logit.default | ~inner real
aten.clamp.default | num scalar none
aten.clamp.default | num none scalar
aten.clamp_min.default | num scalar
aten.clamp_max.default | num scalar
aten.clamp.Tensor | num same none
aten.pow.Tensor_Scalar | float small_int
aten.pow.Tensor_Scalar | ~positive real
aten.pow.Scalar | positive float
aten.add.Tensor | any like:any | 6
aten.add.Tensor | num like:num alpha=small_int | 2
aten.sub.Tensor | num like:num | 3
aten.mul.Tensor | any like:any | 6
aten.div.Tensor | any like:~positive | 3
aten.add.Scalar | any scalar | 2
aten.sub.Scalar | num scalar
aten.rsub.Scalar | num scalar
aten.mul.Scalar | any scalar | 2
aten.mul.Tensor | any real | 2
aten.div.Scalar | any positive
aten.div.Tensor_mode | num like:~positive rounding_mode=floor
aten.div.Tensor_mode | num like:~positive rounding_mode=trunc
aten.floor_divide.default | int like:~positive
aten.remainder.Scalar | num positive
aten.remainder.Tensor | num like:~positive
aten.fmod.Scalar | num positive
aten.fmod.Tensor | num like:~positive
aten.pow.Tensor_Tensor | ~positive like:float
aten.minimum.default | any like:any
aten.maximum.default | any like:any
aten.fmin.default | any like:any
aten.fmax.default | any like:any
aten.atan2.default | float like:~positive
aten.hypot.default | float same
aten.copysign.Tensor | float like:float
aten.logaddexp.default | float same
aten.xlogy.Tensor | float like:~positive
aten.heaviside.default | num same
aten.eq.Tensor | any like:any
aten.ne.Tensor | any like:any
aten.lt.Tensor | any like:any
aten.le.Tensor | any like:any
aten.gt.Tensor | any like:any
aten.ge.Scalar | any scalar
aten.gt.Scalar | any scalar
aten.lt.Scalar | any scalar
aten.eq.Scalar | any scalar
aten.ne.Scalar | any scalar
aten.logical_and.default | any like:any
aten.logical_or.default | any like:any
aten.logical_xor.default | any like:any
aten.bitwise_and.Tensor | intlike like:intlike
aten.bitwise_or.Tensor | intlike like:intlike
aten.bitwise_xor.Tensor | intlike like:intlike
aten.bitwise_left_shift.Tensor_Scalar | int shift
aten.bitwise_right_shift.Tensor_Scalar | int shift
aten.where.self | bool like:any like:any | 4
aten.masked_fill.Scalar | any like:bool scalar | 3
aten.lerp.Scalar | float same real
aten.lerp.Tensor | float same same
aten.addcmul.default | num same same
aten.addcdiv.default | float same same:~positive
aten.isin.Tensor_Tensor | num same:1
aten.clone.default | any
aten.zeros_like.default | any
aten.ones_like.default | any dtype=dtype
aten.full_like.default | any scalar
aten._to_copy.default | any dtype=float_dtype | 6
aten._to_copy.default | ~small dtype=dtype | 3
aten.sum.dim_IntList | any dims keep | 5
aten.sum.dim_IntList | any dims keep dtype=float_dtype
aten.sum.default | any
aten.mean.dim | float dims keep | 3
aten.mean.default | float
aten.amax.default | any dims keep | 2
aten.amin.default | any dims keep
aten.max.dim/2 | any:1+ dim keep
aten.min.dim/2 | any:1+ dim keep
aten.max.default | any
aten.argmax.default | num:1+ dim keep
aten.argmin.default | num:1+ dim keep
aten.var.correction | float dims correction=correction keepdim=keep
aten.var_mean.correction/2 | float dims correction=correction keepdim=keep
aten.std.correction | float dims correction=correction keepdim=keep
aten.any.dim | any:1+ dim keep
aten.any.default | any
aten.all.dim | any:1+ dim keep
aten.all.default | any
aten.prod.dim_int | any:1+ dim keep
aten.logsumexp.default | float:1+ dims1 keep | 2
aten.linalg_vector_norm.default | float norm dims keep
aten.nansum.default | float:1+ dims1 keep
aten.cumsum.default | any:1+ dim | 3
aten.cumprod.default | float:1+ dim
aten.logcumsumexp.default | single:1+ dim
aten.cummax.default/2 | num:1+ dim
aten._softmax.default | float:1+ dim false | 3
aten._log_softmax.default | float:1+ dim false | 2
aten.aminmax.default/2 | num:1+ dim=dim keepdim=keep
aten.sort.stable/2 | num:1+ stable=true dim=dim descending=keep
aten.topk.default/2 | num:1+ one dim
aten.select.int | any:1+ dim zero | 2
aten.unsqueeze.default | any dim_of_more | 3
aten.squeeze.dim | any:1+ dim
aten.squeeze.default | any
aten.transpose.int | any:2+ dim dim | 3
aten.t.default | any:2
aten.alias.default | any
aten.detach.default | any
aten.diagonal.default | any:2+ small_int 0 1
aten.flip.default | any:1+ dims1
aten.roll.default | any:1+ small_ints1 dims_one
aten.tril.default | any:2+ small_int
aten.triu.default | any:2+ small_int
aten.mm.default | single:2 matrix | 2
aten.diag_embed.default | any:1
aten.add_.Tensor | num like_into:num
aten.mul_.Tensor | num like_into:num
aten.sub_.Tensor | num like_into:num alpha=small_int
aten.add_.Scalar | num scalar
aten.relu_.default | num
aten.zero_.default | any
aten.fill_.Scalar | any scalar
aten.sigmoid_.default | float
aten.copy_.default | any like_into:same
aten.masked_fill_.Scalar | any like_into:bool scalar
aten.clamp_.default | num scalar none
aten.exp_.default | float
"""


@dataclasses.dataclass(frozen=True)
class OpRow:
    op: str
    num_results: int
    pattern: tuple[str, ...]
    weight: int


def _row(line: str) -> OpRow:
    name, pattern, *weight = (part.strip() for part in line.split("|"))
    op, _, results = name.partition("/")
    return OpRow(op, int(results or 1), tuple(pattern.split()), int(weight[0]) if weight else 1)


OP_ROWS = tuple(_row(line) for line in _ROWS.strip().splitlines())
