// Pointwise operators of two or three tensors or numbers.
#include <cmath>
#include <limits>

#include "compiler/loops/pointwise_context.h"

namespace kiln {
namespace {

using P = PointwiseContext;

template <ScalarOp op>
Val Binary(P& p) {
  Val a = p.Arg(0);
  Val b = p.Arg(1);
  return p.Op(op, a, b);
}

// `v` as an operand of its dtype holds it: a producer that is fused hands on float32, and a value that was rounded must
// equal itself.
Val Held(P& p, Val v) {
  const DType dtype = PromoteOperands(p.node());
  if (dtype != DType::kFloat16 && dtype != DType::kBFloat16) return v;
  const Val rounded = p.Op(ScalarOp::kCast, Val{v.id, dtype});
  return p.Op(ScalarOp::kCast, Val{rounded.id, v.dtype});
}

template <ScalarOp op>
Val Comparison(P& p) {
  Val a = Held(p, p.Arg(0));
  Val b = Held(p, p.Arg(1));
  return p.Op(op, a, b);
}

// `value` times argument `arg`, which is most often the number 1.
Val Scaled(P& p, Val value, int arg) {
  if (p.args().Scalar(arg).value.IsInt(1)) return value;
  return p.Mul(value, p.Arg(arg));
}

// aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1); on bools it is or.
Val Add(P& p) {
  Val a = p.Arg(0);
  if (p.dtype() == DType::kBool) return p.Or(a, p.And(p.Arg(1), p.Arg(2)));
  return p.Add(a, Scaled(p, p.Arg(1), 2));
}
Val Sub(P& p) {
  Val a = p.Arg(0);
  return p.Sub(a, Scaled(p, p.Arg(1), 2));
}
// aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1)
Val Rsub(P& p) { return p.Sub(p.Arg(1), Scaled(p, p.Arg(0), 2)); }
Val Mul(P& p) {
  return p.dtype() == DType::kBool ? Binary<ScalarOp::kBitAnd>(p) : Binary<ScalarOp::kMul>(p);
}

// aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode)
Val DivMode(P& p) {
  if (p.IsNone(2)) return Binary<ScalarOp::kDiv>(p);
  if (p.args().String(2) == "floor") return Binary<ScalarOp::kFloorDiv>(p);
  if (IsIntegralOrBool(p.dtype())) return Binary<ScalarOp::kTruncDiv>(p);
  return p.Op(ScalarOp::kTrunc, Binary<ScalarOp::kDiv>(p));
}

Val IntegerPower(P& p, Val base, int64_t exponent) {
  Val result = base;
  for (int64_t i = 1; i < exponent; ++i) result = p.Mul(result, base);
  return result;
}

// Small constant exponents are products and roots, as PyTorch's kernel has them.
Val PowTensorScalar(P& p) {
  FakeScalar exponent = p.args().Scalar(1);
  std::optional<int64_t> i = exponent.value.AsInt();
  std::optional<double> f = exponent.value.AsFloat();
  if (i.has_value()) f = static_cast<double>(*i);
  Val x = p.Arg(0);
  if (f == 1) return x;
  if (f == 2 || f == 3) return IntegerPower(p, x, static_cast<int64_t>(*f));
  if (!IsIntegralOrBool(p.dtype())) {
    if (f == 0.5) return p.Op(ScalarOp::kSqrt, x);
    if (f == -0.5) return p.Op(ScalarOp::kRsqrt, x);
    if (f == -1) return p.Div(p.Number(1), x);
    if (f == -2) return p.Div(p.Number(1), p.Mul(x, x));
  }
  return p.Op(ScalarOp::kPow, x, p.Arg(1));
}

// fmax and fmin pass over a nan where the other operand is a number.
template <ScalarOp op>
Val IgnoreNan(P& p) {
  Val a = p.Arg(0);
  Val b = p.Arg(1);
  Val both = p.Op(op, a, b);
  if (IsIntegralOrBool(p.dtype())) return both;
  return p.Where(p.Op(ScalarOp::kIsNan, a), b, p.Where(p.Op(ScalarOp::kIsNan, b), a, both));
}

// The larger operand times sqrt(1 + ratio^2): squares of large numbers overflow. An infinity counts more than a NaN.
Val Hypot(P& p) {
  Val a = p.Op(ScalarOp::kAbs, p.Arg(0));
  Val b = p.Op(ScalarOp::kAbs, p.Arg(1));
  Val large = p.Max(a, b);
  Val ratio = p.Div(p.Min(a, b), large);
  Val length = p.Mul(large, p.Op(ScalarOp::kSqrt, p.Add(p.Number(1), p.Mul(ratio, ratio))));
  Val value = p.Where(p.Eq(large, p.Number(0)), large, length);
  Val is_infinite = p.Or(p.Op(ScalarOp::kIsInf, a), p.Op(ScalarOp::kIsInf, b));
  return p.Where(is_infinite, p.Number(std::numeric_limits<double>::infinity()), value);
}

Val LogAddExp(P& p) {
  Val a = p.Arg(0);
  Val b = p.Arg(1);
  Val distance = p.Op(ScalarOp::kAbs, p.Sub(a, b));
  Val sum = p.Add(p.Max(a, b), p.Op(ScalarOp::kLog1p, p.Op(ScalarOp::kExp, p.Op(ScalarOp::kNeg, distance))));
  // Equal infinities have no distance.
  return p.Where(p.And(p.Op(ScalarOp::kIsInf, a), p.Eq(a, b)), a, sum);
}

Val LogAddExp2(P& p) {
  Val a = p.Arg(0);
  Val b = p.Arg(1);
  Val distance = p.Op(ScalarOp::kAbs, p.Sub(a, b));
  Val power = p.Op(ScalarOp::kPow, p.Number(2), p.Op(ScalarOp::kNeg, distance));
  Val log = p.Mul(p.Op(ScalarOp::kLog1p, power), p.Number(M_LOG2E));
  return p.Where(p.And(p.Op(ScalarOp::kIsInf, a), p.Eq(a, b)), a, p.Add(p.Max(a, b), log));
}

// The sign bit, also of zeros.
Val CopySign(P& p) {
  Val magnitude = p.Op(ScalarOp::kAbs, p.Arg(0));
  Val sign = p.Arg(1);
  Val zero = p.Number(0);
  Val negative_zero = p.And(p.Eq(sign, zero), p.Lt(p.Div(p.Number(1), sign), zero));
  return p.Where(p.Or(p.Lt(sign, zero), negative_zero), p.Op(ScalarOp::kNeg, magnitude), magnitude);
}

Val Xlogy(P& p) {
  Val x = p.Arg(0);
  Val y = p.Arg(1);
  Val product = p.Mul(x, p.Op(ScalarOp::kLog, y));
  Val nan = p.Number(std::numeric_limits<double>::quiet_NaN());
  return p.Where(p.Op(ScalarOp::kIsNan, y), nan, p.Where(p.Eq(x, p.Number(0)), p.Number(0), product));
}

// aten::special_xlog1py(Tensor self, Tensor other)
Val Xlog1py(P& p) {
  Val x = p.Arg(0);
  Val y = p.Arg(1);
  Val product = p.Mul(x, p.Op(ScalarOp::kLog1p, y));
  Val nan = p.Number(std::numeric_limits<double>::quiet_NaN());
  return p.Where(p.Op(ScalarOp::kIsNan, y), nan, p.Where(p.Eq(x, p.Number(0)), p.Number(0), product));
}

// aten::ldexp.Tensor(Tensor self, Tensor other): self * 2^other
Val Ldexp(P& p) {
  Val x = p.Arg(0);
  return p.Mul(x, p.Op(ScalarOp::kPow, p.Number(2), p.Arg(1)));
}

// aten::isin.Tensor_Scalar(Tensor elements, Scalar test_element, *, bool assume_unique=False, bool invert=False)
Val IsInScalar(P& p) {
  Val a = p.Arg(0);
  return p.Op(p.args().Bool(3) ? ScalarOp::kNe : ScalarOp::kEq, a, p.Arg(1));
}

Val Heaviside(P& p) {
  Val x = p.Arg(0);
  Val zero = p.Number(0);
  return p.Where(p.Eq(x, zero), p.Arg(1), p.Where(p.Gt(x, zero), p.Number(1), zero));
}

Val Condition(P& p, int arg) { return p.b().Cast(p.Own(arg), DType::kBool); }

Val Where(P& p) { return p.Where(Condition(p, 0), p.Arg(1), p.Arg(2)); }

// aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value)
Val MaskedFill(P& p) { return p.Where(Condition(p, 1), p.Arg(2), p.Arg(0)); }

bool IsNan(P& p, int arg) {
  const double* number = p.node().node().args[arg].get_if<double>();
  return number != nullptr && std::isnan(*number);
}

// A number that is a NaN makes all NaN.
Val AtLeast(P& p, Val x, int arg) { return IsNan(p, arg) ? p.Max(x, p.Arg(arg)) : p.AtLeast(x, p.Arg(arg)); }
Val AtMost(P& p, Val x, int arg) { return IsNan(p, arg) ? p.Min(x, p.Arg(arg)) : p.AtMost(x, p.Arg(arg)); }

// aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None)
Val Clamp(P& p) {
  Val x = p.Arg(0);
  if (!p.IsNone(1)) x = AtLeast(p, x, 1);
  if (!p.IsNone(2)) x = AtMost(p, x, 2);
  return x;
}
Val ClampMin(P& p) { return AtLeast(p, p.Arg(0), 1); }
Val ClampMax(P& p) { return AtMost(p, p.Arg(0), 1); }

// aten::clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None)
Val ClampTensor(P& p) {
  Val x = p.Arg(0);
  if (!p.IsNone(1)) x = p.Max(x, p.Arg(1));
  if (!p.IsNone(2)) x = p.Min(x, p.Arg(2));
  return x;
}

// aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight); both forms, so that
// each end is met exactly.
Val Lerp(P& p) {
  Val a = p.Arg(0);
  Val b = p.Arg(1);
  Val weight = p.Arg(2);
  Val distance = p.Sub(b, a);
  Val near_a = p.Add(a, p.Mul(weight, distance));
  Val near_b = p.Sub(b, p.Mul(distance, p.Sub(p.Number(1), weight)));
  return p.Where(p.Lt(p.Op(ScalarOp::kAbs, weight), p.Number(0.5)), near_a, near_b);
}

// aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1)
Val Addcmul(P& p) { return p.Add(p.Arg(0), Scaled(p, p.Mul(p.Arg(1), p.Arg(2)), 3)); }
Val Addcdiv(P& p) { return p.Add(p.Arg(0), Scaled(p, p.Div(p.Arg(1), p.Arg(2)), 3)); }

// aten::native_dropout_backward(Tensor grad_output, Tensor mask, float scale)
Val DropoutBackward(P& p) {
  Val grad = p.Arg(0);
  return p.Mul(p.Mul(grad, p.Arg(1)), p.Number(p.args().Float(2)));
}

// Second of two arguments, in the output's dtype: fill, copy.
Val Second(P& p) { return p.Arg(1); }

constexpr PointwiseRow kRows[] = {
    {"aten.__and__.Tensor", Computes::kOut, Binary<ScalarOp::kBitAnd>},
    {"aten.__lshift__.Scalar", Computes::kOut, Binary<ScalarOp::kShiftLeft>},
    {"aten.__lshift__.Tensor", Computes::kOut, Binary<ScalarOp::kShiftLeft>},
    {"aten.__or__.Tensor", Computes::kOut, Binary<ScalarOp::kBitOr>},
    {"aten.__rshift__.Scalar", Computes::kOut, Binary<ScalarOp::kShiftRight>},
    {"aten.__rshift__.Tensor", Computes::kOut, Binary<ScalarOp::kShiftRight>},
    {"aten.__xor__.Tensor", Computes::kOut, Binary<ScalarOp::kBitXor>},
    {"aten.add.Scalar", Computes::kOut, Add},
    {"aten.add.Tensor", Computes::kOut, Add},
    {"aten.addcdiv.default", Computes::kOut, Addcdiv},
    {"aten.addcmul.default", Computes::kOut, Addcmul},
    {"aten.atan2.default", Computes::kOut, Binary<ScalarOp::kAtan2>},
    {"aten.bitwise_and.Scalar", Computes::kOut, Binary<ScalarOp::kBitAnd>},
    {"aten.bitwise_and.Scalar_Tensor", Computes::kOut, Binary<ScalarOp::kBitAnd>},
    {"aten.bitwise_and.Tensor", Computes::kOut, Binary<ScalarOp::kBitAnd>},
    {"aten.bitwise_left_shift.Tensor", Computes::kOut, Binary<ScalarOp::kShiftLeft>},
    {"aten.bitwise_left_shift.Tensor_Scalar", Computes::kOut, Binary<ScalarOp::kShiftLeft>},
    {"aten.bitwise_or.Scalar", Computes::kOut, Binary<ScalarOp::kBitOr>},
    {"aten.bitwise_or.Scalar_Tensor", Computes::kOut, Binary<ScalarOp::kBitOr>},
    {"aten.bitwise_or.Tensor", Computes::kOut, Binary<ScalarOp::kBitOr>},
    {"aten.bitwise_right_shift.Tensor", Computes::kOut, Binary<ScalarOp::kShiftRight>},
    {"aten.bitwise_right_shift.Tensor_Scalar", Computes::kOut, Binary<ScalarOp::kShiftRight>},
    {"aten.bitwise_xor.Scalar", Computes::kOut, Binary<ScalarOp::kBitXor>},
    {"aten.bitwise_xor.Scalar_Tensor", Computes::kOut, Binary<ScalarOp::kBitXor>},
    {"aten.bitwise_xor.Tensor", Computes::kOut, Binary<ScalarOp::kBitXor>},
    {"aten.clamp.Tensor", Computes::kOut, ClampTensor},
    {"aten.clamp.default", Computes::kOut, Clamp},
    {"aten.clamp_max.Tensor", Computes::kOut, Binary<ScalarOp::kMinimum>},
    {"aten.clamp_max.default", Computes::kOut, ClampMax},
    {"aten.clamp_min.Tensor", Computes::kOut, Binary<ScalarOp::kMaximum>},
    {"aten.clamp_min.default", Computes::kOut, ClampMin},
    {"aten.copy.default", Computes::kOut, Second},
    {"aten.copy_.default", Computes::kOut, Second},
    {"aten.copysign.Scalar", Computes::kOut, CopySign},
    {"aten.copysign.Tensor", Computes::kOut, CopySign},
    {"aten.div.Scalar", Computes::kOut, Binary<ScalarOp::kDiv>},
    {"aten.div.Scalar_mode", Computes::kOut, DivMode},
    {"aten.div.Tensor", Computes::kOut, Binary<ScalarOp::kDiv>},
    {"aten.div.Tensor_mode", Computes::kOut, DivMode},
    {"aten.eq.Scalar", Computes::kOperands, Comparison<ScalarOp::kEq>},
    {"aten.eq.Tensor", Computes::kOperands, Comparison<ScalarOp::kEq>},
    {"aten.fill.Scalar", Computes::kOut, Second},
    {"aten.fill.Tensor", Computes::kOut, Second},
    {"aten.floor_divide.Scalar", Computes::kOut, Binary<ScalarOp::kFloorDiv>},
    {"aten.floor_divide.default", Computes::kOut, Binary<ScalarOp::kFloorDiv>},
    {"aten.fmax.default", Computes::kOut, IgnoreNan<ScalarOp::kMaximum>},
    {"aten.fmin.default", Computes::kOut, IgnoreNan<ScalarOp::kMinimum>},
    {"aten.fmod.Scalar", Computes::kOut, Binary<ScalarOp::kFmod>},
    {"aten.fmod.Tensor", Computes::kOut, Binary<ScalarOp::kFmod>},
    {"aten.ge.Scalar", Computes::kOperands, Comparison<ScalarOp::kGe>},
    {"aten.ge.Tensor", Computes::kOperands, Comparison<ScalarOp::kGe>},
    {"aten.gt.Scalar", Computes::kOperands, Comparison<ScalarOp::kGt>},
    {"aten.gt.Tensor", Computes::kOperands, Comparison<ScalarOp::kGt>},
    {"aten.heaviside.default", Computes::kOut, Heaviside},
    {"aten.hypot.default", Computes::kOut, Hypot},
    {"aten.isin.Tensor_Scalar", Computes::kOperands, IsInScalar},
    {"aten.ldexp.Tensor", Computes::kOut, Ldexp},
    {"aten.le.Scalar", Computes::kOperands, Comparison<ScalarOp::kLe>},
    {"aten.le.Tensor", Computes::kOperands, Comparison<ScalarOp::kLe>},
    {"aten.lerp.Scalar", Computes::kOut, Lerp},
    {"aten.lerp.Tensor", Computes::kOut, Lerp},
    {"aten.logaddexp.default", Computes::kOut, LogAddExp},
    {"aten.logaddexp2.default", Computes::kOut, LogAddExp2},
    {"aten.logical_and.default", Computes::kBool, Binary<ScalarOp::kBitAnd>},
    {"aten.logical_or.default", Computes::kBool, Binary<ScalarOp::kBitOr>},
    {"aten.logical_xor.default", Computes::kBool, Binary<ScalarOp::kBitXor>},
    {"aten.lt.Scalar", Computes::kOperands, Comparison<ScalarOp::kLt>},
    {"aten.lt.Tensor", Computes::kOperands, Comparison<ScalarOp::kLt>},
    {"aten.masked_fill.Scalar", Computes::kOut, MaskedFill},
    {"aten.masked_fill.Tensor", Computes::kOut, MaskedFill},
    {"aten.maximum.default", Computes::kOut, Binary<ScalarOp::kMaximum>},
    {"aten.minimum.default", Computes::kOut, Binary<ScalarOp::kMinimum>},
    {"aten.mul.Scalar", Computes::kOut, Mul},
    {"aten.mul.Tensor", Computes::kOut, Mul},
    {"aten.native_dropout_backward.default", Computes::kOut, DropoutBackward},
    {"aten.ne.Scalar", Computes::kOperands, Comparison<ScalarOp::kNe>},
    {"aten.ne.Tensor", Computes::kOperands, Comparison<ScalarOp::kNe>},
    {"aten.pow.Scalar", Computes::kOut, Binary<ScalarOp::kPow>},
    {"aten.pow.Tensor_Scalar", Computes::kOut, PowTensorScalar},
    {"aten.pow.Tensor_Tensor", Computes::kOut, Binary<ScalarOp::kPow>},
    {"aten.remainder.Scalar", Computes::kOut, Binary<ScalarOp::kRemainder>},
    {"aten.remainder.Scalar_Tensor", Computes::kOut, Binary<ScalarOp::kRemainder>},
    {"aten.remainder.Tensor", Computes::kOut, Binary<ScalarOp::kRemainder>},
    {"aten.rsub.Scalar", Computes::kOut, Rsub},
    {"aten.rsub.Tensor", Computes::kOut, Rsub},
    {"aten.special_xlog1py.default", Computes::kOut, Xlog1py},
    {"aten.sub.Scalar", Computes::kOut, Sub},
    {"aten.sub.Tensor", Computes::kOut, Sub},
    {"aten.true_divide.Scalar", Computes::kOut, Binary<ScalarOp::kDiv>},
    {"aten.true_divide.Tensor", Computes::kOut, Binary<ScalarOp::kDiv>},
    {"aten.where.self", Computes::kOut, Where},
    {"aten.xlogy.Scalar_Other", Computes::kOut, Xlogy},
    {"aten.xlogy.Scalar_Self", Computes::kOut, Xlogy},
    {"aten.xlogy.Tensor", Computes::kOut, Xlogy},
};

}  // namespace

absl::Span<const PointwiseRow> BinaryRows() { return kRows; }

}  // namespace kiln
