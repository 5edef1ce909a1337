#include "fake_runtime/symbolic/testing/naive_expr.h"

#include <algorithm>

namespace kiln {
namespace {

int64_t FloorDiv(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

}  // namespace

std::optional<int64_t> NaiveExpr::Evaluate(const std::vector<int64_t>& values) const {
  if (kind == ExprKind::kInt) return value;
  if (kind == ExprKind::kSymbol) return values[symbol];
  std::vector<int64_t> v;
  for (const auto& arg : args) {
    std::optional<int64_t> x = arg->Evaluate(values);
    if (!x) return std::nullopt;
    v.push_back(*x);
  }
  switch (kind) {
    case ExprKind::kAdd: return v[0] + v[1];
    case ExprKind::kMul: return v[0] * v[1];
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

Expr NaiveExpr::Build(ExprPool& pool, const std::vector<Expr>& symbols) const {
  if (kind == ExprKind::kInt) return pool.Int(value);
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
