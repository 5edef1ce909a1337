#include "compiler/loops/testing/plain_arithmetic.h"

#include <cmath>
#include <cstring>

namespace kiln {
namespace {

// Rounds to a format with `mantissa_bits` explicit bits and smallest normal
// exponent `min_exponent`, half to even.
double RoundMantissa(double v, int mantissa_bits, int min_exponent, double largest) {
  if (v == 0 || !std::isfinite(v)) return v;
  int exponent = std::max(std::ilogb(v), min_exponent);
  double unit = std::ldexp(1.0, exponent - mantissa_bits);
  double rounded = std::nearbyint(v / unit) * unit;
  return std::abs(rounded) > largest ? std::copysign(INFINITY, v) : rounded;
}

double RoundFloat(DType dtype, double v) {
  switch (dtype) {
    case DType::kFloat32:
      return static_cast<double>(static_cast<float>(v));
    case DType::kFloat16:
      return RoundMantissa(v, 10, -14, 65504);
    case DType::kBFloat16:
      return RoundMantissa(v, 7, -126, 3.3895313892515355e38);
    default:
      return v;
  }
}

int64_t WrapInteger(DType dtype, int64_t v) {
  switch (dtype) {
    case DType::kBool:
      return v != 0;
    case DType::kUInt8:
      return static_cast<uint8_t>(v);
    case DType::kInt8:
      return static_cast<int8_t>(v);
    case DType::kInt16:
      return static_cast<int16_t>(v);
    case DType::kUInt16:
      return static_cast<uint16_t>(v);
    case DType::kInt32:
      return static_cast<int32_t>(v);
    case DType::kUInt32:
      return static_cast<uint32_t>(v);
    default:
      return v;
  }
}

int64_t FloorDivide(int64_t a, int64_t b) {
  if (b == 0) return 0;
  int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

double FloorRemainder(double a, double b) {
  double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

double PropagateNan(double a, double b, double otherwise) { return std::isnan(a) || std::isnan(b) ? NAN : otherwise; }

// nullopt-like: true where the operation is one on floats.
bool FloatOp(ScalarOp op, double a, double b, double& r) {
  switch (op) {
    case ScalarOp::kAbs: r = std::abs(a); return true;
    case ScalarOp::kAcos: r = std::acos(a); return true;
    case ScalarOp::kAdd: r = a + b; return true;
    case ScalarOp::kAsin: r = std::asin(a); return true;
    case ScalarOp::kAtan: r = std::atan(a); return true;
    case ScalarOp::kAtan2: r = std::atan2(a, b); return true;
    case ScalarOp::kCeil: r = std::ceil(a); return true;
    case ScalarOp::kCos: r = std::cos(a); return true;
    case ScalarOp::kCosh: r = std::cosh(a); return true;
    case ScalarOp::kDiv: r = a / b; return true;
    case ScalarOp::kErf: r = std::erf(a); return true;
    case ScalarOp::kExp: r = std::exp(a); return true;
    case ScalarOp::kExpm1: r = std::expm1(a); return true;
    case ScalarOp::kFloor: r = std::floor(a); return true;
    case ScalarOp::kFloorDiv: r = std::floor(a / b); return true;
    case ScalarOp::kFmod: r = std::fmod(a, b); return true;
    case ScalarOp::kLog: r = std::log(a); return true;
    case ScalarOp::kLog10: r = std::log10(a); return true;
    case ScalarOp::kLog1p: r = std::log1p(a); return true;
    case ScalarOp::kLog2: r = std::log2(a); return true;
    case ScalarOp::kMaximum: r = PropagateNan(a, b, std::fmax(a, b)); return true;
    case ScalarOp::kMinimum: r = PropagateNan(a, b, std::fmin(a, b)); return true;
    case ScalarOp::kMul: r = a * b; return true;
    case ScalarOp::kNeg: r = -a; return true;
    case ScalarOp::kPow: r = std::pow(a, b); return true;
    case ScalarOp::kRemainder: r = FloorRemainder(a, b); return true;
    case ScalarOp::kRound: r = std::nearbyint(a); return true;
    case ScalarOp::kRsqrt: r = 1 / std::sqrt(a); return true;
    case ScalarOp::kSigmoid: r = 1 / (1 + std::exp(-a)); return true;
    case ScalarOp::kSign: r = std::isnan(a) ? NAN : (a > 0) - (a < 0); return true;
    case ScalarOp::kSin: r = std::sin(a); return true;
    case ScalarOp::kSinh: r = std::sinh(a); return true;
    case ScalarOp::kSqrt: r = std::sqrt(a); return true;
    case ScalarOp::kSub: r = a - b; return true;
    case ScalarOp::kTan: r = std::tan(a); return true;
    case ScalarOp::kTanh: r = std::tanh(a); return true;
    case ScalarOp::kTrunc: r = std::trunc(a); return true;
    case ScalarOp::kTruncDiv: r = std::trunc(a / b); return true;
    default: return false;
  }
}

int64_t IntegerPower(int64_t base, int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  uint64_t result = 1;
  for (; exponent > 0; --exponent) result *= static_cast<uint64_t>(base);
  return static_cast<int64_t>(result);
}

int64_t IntegerOp(ScalarOp op, int64_t a, int64_t b) {
  auto wrap = [](uint64_t v) { return static_cast<int64_t>(v); };
  uint64_t ua = static_cast<uint64_t>(a);
  uint64_t ub = static_cast<uint64_t>(b);
  switch (op) {
    case ScalarOp::kAbs: return a < 0 ? wrap(-ua) : a;
    case ScalarOp::kAdd: return wrap(ua + ub);
    case ScalarOp::kBitAnd: return a & b;
    case ScalarOp::kBitNot: return ~a;
    case ScalarOp::kBitOr: return a | b;
    case ScalarOp::kBitXor: return a ^ b;
    case ScalarOp::kFloorDiv: return FloorDivide(a, b);
    case ScalarOp::kFmod: return b == 0 ? 0 : a % b;
    case ScalarOp::kMaximum: return std::max(a, b);
    case ScalarOp::kMinimum: return std::min(a, b);
    case ScalarOp::kMul: return wrap(ua * ub);
    case ScalarOp::kNeg: return wrap(-ua);
    case ScalarOp::kNot: return a == 0;
    case ScalarOp::kPow: return IntegerPower(a, b);
    case ScalarOp::kRemainder: return wrap(ua - static_cast<uint64_t>(FloorDivide(a, b)) * ub);
    case ScalarOp::kShiftLeft: return wrap(ua << b);
    case ScalarOp::kShiftRight: return a >> b;
    case ScalarOp::kSign: return (a > 0) - (a < 0);
    case ScalarOp::kSub: return wrap(ua - ub);
    case ScalarOp::kTruncDiv: return b == 0 ? 0 : a / b;
    default: return 0;
  }
}

template <typename T>
bool Compare(ScalarOp op, T a, T b) {
  switch (op) {
    case ScalarOp::kEq: return a == b;
    case ScalarOp::kNe: return a != b;
    case ScalarOp::kLt: return a < b;
    case ScalarOp::kLe: return a <= b;
    case ScalarOp::kGt: return a > b;
    default: return a >= b;
  }
}

PlainNumber FromBool(bool b) { return {0, b}; }

}  // namespace

PlainNumber RoundTo(DType dtype, PlainNumber n) {
  if (IsIntegralOrBool(dtype)) return {0, WrapInteger(dtype, n.i)};
  return {RoundFloat(dtype, n.f), 0};
}

PlainNumber CastNumber(DType from, DType to, PlainNumber n) {
  bool from_integer = IsIntegralOrBool(from);
  if (to == DType::kBool) return FromBool(from_integer ? n.i != 0 : n.f != 0);
  if (!IsIntegralOrBool(to)) return RoundTo(to, {from_integer ? static_cast<double>(n.i) : n.f, 0});
  return RoundTo(to, {0, from_integer ? n.i : static_cast<int64_t>(n.f)});
}

PlainNumber NumberOf(DType dtype, const ScalarValue& value) {
  if (value.type == ExprType::kFloat) return CastNumber(DType::kFloat64, dtype, {value.f, 0});
  return CastNumber(DType::kInt64, dtype, {0, value.i});
}

PlainNumber ApplyScalarOp(ScalarOp op, DType result, DType operand, absl::Span<const PlainNumber> args) {
  bool integer = IsIntegralOrBool(operand);
  if (op == ScalarOp::kWhere) return args[0].i != 0 ? args[1] : args[2];
  if (op == ScalarOp::kCast) return CastNumber(operand, result, args[0]);
  if (op == ScalarOp::kIsNan) return FromBool(!integer && std::isnan(args[0].f));
  if (op == ScalarOp::kIsInf) return FromBool(!integer && std::isinf(args[0].f));
  PlainNumber second = args.size() > 1 ? args[1] : PlainNumber{};
  if (IsComparison(op)) {
    return FromBool(integer ? Compare(op, args[0].i, second.i) : Compare(op, args[0].f, second.f));
  }
  if (integer) return RoundTo(result, {0, IntegerOp(op, args[0].i, second.i)});
  double r = NAN;
  FloatOp(op, args[0].f, second.f, r);
  return RoundTo(result, {r, 0});
}

}  // namespace kiln
