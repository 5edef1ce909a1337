#include "fake_runtime/ops/constant_kernels.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <type_traits>

#include "fake_runtime/ops/cast_constant.h"

namespace kiln {
namespace {

template <typename T>
using Result = std::optional<T>;
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

#define KILN_ALL_KINDS(f) f<int64_t>, f<float>, f<double>
#define KILN_FLOATS(f) nullptr, f<float>, f<double>
#define KILN_INTS(f) f, nullptr, nullptr
constexpr ConstantKernel kKernels[] = {
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
static_assert(std::is_sorted(std::begin(kKernels), std::end(kKernels),
                             [](const ConstantKernel& a, const ConstantKernel& b) { return a.name < b.name; }));
#undef KILN_ALL_KINDS
#undef KILN_FLOATS
#undef KILN_INTS

constexpr ConstantKernel kTruncDiv = {"div", 2, Meet::kPromoted, TruncDiv<int64_t>, TruncDiv<float>, TruncDiv<double>};
constexpr ConstantKernel kFloorDiv = {"div", 2, Meet::kPromoted, FloorDiv<int64_t>, FloorDiv<float>, FloorDiv<double>};

}  // namespace

const ConstantKernel* FindConstantKernel(absl::string_view name) {
  const auto* row = std::lower_bound(std::begin(kKernels), std::end(kKernels), name,
                                     [](const ConstantKernel& r, absl::string_view n) { return r.name < n; });
  return row != std::end(kKernels) && row->name == name ? row : nullptr;
}

const ConstantKernel* RoundedDivKernel(absl::string_view rounding_mode) {
  return rounding_mode == "trunc" ? &kTruncDiv : &kFloorDiv;
}

std::optional<ScalarValue> RunConstantKernel(const ConstantKernel& kernel, DType dtype, const ScalarValue& a,
                                             const ScalarValue& b) {
  if (IsIntegralOrBool(dtype)) {
    if (dtype == DType::kBool && !kernel.bools) return std::nullopt;
    // Of a bool, `~` is its negation.
    const auto ints = dtype == DType::kBool && kernel.ints == BitNot ? &LogicalNot<int64_t> : kernel.ints;
    const std::optional<int64_t> out = ints == nullptr ? std::nullopt : ints(a.i, b.i);
    if (!out.has_value()) return std::nullopt;
    return CastConstant({ExprType::kInt, *out, static_cast<double>(*out)}, dtype);
  }
  std::optional<double> out;
  if (dtype == DType::kFloat64) {
    if (kernel.doubles != nullptr) out = kernel.doubles(a.f, b.f);
  } else if (kernel.floats != nullptr) {
    out = kernel.floats(static_cast<float>(a.f), static_cast<float>(b.f));
  }
  if (!out.has_value()) return std::nullopt;
  return CastConstant({ExprType::kFloat, 0, *out}, dtype);
}

}  // namespace kiln
