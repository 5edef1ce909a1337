#include "fake_runtime/symbolic/value_range.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/checked_int.h"
#include "fake_runtime/symbolic/expr_node.h"

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
        return range_of_(e);
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
      case ExprKind::kFloat: case ExprKind::kToFloat: case ExprKind::kTrueDiv: case ExprKind::kFloatAdd:
      case ExprKind::kFloatMul: case ExprKind::kFloatPow: case ExprKind::kFloatSqrt:
      case ExprKind::kFloorToInt: case ExprKind::kCeilToInt: case ExprKind::kTruncToInt: case ExprKind::kPoison:
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

  ValueRange BoundComparison(Expr e) const {
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
