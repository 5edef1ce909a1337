// The builders of ExprPool: operand types are brought together as Python does,
// then integers go to the canonical arithmetic, floats to plain nodes.
#include <algorithm>
#include <cmath>

#include "absl/container/flat_hash_map.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/expr_node.h"
#include "fake_runtime/symbolic/scalar_math.h"

namespace kiln {
namespace {

Expr Unsupported() { return MakePoison(PoisonReason::kUnsupported); }

bool AnyFloat(Expr a, Expr b) { return a.type() == ExprType::kFloat || b.type() == ExprType::kFloat; }

bool AllInts(absl::Span<const Expr> args) {
  return std::all_of(args.begin(), args.end(), [](Expr e) { return e.type() == ExprType::kInt; });
}

bool FirstPoison(Expr a, Expr b, Expr* poison) {
  if (!a.is_poison() && !b.is_poison()) return false;
  *poison = a.is_poison() ? a : b;
  return true;
}

// A bool counts as 0 or 1 in arithmetic.
Expr AsNumber(ExprPool& pool, Expr e) {
  return e.type() == ExprType::kBool ? pool.Where(e, Expr(1), Expr(0)) : e;
}

}  // namespace

// --- integer arithmetic, float where an operand is a float

Expr ExprPool::Add(Expr a, Expr b) {
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (AnyFloat(a, b)) {
    Expr args[] = {a, b};
    return Make(ExprKind::kFloatAdd, args);
  }
  return rep_->AddInts(AsNumber(*this, a), AsNumber(*this, b));
}

Expr ExprPool::Neg(Expr a) { return Mul(Expr(-1), a); }
Expr ExprPool::Sub(Expr a, Expr b) { return Add(a, Neg(b)); }

Expr ExprPool::Mul(Expr a, Expr b) {
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (AnyFloat(a, b)) {
    Expr args[] = {a, b};
    return Make(ExprKind::kFloatMul, args);
  }
  return rep_->MulInts(AsNumber(*this, a), AsNumber(*this, b));
}

Expr ExprPool::Add(absl::Span<const Expr> terms) {
  if (AllInts(terms)) return rep_->SumOf(terms);
  Expr sum = terms[0];
  for (Expr t : terms.subspan(1)) sum = Add(sum, t);
  return sum;
}

Expr ExprPool::Mul(absl::Span<const Expr> factors) {
  if (factors.empty()) return Expr(1);
  if (factors.size() == 1) return factors[0];
  // By halves: a product of n factors one by one would take n^2 steps.
  size_t half = factors.size() / 2;
  return Mul(Mul(factors.first(half)), Mul(factors.subspan(half)));
}

Expr ExprPool::FloorDiv(Expr a, Expr b) {
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (AnyFloat(a, b)) return Unsupported();
  return rep_->FloorDivInts(AsNumber(*this, a), AsNumber(*this, b));
}

Expr ExprPool::Mod(Expr a, Expr b) {
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (AnyFloat(a, b)) return Unsupported();
  return rep_->ModInts(AsNumber(*this, a), AsNumber(*this, b));
}

// ceil(a / b) = (a + b - 1)//b for a constant b > 0, and -(-a // b) always.
Expr ExprPool::CeilDiv(Expr a, Expr b) {
  if (std::optional<int64_t> d = b.AsInt(); d && *d > 0) return FloorDiv(Add(a, Int(*d - 1)), b);
  return Neg(FloorDiv(Neg(a), b));
}

Expr ExprPool::Pow(Expr base, Expr exponent) {
  Expr poison;
  if (FirstPoison(base, exponent, &poison)) return poison;
  base = AsNumber(*this, base);
  exponent = AsNumber(*this, exponent);
  std::optional<int64_t> n = exponent.AsInt();
  if (AnyFloat(base, exponent) || (n && *n < 0)) {
    Expr args[] = {base, exponent};
    return Make(ExprKind::kFloatPow, args);
  }
  if (!n) return rep_->IntPowInts(base, exponent);
  if (base.IsInt(0) || base.IsInt(1)) return *n == 0 ? Expr(1) : base;
  // By squaring; a power of a constant over 63 overflows at once.
  Expr result(1);
  for (int64_t left = *n;;) {
    if (left & 1) result = Mul(result, base);
    left >>= 1;
    if (left == 0 || result.is_poison()) return result;
    base = Mul(base, base);
    if (base.is_poison()) return base;
  }
}

// The extremum `e` with one operand more, whose terms no operand of `e` has: the
// usual step of a chain of them, without sorting all again. nullopt otherwise.
std::optional<Expr> ExprPoolRep::WithOperand(Expr e, Expr operand) {
  const absl::Span<const Expr> terms = ViewSum(operand).terms;
  for (const Expr& x : e.args()) {
    if (ViewSum(x).terms == terms) return std::nullopt;
  }
  ExprVector args(e.args().begin(), e.args().end());
  auto at = std::lower_bound(args.begin(), args.end(), operand, [](Expr x, Expr y) { return Expr::Compare(x, y) < 0; });
  args.insert(at, operand);
  return Intern(e.kind(), ExprType::kInt, args);
}

// Operands that differ by a constant only are one operand.
Expr ExprPoolRep::Extremum(ExprKind kind, absl::Span<const Expr> operands) {
  if (operands.size() == 2 && !operands[0].is_poison() && !operands[1].is_poison()) {
    const bool is_first = operands[0].kind() == kind;
    if (is_first != (operands[1].kind() == kind)) {
      std::optional<Expr> longer = WithOperand(operands[is_first ? 0 : 1], operands[is_first ? 1 : 0]);
      if (longer) return *longer;
    }
  }
  absl::flat_hash_map<Expr, int64_t> constants;
  ExprVector bases;
  auto add = [&](const Expr& e) {
    SumView sum = ViewSum(e);
    Expr base = sum.constant == 0 ? e : SumOf(sum.terms);
    auto [it, is_new] = constants.try_emplace(base, sum.constant);
    if (is_new) bases.push_back(base);
    if (kind == ExprKind::kMax ? sum.constant > it->second : sum.constant < it->second) it->second = sum.constant;
  };
  for (const Expr& e : operands) {
    if (e.is_poison()) return e;
    if (e.kind() != kind) {
      add(e);
    } else {
      for (const Expr& x : e.args()) add(x);
    }
  }
  ExprVector args;
  for (Expr base : bases) args.push_back(AddInts(base, InternInt(constants[base])));
  if (args.size() == 1) return args[0];
  std::sort(args.begin(), args.end(), [](Expr x, Expr y) { return Expr::Compare(x, y) < 0; });
  return Intern(kind, ExprType::kInt, args);
}

Expr ExprPool::Min(Expr a, Expr b) {
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (AnyFloat(a, b)) return Where(Lt(b, a), b, a);
  Expr args[] = {AsNumber(*this, a), AsNumber(*this, b)};
  return rep_->Extremum(ExprKind::kMin, args);
}

Expr ExprPool::Max(Expr a, Expr b) {
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (AnyFloat(a, b)) return Where(Lt(a, b), b, a);
  Expr args[] = {AsNumber(*this, a), AsNumber(*this, b)};
  return rep_->Extremum(ExprKind::kMax, args);
}

Expr ExprPool::Abs(Expr a) {
  if (a.type() == ExprType::kFloat) return Where(Lt(a, Float(0)), Neg(a), a);
  return Max(a, Neg(a));
}

// --- floats

Expr ExprPool::ToFloat(Expr a) {
  if (a.is_poison() || a.type() == ExprType::kFloat) return a;
  a = AsNumber(*this, a);
  if (std::optional<int64_t> c = a.AsInt()) return Float(static_cast<double>(*c));
  return rep_->Intern(ExprKind::kToFloat, ExprType::kFloat, {&a, 1});
}

Expr ExprPool::TrueDiv(Expr a, Expr b) {
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  a = AsNumber(*this, a);
  b = AsNumber(*this, b);
  if (AnyFloat(a, b)) {
    a = ToFloat(a);
    b = ToFloat(b);
    if (b.AsFloat() == 0.0) return MakePoison(PoisonReason::kDivisionByZero);
    if (a.AsFloat() && b.AsFloat()) return Float(*a.AsFloat() / *b.AsFloat());
    if (b.AsFloat() == 1.0) return a;
  } else {
    if (b.IsInt(0)) return MakePoison(PoisonReason::kDivisionByZero);
    if (a.AsInt() && b.AsInt()) return Float(*TrueDivInts(*a.AsInt(), *b.AsInt()));
    if (b.IsInt(1)) return ToFloat(a);
  }
  Expr args[] = {a, b};
  return rep_->Intern(ExprKind::kTrueDiv, ExprType::kFloat, args);
}

Expr ExprPool::FloatSqrt(Expr a) {
  a = ToFloat(a);
  if (a.is_poison()) return a;
  if (std::optional<double> f = a.AsFloat()) return *f < 0 ? Unsupported() : Float(std::sqrt(*f));
  return rep_->Intern(ExprKind::kFloatSqrt, ExprType::kFloat, {&a, 1});
}

Expr ExprPool::FloorToInt(Expr a) {
  Expr args[] = {a};
  return Make(ExprKind::kFloorToInt, args);
}
Expr ExprPool::CeilToInt(Expr a) {
  Expr args[] = {a};
  return Make(ExprKind::kCeilToInt, args);
}
Expr ExprPool::TruncToInt(Expr a) {
  Expr args[] = {a};
  return Make(ExprKind::kTruncToInt, args);
}

Expr ExprPool::RoundToInt(Expr a) {
  Expr args[] = {a};
  return Make(ExprKind::kRoundToInt, args);
}

Expr ExprPool::RoundDecimal(Expr a, Expr digits) {
  a = ToFloat(a);
  Expr poison;
  if (FirstPoison(a, digits, &poison)) return poison;
  std::optional<int64_t> n = digits.AsInt();
  if (!n) return Unsupported();
  if (std::optional<double> f = a.AsFloat()) {
    std::optional<double> rounded = RoundToDigits(*f, *n);
    return rounded ? Float(*rounded) : MakePoison(PoisonReason::kOverflow);
  }
  Expr args[] = {a, digits};
  return rep_->Intern(ExprKind::kRoundDecimal, ExprType::kFloat, args);
}

Expr ExprPool::Call(FloatFunction function, Expr a) {
  a = ToFloat(a);
  if (a.is_poison()) return a;
  if (std::optional<double> f = a.AsFloat()) {
    std::optional<double> result = CallFloatFunction(function, *f);
    return result ? Float(*result) : Unsupported();
  }
  Expr args[] = {Expr(static_cast<int64_t>(function)), a};
  return rep_->Intern(ExprKind::kFloatCall, ExprType::kFloat, args);
}

Expr ExprPool::IsInteger(Expr a) {
  if (a.is_poison()) return a;
  if (a.type() != ExprType::kFloat) return Expr::Bool(true);
  if (a.kind() == ExprKind::kToFloat) return Expr::Bool(true);
  if (std::optional<double> f = a.AsFloat()) return Expr::Bool(std::isfinite(*f) && std::floor(*f) == *f);
  return Eq(a, ToFloat(FloorToInt(a)));
}

// --- comparisons

Expr ExprPool::Eq(Expr a, Expr b) {
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (a.type() == ExprType::kBool && b.type() == ExprType::kBool) {
    if (a.AsBool()) return *a.AsBool() ? b : Not(b);
    if (b.AsBool()) return *b.AsBool() ? a : Not(a);
    return Or(And(a, b), And(Not(a), Not(b)));
  }
  if (!AnyFloat(a, b)) {
    if (a == b) return Expr::Bool(true);
    return rep_->CompareToZero(ExprKind::kEq, Sub(a, b));
  }
  Expr args[] = {ToFloat(a), ToFloat(b)};
  if (args[0].AsFloat() && args[1].AsFloat()) return Expr::Bool(*args[0].AsFloat() == *args[1].AsFloat());
  if (Expr::Compare(args[1], args[0]) < 0) std::swap(args[0], args[1]);
  return rep_->Intern(ExprKind::kEq, ExprType::kBool, args);
}

Expr ExprPool::Ne(Expr a, Expr b) { return Not(Eq(a, b)); }

Expr ExprPool::Lt(Expr a, Expr b) {
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (!AnyFloat(a, b)) return rep_->CompareToZero(ExprKind::kLe, Add(Sub(a, b), Expr(1)));
  Expr args[] = {ToFloat(a), ToFloat(b)};
  if (args[0].AsFloat() && args[1].AsFloat()) return Expr::Bool(*args[0].AsFloat() < *args[1].AsFloat());
  return rep_->Intern(ExprKind::kLt, ExprType::kBool, args);
}

Expr ExprPool::Le(Expr a, Expr b) {
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (!AnyFloat(a, b)) return rep_->CompareToZero(ExprKind::kLe, Sub(a, b));
  Expr args[] = {ToFloat(a), ToFloat(b)};
  if (args[0].AsFloat() && args[1].AsFloat()) return Expr::Bool(*args[0].AsFloat() <= *args[1].AsFloat());
  return rep_->Intern(ExprKind::kLe, ExprType::kBool, args);
}

Expr ExprPool::Where(Expr condition, Expr a, Expr b) {
  if (condition.is_poison()) return condition;
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (condition.type() != ExprType::kBool) return Unsupported();
  if (std::optional<bool> c = condition.AsBool()) return *c ? a : b;
  if (a == b) return a;
  if (a.type() == ExprType::kBool && b.type() == ExprType::kBool) {
    return Or(And(condition, a), And(Not(condition), b));
  }
  if (AnyFloat(a, b)) {
    a = ToFloat(a);
    b = ToFloat(b);
  }
  Expr args[] = {condition, AsNumber(*this, a), AsNumber(*this, b)};
  return rep_->Intern(ExprKind::kWhere, args[1].type(), args);
}

// --- by kind

namespace {

Expr MakeFloatBinary(ExprPool& pool, ExprPoolRep& rep, ExprKind kind, Expr a, Expr b) {
  a = pool.ToFloat(a);
  b = pool.ToFloat(b);
  Expr poison;
  if (FirstPoison(a, b, &poison)) return poison;
  if (a.AsFloat() && b.AsFloat()) {
    double x = *a.AsFloat(), y = *b.AsFloat();
    if (kind == ExprKind::kFloatAdd) return pool.Float(x + y);
    if (kind == ExprKind::kFloatMul) return pool.Float(x * y);
    return pool.Float(std::pow(x, y));
  }
  // x*1.0, x**1.0 are x whatever x is, NaN too; x + 0.0 is not, for -0.0.
  if (kind != ExprKind::kFloatAdd && b.AsFloat() == 1.0) return a;
  if (kind == ExprKind::kFloatMul && a.AsFloat() == 1.0) return b;
  // A sign flips without rounding, so -1.0*(-1.0*x) = x and -1.0*(c*x) = (-c)*x.
  if (kind == ExprKind::kFloatMul && b.AsFloat() == -1.0) std::swap(a, b);
  if (kind == ExprKind::kFloatMul && a.AsFloat() == -1.0 && b.kind() == ExprKind::kFloatMul && b.args()[0].AsFloat()) {
    return pool.Mul(pool.Float(-*b.args()[0].AsFloat()), b.args()[1]);
  }
  // Addition and multiplication commute, but do not associate.
  if (kind != ExprKind::kFloatPow && Expr::Compare(b, a) < 0) std::swap(a, b);
  Expr args[] = {a, b};
  return rep.Intern(kind, ExprType::kFloat, args);
}

Expr MakeRounding(ExprPool& pool, ExprPoolRep& rep, ExprKind kind, Expr a) {
  if (a.is_poison() || a.type() == ExprType::kInt) return a;
  if (a.type() == ExprType::kBool) return AsNumber(pool, a);
  if (std::optional<double> f = a.AsFloat()) {
    double rounded = kind == ExprKind::kFloorToInt  ? std::floor(*f)
                     : kind == ExprKind::kCeilToInt ? std::ceil(*f)
                     : kind == ExprKind::kRoundToInt ? RoundHalfEven(*f)
                                                     : std::trunc(*f);
    std::optional<int64_t> value = ToInt64(rounded);
    return value ? pool.Int(*value) : MakePoison(PoisonReason::kOverflow);
  }
  return rep.Intern(kind, ExprType::kInt, {&a, 1});
}

Expr MakeCall(ExprPool& pool, Expr function, Expr a) {
  std::optional<int64_t> number = function.AsInt();
  if (!number || *number < 0 || *number >= static_cast<int64_t>(FloatFunction::kCount)) return Unsupported();
  return pool.Call(static_cast<FloatFunction>(*number), a);
}

template <typename Fold>
Expr FoldArgs(absl::Span<const Expr> args, Fold&& fold) {
  Expr result = args[0];
  for (size_t i = 1; i < args.size(); ++i) result = fold(result, args[i]);
  return result;
}

size_t ArityOf(ExprKind kind) {
  switch (kind) {
    case ExprKind::kToFloat: case ExprKind::kFloatSqrt: case ExprKind::kFloorToInt:
    case ExprKind::kCeilToInt: case ExprKind::kTruncToInt: case ExprKind::kRoundToInt: case ExprKind::kNot:
      return 1;
    case ExprKind::kWhere:
      return 3;
    default:
      return 2;
  }
}

}  // namespace

Expr ExprPool::Make(ExprKind kind, absl::Span<const Expr> args) {
  switch (kind) {
    case ExprKind::kAdd:
      return Add(args);
    case ExprKind::kMul:
      return Mul(args);
    case ExprKind::kMin: case ExprKind::kMax:
      if (args.empty()) return Unsupported();
      if (AllInts(args)) return rep_->Extremum(kind, args);
      return FoldArgs(args, [&](Expr a, Expr b) { return kind == ExprKind::kMin ? Min(a, b) : Max(a, b); });
    case ExprKind::kAnd: case ExprKind::kOr:
      return Logic(kind, args);
    case ExprKind::kInt: case ExprKind::kFloat: case ExprKind::kBool: case ExprKind::kSymbol:
    case ExprKind::kPoison:
      return Unsupported();
    default:
      break;
  }
  if (args.size() != ArityOf(kind)) return Unsupported();
  switch (kind) {
    case ExprKind::kFloorDiv: return FloorDiv(args[0], args[1]);
    case ExprKind::kMod: return Mod(args[0], args[1]);
    case ExprKind::kCeilDiv: return CeilDiv(args[0], args[1]);
    case ExprKind::kPow: return Pow(args[0], args[1]);
    case ExprKind::kToFloat: return ToFloat(args[0]);
    case ExprKind::kTrueDiv: return TrueDiv(args[0], args[1]);
    case ExprKind::kFloatAdd: case ExprKind::kFloatMul: case ExprKind::kFloatPow:
      return MakeFloatBinary(*this, *rep_, kind, args[0], args[1]);
    case ExprKind::kFloatSqrt: return FloatSqrt(args[0]);
    case ExprKind::kFloorToInt: case ExprKind::kCeilToInt: case ExprKind::kTruncToInt: case ExprKind::kRoundToInt:
      return MakeRounding(*this, *rep_, kind, args[0]);
    case ExprKind::kIntPow: return Pow(args[0], args[1]);
    case ExprKind::kBitAnd: return BitAnd(args[0], args[1]);
    case ExprKind::kRoundDecimal: return RoundDecimal(args[0], args[1]);
    case ExprKind::kFloatCall: return MakeCall(*this, args[0], args[1]);
    case ExprKind::kEq: return Eq(args[0], args[1]);
    case ExprKind::kNe: return Ne(args[0], args[1]);
    case ExprKind::kLt: return Lt(args[0], args[1]);
    case ExprKind::kLe: return Le(args[0], args[1]);
    case ExprKind::kNot: return Not(args[0]);
    case ExprKind::kWhere: return Where(args[0], args[1], args[2]);
    default: return Unsupported();
  }
}

}  // namespace kiln
