#include "fake_runtime/symbolic/value_range.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/checked_int.h"
#include "fake_runtime/symbolic/expr_node.h"
#include "fake_runtime/symbolic/scalar_math.h"

namespace kiln {
namespace {

constexpr int64_t kMin = ValueRange::kMin;
constexpr int64_t kMax = ValueRange::kMax;

bool Finite(int64_t v) { return v != kMin && v != kMax; }

// Ends of intervals. An end that overflows becomes the infinity it runs to.
int64_t AddEnds(int64_t a, int64_t b) {
  if (!Finite(a)) return a;
  if (!Finite(b)) return b;
  return CheckedAdd(a, b).value_or(a > 0 ? kMax : kMin);
}

// 0 times infinity is 0: the infinity stands for arbitrarily large integers.
int64_t MulEnds(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return 0;
  int64_t infinity = (a > 0) == (b > 0) ? kMax : kMin;
  if (!Finite(a) || !Finite(b)) return infinity;
  return CheckedMul(a, b).value_or(infinity);
}

int64_t NegEnd(int64_t a) {
  if (a == kMin) return kMax;
  return a == kMax ? kMin : -a;
}

// floor(a / b) for b > 0.
int64_t FloorDivEnds(int64_t a, int64_t b) {
  if (!Finite(a)) return a;
  if (b == kMax) return a < 0 ? -1 : 0;
  return *CheckedFloorDiv(a, b);
}

// A lower end that overflowed upwards is a large number, not infinity: what is
// subtracted from it later must count. Likewise below.
ValueRange Sane(ValueRange r) {
  return {std::min(r.lower, kMax - 1), std::max(r.upper, kMin + 1)};
}

ValueRange Add(ValueRange a, ValueRange b) {
  return Sane({AddEnds(a.lower, b.lower), AddEnds(a.upper, b.upper)});
}
ValueRange Neg(ValueRange a) { return {NegEnd(a.upper), NegEnd(a.lower)}; }
ValueRange Hull(ValueRange a, ValueRange b) {
  return {std::min(a.lower, b.lower), std::max(a.upper, b.upper)};
}

ValueRange Mul(ValueRange a, ValueRange b) {
  int64_t corners[] = {MulEnds(a.lower, b.lower), MulEnds(a.lower, b.upper),
                       MulEnds(a.upper, b.lower), MulEnds(a.upper, b.upper)};
  return Sane({*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)});
}

ValueRange Pow(ValueRange a, int64_t exponent) {
  ValueRange result = ValueRange::Exactly(1);
  // Over 63 factors nothing but 0, 1 and -1 stays finite.
  for (int64_t i = 0; i < std::min<int64_t>(exponent, 64); ++i) result = Mul(result, a);
  if (exponent % 2 == 0) result.lower = std::max<int64_t>(result.lower, 0);
  if (exponent > 64) {
    result = Mul(result, Hull(a, ValueRange::Exactly(1)));
    if (a.lower >= 0 || exponent % 2 == 0) result.lower = std::max<int64_t>(result.lower, 0);
  }
  return result;
}

// For b >= 1.
ValueRange FloorDivPositive(ValueRange a, ValueRange b) {
  int64_t corners[] = {FloorDivEnds(a.lower, b.lower), FloorDivEnds(a.lower, b.upper),
                       FloorDivEnds(a.upper, b.lower), FloorDivEnds(a.upper, b.upper)};
  return {*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
}

// For b >= 1.
ValueRange ModPositive(ValueRange a, ValueRange b) {
  if (a.lower >= 0 && a.upper < b.lower) return a;
  ValueRange result{0, Finite(b.upper) ? b.upper - 1 : kMax};
  if (a.lower >= 0) result.upper = std::min(result.upper, a.upper);
  return result;
}

// A divisor of 0 is undefined, so the rest of its range counts.
template <typename Positive, typename Negative>
ValueRange BySign(ValueRange b, Positive&& positive, Negative&& negative) {
  ValueRange above{std::max<int64_t>(b.lower, 1), b.upper};
  ValueRange below{b.lower, std::min<int64_t>(b.upper, -1)};
  if (above.empty() && below.empty()) return {};
  if (below.empty()) return positive(above);
  if (above.empty()) return negative(Neg(below));
  return Hull(positive(above), negative(Neg(below)));
}

ValueRange FloorDiv(ValueRange a, ValueRange b) {
  return BySign(
      b, [&](ValueRange d) { return FloorDivPositive(a, d); },
      [&](ValueRange d) { return FloorDivPositive(Neg(a), d); });
}

ValueRange Mod(ValueRange a, ValueRange b) {
  return BySign(
      b, [&](ValueRange d) { return ModPositive(a, d); },
      [&](ValueRange d) { return Neg(ModPositive(Neg(a), d)); });
}

// For exponents that are natural: where one is not, the power is undefined.
ValueRange IntPow(ValueRange base, ValueRange exponent) {
  if (base.lower < 0 || exponent.upper < 0) return {};
  const int64_t least = std::max<int64_t>(exponent.lower, 0);
  ValueRange result{0, kMax};
  if (base.lower >= 1) result.lower = Finite(least) ? PowInts(base.lower, least).value_or(kMax - 1) : kMax - 1;
  if (Finite(base.upper) && Finite(exponent.upper)) {
    result.upper = PowInts(std::max<int64_t>(base.upper, 1), exponent.upper).value_or(kMax);
  }
  return Sane(result);
}

// An operand that is not negative bounds the result; with none, the larger does.
ValueRange BitAnd(ValueRange a, ValueRange b) {
  ValueRange result{kMin, std::max(a.upper, b.upper)};
  if (a.lower >= 0) result = {0, a.upper};
  if (b.lower >= 0) result = {0, a.lower >= 0 ? std::min(a.upper, b.upper) : b.upper};
  return result;
}

// A range of floats. Every value but NaN lies inside; whether it may be NaN is
// told. Rounding to the nearest is monotone, so ends are what the same operation
// gives on ends.
struct FloatRange {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  bool may_be_nan = false;

  bool Contains(double v) const { return lower <= v && v <= upper; }
  bool unbounded() const { return std::isinf(lower) || std::isinf(upper); }
};

constexpr FloatRange kAnyFloat{-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), true};

double AsFloatEnd(int64_t v) {
  if (Finite(v)) return static_cast<double>(v);
  return v == kMin ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

FloatRange Corners(std::initializer_list<double> corners, bool may_be_nan) {
  // A corner of 0 times infinity stands for 0 times something large.
  auto value = [](double c) { return std::isnan(c) ? 0.0 : c; };
  FloatRange r{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), may_be_nan};
  for (double c : corners) {
    r.lower = std::min(r.lower, value(c));
    r.upper = std::max(r.upper, value(c));
  }
  return r;
}

FloatRange AddFloats(const FloatRange& a, const FloatRange& b) {
  const bool cancels = (std::isinf(a.upper) && std::isinf(b.lower)) || (std::isinf(a.lower) && std::isinf(b.upper));
  if (cancels) return kAnyFloat;
  return {a.lower + b.lower, a.upper + b.upper, a.may_be_nan || b.may_be_nan};
}

FloatRange MulFloats(const FloatRange& a, const FloatRange& b) {
  const bool nan = (a.Contains(0) && b.unbounded()) || (b.Contains(0) && a.unbounded());
  return Corners({a.lower * b.lower, a.lower * b.upper, a.upper * b.lower, a.upper * b.upper},
                 nan || a.may_be_nan || b.may_be_nan);
}

FloatRange DivFloats(const FloatRange& a, const FloatRange& b) {
  if (b.Contains(0) || (a.unbounded() && b.unbounded())) return kAnyFloat;
  return Corners({a.lower / b.lower, a.lower / b.upper, a.upper / b.lower, a.upper / b.upper},
                 a.may_be_nan || b.may_be_nan);
}

int64_t AsIntEnd(double rounded) {
  return ToInt64(rounded).value_or(rounded < 0 ? kMin : kMax);
}

// What a comparison of two ranges comes to: [0, 0], [1, 1] or [0, 1].
ValueRange Truth(bool always, bool never) { return {always ? 1 : 0, never ? 0 : 1}; }

class Bounder {
 public:
  explicit Bounder(const std::function<ValueRange(Expr)>& range_of) : range_of_(range_of) {}

  ValueRange Bound(Expr e) const {
    absl::Span<const Expr> args = e.args();
    switch (e.kind()) {
      case ExprKind::kInt:
        return Sane(ValueRange::Exactly(*e.AsInt()));
      case ExprKind::kBool:
        return ValueRange::Exactly(*e.AsBool() ? 1 : 0);
      case ExprKind::kSymbol:
        return e.type() == ExprType::kInt ? range_of_(e) : ValueRange();
      case ExprKind::kAdd:
        return Fold(args, Add);
      case ExprKind::kMul:
        return Fold(args, Mul);
      case ExprKind::kFloorDiv:
        return FloorDiv(Bound(args[0]), Bound(args[1]));
      case ExprKind::kMod:
        return Mod(Bound(args[0]), Bound(args[1]));
      case ExprKind::kCeilDiv:
        return Neg(FloorDiv(Neg(Bound(args[0])), Bound(args[1])));
      case ExprKind::kPow:
        return Pow(Bound(args[0]), *args[1].AsInt());
      case ExprKind::kMin:
        return Fold(args, [](ValueRange a, ValueRange b) {
          return ValueRange{std::min(a.lower, b.lower), std::min(a.upper, b.upper)};
        });
      case ExprKind::kMax:
        return Fold(args, [](ValueRange a, ValueRange b) {
          return ValueRange{std::max(a.lower, b.lower), std::max(a.upper, b.upper)};
        });
      case ExprKind::kEq: case ExprKind::kNe: case ExprKind::kLt: case ExprKind::kLe:
        return BoundComparison(e);
      case ExprKind::kAnd:
        return Fold(args, [](ValueRange a, ValueRange b) { return ValueRange{a.lower & b.lower, a.upper & b.upper}; });
      case ExprKind::kOr:
        return Fold(args, [](ValueRange a, ValueRange b) { return ValueRange{a.lower | b.lower, a.upper | b.upper}; });
      case ExprKind::kNot: {
        ValueRange a = Bound(args[0]);
        return {1 - a.upper, 1 - a.lower};
      }
      case ExprKind::kWhere:
        return BoundWhere(args);
      case ExprKind::kIntPow:
        return IntPow(Bound(args[0]), Bound(args[1]));
      case ExprKind::kBitAnd:
        return BitAnd(Bound(args[0]), Bound(args[1]));
      case ExprKind::kFloorToInt: case ExprKind::kCeilToInt: case ExprKind::kTruncToInt: case ExprKind::kRoundToInt:
        return BoundRounding(e);
      case ExprKind::kFloat: case ExprKind::kToFloat: case ExprKind::kTrueDiv: case ExprKind::kFloatAdd:
      case ExprKind::kFloatMul: case ExprKind::kFloatPow: case ExprKind::kFloatSqrt: case ExprKind::kRoundDecimal:
      case ExprKind::kFloatCall: case ExprKind::kPoison:
        return {};
    }
    return {};
  }

 private:
  template <typename Combine>
  ValueRange Fold(absl::Span<const Expr> args, Combine&& combine) const {
    ValueRange result = Bound(args[0]);
    for (size_t i = 1; i < args.size(); ++i) result = combine(result, Bound(args[i]));
    return result;
  }

  FloatRange BoundFloat(Expr e) const {
    absl::Span<const Expr> args = e.args();
    switch (e.kind()) {
      case ExprKind::kFloat:
        return std::isnan(*e.AsFloat()) ? kAnyFloat : FloatRange{*e.AsFloat(), *e.AsFloat()};
      case ExprKind::kToFloat: {
        ValueRange r = Bound(args[0]);
        return {AsFloatEnd(r.lower), AsFloatEnd(r.upper)};
      }
      case ExprKind::kTrueDiv:
        return BoundTrueDiv(args[0], args[1]);
      case ExprKind::kFloatAdd:
        return AddFloats(BoundFloat(args[0]), BoundFloat(args[1]));
      case ExprKind::kFloatMul:
        return MulFloats(BoundFloat(args[0]), BoundFloat(args[1]));
      case ExprKind::kFloatSqrt: {
        FloatRange r = BoundFloat(args[0]);
        if (r.upper < 0) return kAnyFloat;
        return {std::sqrt(std::max(r.lower, 0.0)), std::sqrt(r.upper), r.may_be_nan};
      }
      case ExprKind::kRoundDecimal: {
        FloatRange r = BoundFloat(args[0]);
        const int64_t digits = *args[1].AsInt();
        return {RoundToDigits(r.lower, digits).value_or(-std::numeric_limits<double>::infinity()),
                RoundToDigits(r.upper, digits).value_or(std::numeric_limits<double>::infinity()), r.may_be_nan};
      }
      case ExprKind::kWhere: {
        ValueRange condition = Bound(args[0]);
        if (condition.lower == 1) return BoundFloat(args[1]);
        if (condition.upper == 0) return BoundFloat(args[2]);
        FloatRange a = BoundFloat(args[1]), b = BoundFloat(args[2]);
        return {std::min(a.lower, b.lower), std::max(a.upper, b.upper), a.may_be_nan || b.may_be_nan};
      }
      default:
        return kAnyFloat;
    }
  }

  FloatRange BoundTrueDiv(Expr a, Expr b) const {
    if (a.type() == ExprType::kFloat) return DivFloats(BoundFloat(a), BoundFloat(b));
    const ValueRange x = Bound(a), y = Bound(b);
    // Integers are divided exactly and rounded once, which their ends as floats
    // would not be.
    if (Finite(x.lower) && y.singleton() && Finite(y.lower) && y.lower > 0) {
      return {*TrueDivInts(x.lower, y.lower),
              Finite(x.upper) ? *TrueDivInts(x.upper, y.lower) : std::numeric_limits<double>::infinity()};
    }
    FloatRange r = DivFloats({AsFloatEnd(x.lower), AsFloatEnd(x.upper)}, {AsFloatEnd(y.lower), AsFloatEnd(y.upper)});
    return {std::nextafter(r.lower, -std::numeric_limits<double>::infinity()),
            std::nextafter(r.upper, std::numeric_limits<double>::infinity()), r.may_be_nan};
  }

  // NaN rounds to no integer, so it does not count.
  ValueRange BoundRounding(Expr e) const {
    FloatRange r = BoundFloat(e.args()[0]);
    auto rounded = [&](double v) {
      switch (e.kind()) {
        case ExprKind::kFloorToInt: return std::floor(v);
        case ExprKind::kCeilToInt: return std::ceil(v);
        case ExprKind::kRoundToInt: return RoundHalfEven(v);
        default: return std::trunc(v);
      }
    };
    return Sane({AsIntEnd(rounded(r.lower)), AsIntEnd(rounded(r.upper))});
  }

  // NaN makes every comparison but != false.
  ValueRange BoundFloatComparison(Expr e) const {
    FloatRange a = BoundFloat(e.args()[0]), b = BoundFloat(e.args()[1]);
    const bool ordered = !a.may_be_nan && !b.may_be_nan;
    const bool apart = a.upper < b.lower || b.upper < a.lower;
    const bool same = ordered && a.lower == a.upper && b.lower == b.upper && a.lower == b.lower;
    switch (e.kind()) {
      case ExprKind::kEq: return Truth(same, apart);
      case ExprKind::kNe: return Truth(apart, same);
      case ExprKind::kLt: return Truth(ordered && a.upper < b.lower, b.upper <= a.lower);
      default: return Truth(ordered && a.upper <= b.lower, b.upper < a.lower);
    }
  }

  ValueRange BoundComparison(Expr e) const {
    if (e.args()[0].type() == ExprType::kFloat) return BoundFloatComparison(e);
    if (e.args()[0].type() != ExprType::kInt) return {0, 1};
    ValueRange a = Bound(e.args()[0]), b = Bound(e.args()[1]);
    bool apart = a.upper < b.lower || b.upper < a.lower;
    bool same = a.singleton() && a == b && Finite(a.lower);
    // An infinite end is no value, so equal infinite ends decide nothing.
    switch (e.kind()) {
      case ExprKind::kEq: return Truth(same, apart);
      case ExprKind::kNe: return Truth(apart, same);
      case ExprKind::kLt: return Truth(a.upper < b.lower, b.upper <= a.lower && Finite(a.lower));
      default: return Truth(a.upper <= b.lower && Finite(a.upper), b.upper < a.lower);
    }
  }

  ValueRange BoundWhere(absl::Span<const Expr> args) const {
    if (args[1].type() == ExprType::kFloat) return {};
    ValueRange condition = Bound(args[0]);
    if (condition.lower == 1) return Bound(args[1]);
    if (condition.upper == 0) return Bound(args[2]);
    return Hull(Bound(args[1]), Bound(args[2]));
  }

  const std::function<ValueRange(Expr)>& range_of_;
};

std::string EndText(int64_t v) {
  if (v == kMin) return "-oo";
  return v == kMax ? "oo" : absl::StrCat(v);
}

}  // namespace

std::string ValueRange::ToString() const {
  return absl::StrCat("[", EndText(lower), ", ", EndText(upper), "]");
}

ValueRange BoundOf(Expr e, const std::function<ValueRange(Expr symbol)>& range_of) {
  return Bounder(range_of).Bound(e);
}

}  // namespace kiln
