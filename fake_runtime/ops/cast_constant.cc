#include "fake_runtime/ops/cast_constant.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fake_runtime/symbolic/scalar_math.h"

namespace kiln {
namespace {

// To a float of `mantissa` explicit bits and least normal exponent `least`, ties
// to even. The operand has at most float32's bits, as PyTorch's casts go.
double RoundToBits(float value, int mantissa, int least, double largest) {
  if (!std::isfinite(value) || value == 0) return value;
  const double x = value;
  const int exponent = std::max(std::ilogb(x), least);
  const double unit = std::ldexp(1.0, exponent - mantissa);
  const double rounded = std::copysign(RoundHalfEven(std::abs(x) / unit) * unit, x);
  return std::abs(rounded) > largest ? std::copysign(std::numeric_limits<double>::infinity(), x) : rounded;
}

// An int64 becomes float32 at once, without a stop at double.
std::optional<double> AsFloating(const ScalarValue& value, DType dtype) {
  const bool is_float = value.type == ExprType::kFloat;
  if (dtype == DType::kFloat64) return is_float ? value.f : static_cast<double>(value.i);
  const float narrow = is_float ? static_cast<float>(value.f) : static_cast<float>(value.i);
  switch (dtype) {
    case DType::kFloat32:
      return narrow;
    case DType::kBFloat16:
      return RoundToBits(narrow, 7, -126, 0x1.fep127);
    case DType::kFloat16:
      return RoundToBits(narrow, 10, -14, 65504);
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> AsInteger(int64_t value, DType dtype) {
  switch (dtype) {
    case DType::kInt64:
      return value;
    case DType::kInt32:
      return static_cast<int32_t>(value);
    case DType::kInt16:
      return static_cast<int16_t>(value);
    case DType::kInt8:
      return static_cast<int8_t>(value);
    case DType::kUInt8:
      return static_cast<uint8_t>(value);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<ScalarValue> LiteralValue(Expr e) {
  if (std::optional<int64_t> i = e.AsInt()) return ScalarValue{ExprType::kInt, *i, static_cast<double>(*i)};
  if (std::optional<bool> b = e.AsBool()) return ScalarValue{ExprType::kBool, *b, *b ? 1.0 : 0.0};
  if (std::optional<double> f = e.AsFloat()) return ScalarValue{ExprType::kFloat, 0, *f};
  return std::nullopt;
}

std::optional<ScalarValue> CastConstant(const ScalarValue& value, DType dtype) {
  const bool is_float = value.type == ExprType::kFloat;
  if (dtype == DType::kBool) {
    const bool b = is_float ? value.f != 0 : value.i != 0;
    return ScalarValue{ExprType::kBool, b, b ? 1.0 : 0.0};
  }
  if (IsFloating(dtype)) {
    const std::optional<double> f = AsFloating(value, dtype);
    return f.has_value() ? std::optional<ScalarValue>({ExprType::kFloat, 0, *f}) : std::nullopt;
  }
  if (!IsIntegralOrBool(dtype)) return std::nullopt;
  std::optional<int64_t> i = is_float ? ToInt64(std::trunc(value.f)) : value.i;
  const std::optional<int64_t> cut = i.has_value() ? AsInteger(*i, dtype) : std::nullopt;
  // A float past the end of a narrow integer is whatever the processor makes of it.
  if (!cut.has_value() || (is_float && *cut != *i)) return std::nullopt;
  return ScalarValue{ExprType::kInt, *cut, static_cast<double>(*cut)};
}

}  // namespace kiln
