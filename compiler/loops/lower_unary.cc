// Pointwise operators of one tensor.
#include <cmath>
#include <limits>

#include "compiler/loops/pointwise_context.h"

namespace kiln {
namespace {

using P = PointwiseContext;

constexpr double kInf = std::numeric_limits<double>::infinity();

template <ScalarOp op>
Val Unary(P& p) {
  return p.Op(op, p.Arg(0));
}

Val Same(P& p) { return p.Arg(0); }

// Rounding leaves integers as they are.
template <ScalarOp op>
Val Rounded(P& p) {
  return IsIntegralOrBool(p.dtype()) ? p.Arg(0) : p.Op(op, p.Arg(0));
}

Val Abs(P& p) { return p.dtype() == DType::kBool ? p.Arg(0) : p.Op(ScalarOp::kAbs, p.Arg(0)); }

Val Reciprocal(P& p) { return p.Div(p.Number(1), p.Arg(0)); }

Val Square(P& p) {
  Val x = p.Arg(0);
  return p.Mul(x, x);
}

Val Exp2(P& p) { return p.Op(ScalarOp::kPow, p.Number(2), p.Arg(0)); }

Val Frac(P& p) {
  Val x = p.Arg(0);
  return p.Sub(x, p.Op(ScalarOp::kTrunc, x));
}

// aten::angle(Tensor self): of a real number 0 or pi.
Val Angle(P& p) {
  Val x = p.Arg(0);
  Val angle = p.Where(p.Lt(x, p.Number(0)), p.Number(M_PI), p.Number(0));
  return p.Where(p.Op(ScalarOp::kIsNan, x), x, angle);
}

// aten::round.decimals(Tensor self, *, int decimals)
Val RoundDecimals(P& p) {
  int64_t decimals = p.args().Int(1);
  if (IsIntegralOrBool(p.dtype())) return p.Arg(0);
  if (decimals == 0) return p.Op(ScalarOp::kRound, p.Arg(0));
  Val ten = p.Number(std::pow(10.0, std::abs(decimals)));
  if (decimals > 0) return p.Div(p.Op(ScalarOp::kRound, p.Mul(p.Arg(0), ten)), ten);
  return p.Mul(p.Op(ScalarOp::kRound, p.Div(p.Arg(0), ten)), ten);
}

Val Deg2Rad(P& p) { return p.Mul(p.Arg(0), p.Number(M_PI / 180)); }
Val Rad2Deg(P& p) { return p.Mul(p.Arg(0), p.Number(180 / M_PI)); }

// log1p forms keep the precision near the zeros of these three.
// log(x + sqrt(x^2 +- 1)), given the argument less 1. Beyond 2^56 that is log(2x) in float64 too, and squares may overflow.
Val LogOfSum(P& p, Val x, Val sum_less_one) {
  Val is_large = p.Gt(x, p.Number(0x1p56));
  Val log = p.Op(ScalarOp::kLog1p, p.Where(is_large, x, sum_less_one));
  return p.Add(log, p.Where(is_large, p.Number(M_LN2), p.Number(0)));
}

Val Asinh(P& p) {
  Val x = p.Arg(0);
  Val a = p.Op(ScalarOp::kAbs, x);
  Val square = p.Mul(a, a);
  Val root = p.Op(ScalarOp::kSqrt, p.Add(square, p.Number(1)));
  Val value = LogOfSum(p, a, p.Add(a, p.Div(square, p.Add(p.Number(1), root))));
  return p.Mul(p.Op(ScalarOp::kSign, x), value);
}

Val Acosh(P& p) {
  Val t = p.Sub(p.Arg(0), p.Number(1));
  Val root = p.Op(ScalarOp::kSqrt, p.Add(p.Mul(p.Number(2), t), p.Mul(t, t)));
  return LogOfSum(p, p.Arg(0), p.Add(t, root));
}

Val Atanh(P& p) {
  Val x = p.Arg(0);
  Val ratio = p.Div(p.Mul(p.Number(2), x), p.Sub(p.Number(1), x));
  return p.Mul(p.Number(0.5), p.Op(ScalarOp::kLog1p, ratio));
}

// Tests on floats see the operand's own dtype; no integer is nan or infinite.
template <ScalarOp op>
Val FloatTest(P& p) {
  Val x = p.Own(0);
  return IsIntegralOrBool(x.dtype) ? p.b().ConstantBool(false) : p.Op(op, x);
}

Val IsPosInf(P& p) {
  Val x = p.Own(0);
  return IsIntegralOrBool(x.dtype) ? p.b().ConstantBool(false) : p.Eq(x, p.b().Constant(x.dtype, kInf));
}

Val IsNegInf(P& p) {
  Val x = p.Own(0);
  return IsIntegralOrBool(x.dtype) ? p.b().ConstantBool(false) : p.Eq(x, p.b().Constant(x.dtype, -kInf));
}

Val BitwiseNot(P& p) {
  return p.dtype() == DType::kBool ? p.Not(p.Arg(0)) : p.Op(ScalarOp::kBitNot, p.Arg(0));
}

Val LogicalNot(P& p) { return p.Not(p.Arg(0)); }

// Also of negative zero.
Val SignBit(P& p) {
  Val x = p.Own(0);
  Val zero = p.b().Constant(x.dtype, 0);
  Val negative = p.Lt(x, zero);
  if (IsIntegralOrBool(x.dtype)) return negative;
  Val negative_zero = p.And(p.Eq(x, zero), p.Lt(p.Div(p.b().Constant(x.dtype, 1), x), zero));
  return p.Or(negative, negative_zero);
}

Val Sinc(P& p) {
  Val x = p.Arg(0);
  Val angle = p.Mul(p.Number(M_PI), x);
  return p.Where(p.Eq(x, p.Number(0)), p.Number(1), p.Div(p.Op(ScalarOp::kSin, angle), angle));
}

// aten::logit(Tensor self, float? eps=None); the lower bound is asked first, where eps above a half crosses them.
Val Logit(P& p) {
  Val x = p.Arg(0);
  if (!p.IsNone(1)) {
    double eps = p.args().Float(1);
    Val low = p.Number(eps), high = p.Number(1 - eps);
    x = p.Where(p.Lt(x, low), low, p.Where(p.Gt(x, high), high, x));
  }
  return p.Op(ScalarOp::kLog, p.Div(x, p.Sub(p.Number(1), x)));
}

double LargestFinite(DType dtype) {
  if (dtype == DType::kFloat16) return 65504;
  if (dtype == DType::kBFloat16) return 3.3895313892515355e38;
  return dtype == DType::kFloat64 ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
}

// aten::nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None)
Val NanToNum(P& p) {
  Val x = p.Arg(0);
  if (IsIntegralOrBool(p.dtype())) return x;
  double largest = LargestFinite(p.node().OutTensor().dtype);
  auto number = [&](int arg, double otherwise) { return p.Number(p.IsNone(arg) ? otherwise : p.args().Float(arg)); };
  Val high = p.Where(p.Eq(x, p.Number(kInf)), number(2, largest), x);
  Val low = p.Where(p.Eq(x, p.Number(-kInf)), number(3, -largest), high);
  return p.Where(p.Op(ScalarOp::kIsNan, x), number(1, 0), low);
}

// aten::tril(Tensor self, SymInt diagonal=0): keeps column - row <= diagonal.
Val Triangle(P& p, bool lower) {
  ExprPool& pool = p.b().pool();
  Expr row = p.indices()[p.indices().size() - 2];
  Expr column = p.indices()[p.indices().size() - 1];
  Val distance = p.b().FromExpr(DType::kInt64, pool.Sub(pool.Sub(column, row), p.args().SymInt(1)));
  Val zero = p.b().Constant(DType::kInt64, 0);
  Val keeps = lower ? p.Le(distance, zero) : p.Op(ScalarOp::kGe, distance, zero);
  return p.Where(keeps, p.Arg(0), p.Number(0));
}
Val Tril(P& p) { return Triangle(p, true); }
Val Triu(P& p) { return Triangle(p, false); }

constexpr PointwiseRow kRows[] = {
    {"aten._conj_physical.default", Computes::kOut, Same},
    {"aten._to_copy.default", Computes::kOut, Same},
    {"aten.abs.default", Computes::kOut, Abs},
    {"aten.acos.default", Computes::kOut, Unary<ScalarOp::kAcos>},
    {"aten.acosh.default", Computes::kOut, Acosh},
    {"aten.angle.default", Computes::kOut, Angle},
    {"aten.asin.default", Computes::kOut, Unary<ScalarOp::kAsin>},
    {"aten.asinh.default", Computes::kOut, Asinh},
    {"aten.atan.default", Computes::kOut, Unary<ScalarOp::kAtan>},
    {"aten.atanh.default", Computes::kOut, Atanh},
    {"aten.bitwise_not.default", Computes::kOut, BitwiseNot},
    {"aten.ceil.default", Computes::kOut, Rounded<ScalarOp::kCeil>},
    {"aten.clone.default", Computes::kOut, Same},
    {"aten.conj_physical.default", Computes::kOut, Same},
    {"aten.cos.default", Computes::kOut, Unary<ScalarOp::kCos>},
    {"aten.cosh.default", Computes::kOut, Unary<ScalarOp::kCosh>},
    {"aten.deg2rad.default", Computes::kOut, Deg2Rad},
    {"aten.erf.default", Computes::kOut, Unary<ScalarOp::kErf>},
    {"aten.exp.default", Computes::kOut, Unary<ScalarOp::kExp>},
    {"aten.exp2.default", Computes::kOut, Exp2},
    {"aten.expm1.default", Computes::kOut, Unary<ScalarOp::kExpm1>},
    {"aten.fix.default", Computes::kOut, Rounded<ScalarOp::kTrunc>},
    {"aten.floor.default", Computes::kOut, Rounded<ScalarOp::kFloor>},
    {"aten.frac.default", Computes::kOut, Frac},
    {"aten.isinf.default", Computes::kOut, FloatTest<ScalarOp::kIsInf>},
    {"aten.isnan.default", Computes::kOut, FloatTest<ScalarOp::kIsNan>},
    {"aten.isneginf.default", Computes::kOut, IsNegInf},
    {"aten.isposinf.default", Computes::kOut, IsPosInf},
    {"aten.lift.default", Computes::kOut, Same},
    {"aten.lift_fresh_copy.default", Computes::kOut, Same},
    {"aten.log.default", Computes::kOut, Unary<ScalarOp::kLog>},
    {"aten.log10.default", Computes::kOut, Unary<ScalarOp::kLog10>},
    {"aten.log1p.default", Computes::kOut, Unary<ScalarOp::kLog1p>},
    {"aten.log2.default", Computes::kOut, Unary<ScalarOp::kLog2>},
    {"aten.logical_not.default", Computes::kBool, LogicalNot},
    {"aten.logit.default", Computes::kOut, Logit},
    {"aten.nan_to_num.default", Computes::kOut, NanToNum},
    {"aten.neg.default", Computes::kOut, Unary<ScalarOp::kNeg>},
    {"aten.negative.default", Computes::kOut, Unary<ScalarOp::kNeg>},
    {"aten.positive.default", Computes::kOut, Same},
    {"aten.rad2deg.default", Computes::kOut, Rad2Deg},
    {"aten.reciprocal.default", Computes::kOut, Reciprocal},
    {"aten.round.decimals", Computes::kOut, RoundDecimals},
    {"aten.round.default", Computes::kOut, Rounded<ScalarOp::kRound>},
    {"aten.rsqrt.default", Computes::kOut, Unary<ScalarOp::kRsqrt>},
    {"aten.sgn.default", Computes::kOut, Unary<ScalarOp::kSign>},
    {"aten.sigmoid.default", Computes::kOut, Unary<ScalarOp::kSigmoid>},
    {"aten.sign.default", Computes::kOut, Unary<ScalarOp::kSign>},
    {"aten.signbit.default", Computes::kOut, SignBit},
    {"aten.sin.default", Computes::kOut, Unary<ScalarOp::kSin>},
    {"aten.sinc.default", Computes::kOut, Sinc},
    {"aten.sinh.default", Computes::kOut, Unary<ScalarOp::kSinh>},
    {"aten.sqrt.default", Computes::kOut, Unary<ScalarOp::kSqrt>},
    {"aten.square.default", Computes::kOut, Square},
    {"aten.tan.default", Computes::kOut, Unary<ScalarOp::kTan>},
    {"aten.tanh.default", Computes::kOut, Unary<ScalarOp::kTanh>},
    {"aten.tril.default", Computes::kOut, Tril},
    {"aten.triu.default", Computes::kOut, Triu},
    {"aten.trunc.default", Computes::kOut, Rounded<ScalarOp::kTrunc>},
    {"prims.convert_element_type.default", Computes::kOut, Same},
};

}  // namespace

absl::Span<const PointwiseRow> UnaryRows() { return kRows; }

}  // namespace kiln
