#include "fake_runtime/ops/constant_value.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "absl/algorithm/container.h"
#include "absl/strings/strip.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/promotion.h"
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

template <typename T>
using Result = std::optional<T>;
template <typename T>
using Binary = Result<T> (*)(T a, T b);
template <typename T>
constexpr bool kIsInt = std::is_integral_v<T>;

// Integers wrap around; narrower ones are cut when they are stored.
template <typename T, typename F>
T Wrapping(F f, T a, T b) {
  if constexpr (kIsInt<T>) {
    return static_cast<T>(f(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
  } else {
    return f(a, b);
  }
}
template <typename T>
Result<T> Add(T a, T b) { return Wrapping([](auto x, auto y) { return x + y; }, a, b); }
template <typename T>
Result<T> Sub(T a, T b) { return Wrapping([](auto x, auto y) { return x - y; }, a, b); }
template <typename T>
Result<T> Rsub(T a, T b) { return Sub(b, a); }
template <typename T>
Result<T> Mul(T a, T b) { return Wrapping([](auto x, auto y) { return x * y; }, a, b); }
template <typename T>
Result<T> Div(T a, T b) { return a / b; }
template <typename T>
Result<T> Reciprocal(T a, T) { return T{1} / a; }
template <typename T>
Result<T> Sqrt(T a, T) { return std::sqrt(a); }

template <typename T>
bool Divides(T a, T b) {
  return b != 0 && !(b == T{-1} && a == std::numeric_limits<T>::lowest());
}
template <typename T>
Result<T> TruncDiv(T a, T b) {
  if constexpr (!kIsInt<T>) return std::trunc(a / b);
  else return Divides(a, b) ? Result<T>(a / b) : std::nullopt;
}
template <typename T>
Result<T> Fmod(T a, T b) {
  if constexpr (!kIsInt<T>) return std::fmod(a, b);
  else return Divides(a, b) ? Result<T>(a % b) : std::nullopt;
}
// Python's remainder: it has the sign of the divisor.
template <typename T>
Result<T> Remainder(T a, T b) {
  Result<T> rest = Fmod(a, b);
  if (rest.has_value() && *rest != 0 && (*rest < 0) != (b < 0)) *rest += b;
  return rest;
}
// c10::div_floor_floating, bit for bit.
template <typename T>
Result<T> FloorDiv(T a, T b) {
  if constexpr (kIsInt<T>) {
    if (!Divides(a, b)) return std::nullopt;
    return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
  } else {
    if (b == 0) return a / b;
    const T rest = std::fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(T{0}, a / b);
    const T floor = std::floor(quotient);
    return quotient - floor > T{0.5} ? floor + 1 : floor;
  }
}

template <typename T>
bool IsNan(T a) {
  if constexpr (kIsInt<T>) return false;
  else return std::isnan(a);
}
template <typename T>
Result<T> Minimum(T a, T b) { return IsNan(a) || a < b ? a : b; }
template <typename T>
Result<T> Maximum(T a, T b) { return IsNan(a) || a > b ? a : b; }
template <typename T>
Result<T> Relu(T a, T) { return a < 0 ? T{0} : a; }
template <typename T>
Result<T> Neg(T a, T) { return kIsInt<T> ? *Sub(T{0}, a) : -a; }
template <typename T>
Result<T> Abs(T a, T) {
  if constexpr (kIsInt<T>) return a < 0 ? *Sub(T{0}, a) : a;
  else return std::abs(a);
}
template <typename T>
Result<T> Sign(T a, T) { return T(a > 0) - T(a < 0); }
template <typename T>
Result<T> Floor(T a, T) {
  if constexpr (kIsInt<T>) return a;
  else return std::floor(a);
}
template <typename T>
Result<T> Ceil(T a, T) {
  if constexpr (kIsInt<T>) return a;
  else return std::ceil(a);
}
template <typename T>
Result<T> Trunc(T a, T) {
  if constexpr (kIsInt<T>) return a;
  else return std::trunc(a);
}
template <typename T>
Result<T> Round(T a, T) {
  if constexpr (kIsInt<T>) return a;
  else return std::nearbyint(a);
}
template <typename T>
Result<T> Same(T a, T) { return a; }
template <typename T>
Result<T> Other(T, T b) { return b; }
template <typename T>
Result<T> Zero(T, T) { return T{0}; }

template <typename T>
Result<T> Eq(T a, T b) { return a == b; }
template <typename T>
Result<T> Ne(T a, T b) { return a != b; }
template <typename T>
Result<T> Lt(T a, T b) { return a < b; }
template <typename T>
Result<T> Le(T a, T b) { return a <= b; }
template <typename T>
Result<T> Gt(T a, T b) { return a > b; }
template <typename T>
Result<T> Ge(T a, T b) { return a >= b; }
template <typename T>
Result<T> LogicalAnd(T a, T b) { return a != 0 && b != 0; }
template <typename T>
Result<T> LogicalOr(T a, T b) { return a != 0 || b != 0; }
template <typename T>
Result<T> LogicalXor(T a, T b) { return (a != 0) != (b != 0); }
template <typename T>
Result<T> LogicalNot(T a, T) { return a == 0; }
template <typename T>
Result<T> NanTest(T a, T) { return IsNan(a); }
template <typename T>
Result<T> InfTest(T a, T) {
  if constexpr (kIsInt<T>) return 0;
  else return std::isinf(a);
}

using Int = int64_t;
Result<Int> BitAnd(Int a, Int b) { return a & b; }
Result<Int> BitOr(Int a, Int b) { return a | b; }
Result<Int> BitXor(Int a, Int b) { return a ^ b; }
Result<Int> BitNot(Int a, Int) { return ~a; }
// By as many bits as there are, or fewer than none, all bits go.
bool IsShift(Int b) { return b >= 0 && b < 64; }
Result<Int> ShiftLeft(Int a, Int b) { return IsShift(b) ? static_cast<Int>(static_cast<uint64_t>(a) << b) : 0; }
Result<Int> ShiftRight(Int a, Int b) { return IsShift(b) ? a >> b : a < 0 ? -1 : 0; }
Result<Int> PowInt(Int a, Int b) {
  if (b < 0) return std::nullopt;
  uint64_t out = 1, base = static_cast<uint64_t>(a);
  for (; b != 0; b >>= 1, base *= base) {
    if (b & 1) out *= base;
  }
  return static_cast<Int>(out);
}

// In which dtype the operands meet: promoted, or promoted and then floating.
enum class Meet : uint8_t { kPromoted, kFloat, kResult };

struct Rule {
  absl::string_view name;  // of the operator, without overload and '_'
  int operands;            // the leading arguments
  Meet meet;
  // Null where a kind has no such kernel, or its last bit is the kernel's.
  Binary<int64_t> ints;
  Binary<float> floats;
  Binary<double> doubles;
  bool bools = false;  // the kernel takes bools as well
};

#define KILN_ALL_KINDS(f) f<int64_t>, f<float>, f<double>
#define KILN_FLOATS(f) nullptr, f<float>, f<double>
#define KILN_INTS(f) f, nullptr, nullptr
// Sorted by name.
constexpr Rule kRules[] = {
    {"_to_copy", 1, Meet::kResult, KILN_ALL_KINDS(Same), true},
    {"abs", 1, Meet::kPromoted, KILN_ALL_KINDS(Abs)},
    {"add", 2, Meet::kPromoted, KILN_ALL_KINDS(Add), true},
    {"bitwise_and", 2, Meet::kPromoted, KILN_INTS(BitAnd), true},
    {"bitwise_left_shift", 2, Meet::kPromoted, KILN_INTS(ShiftLeft)},
    {"bitwise_not", 1, Meet::kPromoted, KILN_INTS(BitNot), true},
    {"bitwise_or", 2, Meet::kPromoted, KILN_INTS(BitOr), true},
    {"bitwise_right_shift", 2, Meet::kPromoted, KILN_INTS(ShiftRight)},
    {"bitwise_xor", 2, Meet::kPromoted, KILN_INTS(BitXor), true},
    {"ceil", 1, Meet::kPromoted, KILN_ALL_KINDS(Ceil)},
    {"clamp_max", 2, Meet::kPromoted, KILN_ALL_KINDS(Minimum)},
    {"clamp_min", 2, Meet::kPromoted, KILN_ALL_KINDS(Maximum)},
    {"copy", 2, Meet::kResult, KILN_ALL_KINDS(Other), true},
    {"div", 2, Meet::kFloat, KILN_FLOATS(Div)},
    {"eq", 2, Meet::kPromoted, KILN_ALL_KINDS(Eq), true},
    {"fill", 2, Meet::kResult, KILN_ALL_KINDS(Other), true},
    {"floor", 1, Meet::kPromoted, KILN_ALL_KINDS(Floor)},
    {"floor_divide", 2, Meet::kPromoted, KILN_ALL_KINDS(FloorDiv)},
    {"fmod", 2, Meet::kPromoted, KILN_ALL_KINDS(Fmod)},
    {"ge", 2, Meet::kPromoted, KILN_ALL_KINDS(Ge), true},
    {"gt", 2, Meet::kPromoted, KILN_ALL_KINDS(Gt), true},
    {"isinf", 1, Meet::kPromoted, KILN_ALL_KINDS(InfTest), true},
    {"isnan", 1, Meet::kPromoted, KILN_ALL_KINDS(NanTest), true},
    {"le", 2, Meet::kPromoted, KILN_ALL_KINDS(Le), true},
    {"logical_and", 2, Meet::kPromoted, KILN_ALL_KINDS(LogicalAnd), true},
    {"logical_not", 1, Meet::kPromoted, KILN_ALL_KINDS(LogicalNot), true},
    {"logical_or", 2, Meet::kPromoted, KILN_ALL_KINDS(LogicalOr), true},
    {"logical_xor", 2, Meet::kPromoted, KILN_ALL_KINDS(LogicalXor), true},
    {"lt", 2, Meet::kPromoted, KILN_ALL_KINDS(Lt), true},
    {"maximum", 2, Meet::kPromoted, KILN_ALL_KINDS(Maximum), true},
    {"minimum", 2, Meet::kPromoted, KILN_ALL_KINDS(Minimum), true},
    {"mul", 2, Meet::kPromoted, KILN_ALL_KINDS(Mul), true},
    {"ne", 2, Meet::kPromoted, KILN_ALL_KINDS(Ne), true},
    {"neg", 1, Meet::kPromoted, KILN_ALL_KINDS(Neg)},
    {"pow", 2, Meet::kPromoted, KILN_INTS(PowInt)},
    {"reciprocal", 1, Meet::kFloat, KILN_FLOATS(Reciprocal)},
    {"relu", 1, Meet::kPromoted, KILN_ALL_KINDS(Relu)},
    {"remainder", 2, Meet::kPromoted, KILN_ALL_KINDS(Remainder)},
    {"round", 1, Meet::kPromoted, KILN_ALL_KINDS(Round)},
    {"rsub", 2, Meet::kPromoted, KILN_ALL_KINDS(Rsub)},
    {"sgn", 1, Meet::kPromoted, KILN_ALL_KINDS(Sign), true},
    {"sign", 1, Meet::kPromoted, KILN_ALL_KINDS(Sign), true},
    {"sqrt", 1, Meet::kFloat, KILN_FLOATS(Sqrt)},
    {"sub", 2, Meet::kPromoted, KILN_ALL_KINDS(Sub)},
    {"trunc", 1, Meet::kPromoted, KILN_ALL_KINDS(Trunc)},
    {"zero", 1, Meet::kResult, KILN_ALL_KINDS(Zero), true},
};
#undef KILN_ALL_KINDS
#undef KILN_FLOATS
#undef KILN_INTS

constexpr Rule kTruncDiv = {"div", 2, Meet::kPromoted, TruncDiv<int64_t>, TruncDiv<float>, TruncDiv<double>};
constexpr Rule kFloorDiv = {"div", 2, Meet::kPromoted, FloorDiv<int64_t>, FloorDiv<float>, FloorDiv<double>};

bool IsOneElement(const FakeTensor& t) {
  return t.device.is_cpu() && absl::c_all_of(t.sizes, [](Expr size) { return size.IsInt(1); });
}

bool AllConstants(MetaContext& ctx) {
  bool any = false;
  for (int i = 0; i < ctx.num_args(); ++i) {
    if (ctx.Raw(i).get_if<ArgumentList>() != nullptr) return false;
    if (!ctx.IsTensor(i)) continue;
    const FakeTensor& t = ctx.Tensor(i);
    if (!t.constant.has_value() || t.neg_bit || !IsOneElement(t)) return false;
    any = true;
  }
  return any;
}

const Rule* FindRule(MetaContext& ctx) {
  absl::string_view name = ctx.schema().name;
  if (!absl::ConsumePrefix(&name, "aten.")) return nullptr;
  name = absl::StripSuffix(name.substr(0, name.find('.')), "_");
  const int mode = ctx.schema().FindArg("rounding_mode");
  if (mode >= 0 && !ctx.IsNone(mode)) return ctx.String(mode) == "trunc" ? &kTruncDiv : &kFloorDiv;
  // With a tensor for a bound, clamp is the other kernel.
  if (name == "clamp_min" && ctx.IsTensor(1)) name = "maximum";
  if (name == "clamp_max" && ctx.IsTensor(1)) name = "minimum";
  const auto* rule = std::lower_bound(std::begin(kRules), std::end(kRules), name,
                                      [](const Rule& row, absl::string_view n) { return row.name < n; });
  return rule != std::end(kRules) && rule->name == name ? rule : nullptr;
}

// What a cast or a kernel's own choice of the order hangs on is not computed.
bool HasPlainOptions(MetaContext& ctx) {
  const int alpha = ctx.schema().FindArg("alpha"), decimals = ctx.schema().FindArg("decimals");
  if (alpha >= 0 && ctx.Scalar(alpha).value.AsInt() != 1) return false;
  return decimals < 0;
}

std::optional<ScalarValue> ValueOf(const Operand& operand) {
  if (operand.tensor != nullptr) return operand.tensor->constant;
  return LiteralValue(operand.number.value);
}

std::optional<ScalarValue> Compute(const Rule& rule, DType dtype, const ScalarValue& a, const ScalarValue& b) {
  if (IsIntegralOrBool(dtype)) {
    if (dtype == DType::kBool && !rule.bools) return std::nullopt;
    // Of a bool, `~` is its negation.
    const Binary<int64_t> ints = dtype == DType::kBool && rule.ints == BitNot ? LogicalNot<int64_t> : rule.ints;
    const std::optional<int64_t> out = ints == nullptr ? std::nullopt : ints(a.i, b.i);
    if (!out.has_value()) return std::nullopt;
    return CastConstant({ExprType::kInt, *out, static_cast<double>(*out)}, dtype);
  }
  std::optional<double> out;
  if (dtype == DType::kFloat64) {
    if (rule.doubles != nullptr) out = rule.doubles(a.f, b.f);
  } else if (rule.floats != nullptr) {
    out = rule.floats(static_cast<float>(a.f), static_cast<float>(b.f));
  }
  if (!out.has_value()) return std::nullopt;
  return CastConstant({ExprType::kFloat, 0, *out}, dtype);
}

// Kernels for the half types take a number as float32, others as an element.
bool IsExactInHalf(const ScalarValue& value, DType dtype) {
  if (dtype != DType::kBFloat16 && dtype != DType::kFloat16) return true;
  const std::optional<ScalarValue> rounded = CastConstant(value, dtype);
  const double exact = value.type == ExprType::kFloat ? value.f : static_cast<double>(value.i);
  return rounded.has_value() && rounded->f == exact;
}

}  // namespace

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

std::optional<ScalarValue> LiteralValue(Expr e) {
  if (std::optional<int64_t> i = e.AsInt()) return ScalarValue{ExprType::kInt, *i, static_cast<double>(*i)};
  if (std::optional<bool> b = e.AsBool()) return ScalarValue{ExprType::kBool, *b, *b ? 1.0 : 0.0};
  if (std::optional<double> f = e.AsFloat()) return ScalarValue{ExprType::kFloat, 0, *f};
  return std::nullopt;
}

std::optional<ScalarValue> ConstantResult(const OpRow& row, MetaContext& ctx) {
  if (row.has(kTagView) || row.has(kTagInplaceView) || !AllConstants(ctx)) return std::nullopt;
  const FakeTensor* result = ctx.returned().size() == 1 && !ctx.returned()[0].is_list
                                 ? std::get_if<FakeTensor>(&ctx.returned()[0].values[0])
                                 : nullptr;
  const Rule* rule = FindRule(ctx);
  if (result == nullptr || !IsOneElement(*result) || rule == nullptr || !HasPlainOptions(ctx)) return std::nullopt;
  Operands operands;
  for (int i = 0; i < rule->operands; ++i) operands.push_back(OperandOf(ctx, i));
  DType dtype = result->dtype;
  if (rule->meet != Meet::kResult) {
    absl::StatusOr<DType> promoted = ResultType(ctx, operands);
    if (!promoted.ok()) return std::nullopt;
    dtype = rule->meet == Meet::kFloat ? FloatDType(*promoted) : *promoted;
  }
  std::optional<ScalarValue> values[2];
  for (size_t i = 0; i < operands.size(); ++i) {
    values[i] = ValueOf(operands[i]);
    if (!values[i].has_value()) return std::nullopt;
    if (rule->meet != Meet::kResult && !IsExactInHalf(*values[i], dtype)) return std::nullopt;
    const std::optional<ScalarValue> cast = CastConstant(*values[i], dtype);
    if (!cast.has_value()) return std::nullopt;
    // A number that the dtype does not hold is refused by some kernels, and wraps in others.
    const bool wraps = values[i]->type == ExprType::kInt && cast->type == ExprType::kInt && values[i]->i != cast->i;
    if (operands[i].tensor == nullptr && wraps) return std::nullopt;
    values[i] = cast;
  }
  const std::optional<ScalarValue> out = Compute(*rule, dtype, *values[0], values[1].value_or(*values[0]));
  return out.has_value() ? CastConstant(*out, result->dtype) : std::nullopt;
}

}  // namespace kiln
