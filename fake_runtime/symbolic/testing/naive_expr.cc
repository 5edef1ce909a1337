#include "fake_runtime/symbolic/testing/naive_expr.h"

#include <algorithm>
#include <cmath>

namespace kiln {
namespace {

int64_t FloorDiv(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

// Values beyond this have none: the canonical form may overflow on its way.
constexpr int64_t kLargest = int64_t{1} << 24;

std::optional<int64_t> Small(__int128 v) {
  if (v > kLargest || v < -kLargest) return std::nullopt;
  return static_cast<int64_t>(v);
}

std::optional<int64_t> Power(int64_t base, int64_t exponent) {
  // No test needs the 65th power, not even of 1.
  if (exponent < 0 || exponent > 64) return std::nullopt;
  __int128 result = 1;
  for (int64_t i = 0; i < exponent; ++i) {
    result *= base;
    if (!Small(result)) return std::nullopt;
  }
  return static_cast<int64_t>(result);
}

// Bit by bit.
int64_t And(int64_t a, int64_t b) {
  int64_t result = 0;
  for (int bit = 0; bit < 64; ++bit) {
    if ((a >> bit & 1) && (b >> bit & 1)) result |= static_cast<int64_t>(uint64_t{1} << bit);
  }
  return result;
}

std::optional<int64_t> Rounded(ExprKind kind, double x) {
  if (!(std::abs(x) < kLargest)) return std::nullopt;
  switch (kind) {
    case ExprKind::kFloorToInt: return static_cast<int64_t>(std::floor(x));
    case ExprKind::kCeilToInt: return static_cast<int64_t>(std::ceil(x));
    // The processor's own rounding, to even unless told otherwise.
    case ExprKind::kRoundToInt: return static_cast<int64_t>(std::nearbyint(x));
    default: return static_cast<int64_t>(x);
  }
}

bool IsRounding(ExprKind kind) {
  return kind == ExprKind::kFloorToInt || kind == ExprKind::kCeilToInt || kind == ExprKind::kTruncToInt ||
         kind == ExprKind::kRoundToInt;
}

}  // namespace

std::optional<int64_t> NaiveExpr::Evaluate(const std::vector<int64_t>& values) const {
  if (kind == ExprKind::kInt) return value;
  if (kind == ExprKind::kSymbol) return values[symbol];
  if (IsRounding(kind)) {
    std::optional<double> x = args[0]->EvaluateFloat(values);
    return x ? Rounded(kind, *x) : std::nullopt;
  }
  std::vector<int64_t> v;
  for (const auto& arg : args) {
    std::optional<int64_t> x = arg->Evaluate(values);
    if (!x) return std::nullopt;
    v.push_back(*x);
  }
  switch (kind) {
    case ExprKind::kAdd: return Small(__int128{v[0]} + v[1]);
    case ExprKind::kMul: return Small(__int128{v[0]} * v[1]);
    case ExprKind::kMin: return std::min(v[0], v[1]);
    case ExprKind::kMax: return std::max(v[0], v[1]);
    case ExprKind::kFloorDiv:
      if (v[1] == 0) return std::nullopt;
      return FloorDiv(v[0], v[1]);
    case ExprKind::kMod:
      if (v[1] == 0) return std::nullopt;
      return v[0] - v[1] * FloorDiv(v[0], v[1]);
    case ExprKind::kCeilDiv:
      if (v[1] == 0) return std::nullopt;
      return -FloorDiv(-v[0], v[1]);
    case ExprKind::kIntPow: return Power(v[0], v[1]);
    case ExprKind::kBitAnd: return And(v[0], v[1]);
    case ExprKind::kEq: return v[0] == v[1];
    case ExprKind::kNe: return v[0] != v[1];
    case ExprKind::kLt: return v[0] < v[1];
    case ExprKind::kLe: return v[0] <= v[1];
    case ExprKind::kAnd: return v[0] && v[1];
    case ExprKind::kOr: return v[0] || v[1];
    case ExprKind::kNot: return !v[0];
    case ExprKind::kWhere: return v[0] ? v[1] : v[2];
    default: return std::nullopt;
  }
}

std::optional<double> NaiveExpr::EvaluateFloat(const std::vector<int64_t>& values) const {
  if (kind == ExprKind::kFloat) return number;
  if (kind == ExprKind::kToFloat) {
    std::optional<int64_t> x = args[0]->Evaluate(values);
    return x ? std::optional<double>(*x) : std::nullopt;
  }
  if (kind == ExprKind::kTrueDiv) {
    std::optional<int64_t> a = args[0]->Evaluate(values), b = args[1]->Evaluate(values);
    if (!a || !b || *b == 0) return std::nullopt;
    return static_cast<double>(*a) / static_cast<double>(*b);
  }
  std::optional<double> a = args[0]->EvaluateFloat(values);
  if (!a) return std::nullopt;
  if (kind == ExprKind::kFloatSqrt) return *a < 0 ? std::nullopt : std::optional<double>(std::sqrt(*a));
  std::optional<double> b = args[1]->EvaluateFloat(values);
  if (!b) return std::nullopt;
  return kind == ExprKind::kFloatAdd ? *a + *b : *a * *b;
}

Expr NaiveExpr::Build(ExprPool& pool, const std::vector<Expr>& symbols) const {
  if (kind == ExprKind::kInt) return pool.Int(value);
  if (kind == ExprKind::kFloat) return pool.Float(number);
  if (kind == ExprKind::kSymbol) return symbols[symbol];
  std::vector<Expr> built;
  for (const auto& arg : args) built.push_back(arg->Build(pool, symbols));
  return pool.Make(kind, built);
}

std::unique_ptr<NaiveExpr> NaiveExprMaker::Integer(int depth) {
  auto e = std::make_unique<NaiveExpr>();
  if (depth == 0 || Roll(0, 5) == 0) {
    if (Roll(0, 2) == 0) {
      e->value = Roll(-9, 9);
    } else {
      e->kind = ExprKind::kSymbol;
      e->symbol = static_cast<int>(Roll(0, num_symbols_ - 1));
    }
    return e;
  }
  if (kinds_ >= NaiveKinds::kBits && Roll(0, 5) == 0) return Bits(depth);
  if (kinds_ >= NaiveKinds::kEverything && Roll(0, 5) == 0) return Rounded(depth);
  constexpr ExprKind kKinds[] = {ExprKind::kAdd, ExprKind::kAdd, ExprKind::kAdd, ExprKind::kMul, ExprKind::kMul,
                                 ExprKind::kFloorDiv, ExprKind::kFloorDiv, ExprKind::kMod, ExprKind::kMod,
                                 ExprKind::kCeilDiv, ExprKind::kMin, ExprKind::kMax, ExprKind::kWhere};
  e->kind = kKinds[Roll(0, std::size(kKinds) - 1)];
  if (e->kind == ExprKind::kWhere) e->args.push_back(Condition(depth - 1));
  e->args.push_back(Integer(depth - 1));
  bool divides = e->kind == ExprKind::kFloorDiv || e->kind == ExprKind::kMod || e->kind == ExprKind::kCeilDiv;
  // Constant divisors have most of the rules.
  if (divides && Roll(0, 2) != 0) {
    e->args.push_back(std::make_unique<NaiveExpr>());
    e->args.back()->value = Roll(-4, 12);
  } else {
    e->args.push_back(Integer(depth - 1));
  }
  return e;
}

std::unique_ptr<NaiveExpr> NaiveExprMaker::Bits(int depth) {
  auto e = std::make_unique<NaiveExpr>();
  e->kind = Roll(0, 2) == 0 ? ExprKind::kIntPow : ExprKind::kBitAnd;
  e->args.push_back(Integer(depth - 1));
  e->args.push_back(Integer(depth - 1));
  if (e->kind == ExprKind::kIntPow && Roll(0, 1)) {
    e->args[0] = std::make_unique<NaiveExpr>();
    e->args[0]->value = Roll(-2, 3);
  }
  return e;
}

std::unique_ptr<NaiveExpr> NaiveExprMaker::Rounded(int depth) {
  constexpr ExprKind kRoundings[] = {ExprKind::kFloorToInt, ExprKind::kCeilToInt, ExprKind::kTruncToInt,
                                     ExprKind::kRoundToInt};
  auto e = std::make_unique<NaiveExpr>();
  e->kind = kRoundings[Roll(0, 3)];
  e->args.push_back(Float(depth));
  return e;
}

std::unique_ptr<NaiveExpr> NaiveExprMaker::Float(int depth) {
  constexpr ExprKind kKinds[] = {ExprKind::kFloat,    ExprKind::kToFloat,  ExprKind::kTrueDiv, ExprKind::kFloatAdd,
                                 ExprKind::kFloatMul, ExprKind::kFloatMul, ExprKind::kFloatSqrt};
  auto e = std::make_unique<NaiveExpr>();
  e->kind = kKinds[Roll(0, depth > 0 ? std::size(kKinds) - 1 : 1)];
  switch (e->kind) {
    case ExprKind::kFloat:
      // Scale factors: halves, thirds, and exactly 1 and -1.
      e->number = Roll(0, 1) ? static_cast<double>(Roll(-6, 6)) / 2 : static_cast<double>(Roll(-6, 6)) / 3;
      return e;
    case ExprKind::kToFloat:
      e->args.push_back(Integer(depth > 0 ? depth - 1 : 0));
      return e;
    case ExprKind::kTrueDiv:
      e->args.push_back(Integer(depth - 1));
      e->args.push_back(Integer(depth - 1));
      return e;
    case ExprKind::kFloatSqrt:
      e->args.push_back(Float(depth - 1));
      return e;
    default:
      e->args.push_back(Float(depth - 1));
      e->args.push_back(Float(depth - 1));
      return e;
  }
}

std::unique_ptr<NaiveExpr> NaiveExprMaker::Condition(int depth) {
  auto e = std::make_unique<NaiveExpr>();
  constexpr ExprKind kRelations[] = {ExprKind::kEq, ExprKind::kNe, ExprKind::kLt, ExprKind::kLe};
  constexpr ExprKind kLogic[] = {ExprKind::kAnd, ExprKind::kOr, ExprKind::kNot};
  if (depth > 1 && Roll(0, 3) == 0) {
    e->kind = kLogic[Roll(0, 2)];
    e->args.push_back(Condition(depth - 1));
    if (e->kind != ExprKind::kNot) e->args.push_back(Condition(depth - 1));
    return e;
  }
  e->kind = kRelations[Roll(0, 3)];
  e->args.push_back(Integer(depth > 0 ? depth - 1 : 0));
  e->args.push_back(Integer(depth > 0 ? depth - 1 : 0));
  return e;
}

}  // namespace kiln
