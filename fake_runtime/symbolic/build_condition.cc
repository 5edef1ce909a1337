// Canonical booleans.
//
// An integer comparison is arranged from its difference d = T + c, T without a
// constant: divided by the greatest common divisor of T's coefficients, terms
// with a negative coefficient moved to the right. So `2*s0 - 6 == 0` is
// `s0 == 3`, `s0 > 5` is `6 <= s0`, and `s0 + 1 <= s1` is `s0 < s1`.
// Negation is pushed inwards; only float comparisons keep a Not.
#include <algorithm>
#include <numeric>

#include "absl/container/flat_hash_set.h"
#include "base/checked_int.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/expr_node.h"
#include "fake_runtime/symbolic/value_range.h"

namespace kiln {
namespace {

bool Less(Expr a, Expr b) { return Expr::Compare(a, b) < 0; }

int64_t Content(const SumView& sum) {
  int64_t g = 0;
  for (const Expr& t : sum.terms) {
    int64_t c = ViewTerm(t).coefficient;
    if (c == ValueRange::kMin) return 1;
    g = std::gcd(g, c);
  }
  return g;
}

void Flatten(ExprKind kind, Expr e, ExprVector& out) {
  if (e.kind() != kind) {
    out.push_back(e);
    return;
  }
  out.insert(out.end(), e.args().begin(), e.args().end());
}

void SortUnique(ExprVector& v) {
  std::sort(v.begin(), v.end(), Less);
  v.erase(std::unique(v.begin(), v.end()), v.end());
}

}  // namespace

Expr ExprPoolRep::CompareToZero(ExprKind kind, Expr d) {
  if (d.is_poison()) return d;
  SumView sum = ViewSum(d);
  bool is_eq = kind != ExprKind::kLe;
  if (sum.terms.empty()) {
    bool holds = is_eq ? (sum.constant == 0) == (kind == ExprKind::kEq) : sum.constant <= 0;
    return Expr::Bool(holds);
  }
  if (HasDivision(d)) {
    ValueRange range = BoundOf(d, [](Expr) { return ValueRange(); });
    if (is_eq && !range.Contains(0)) return Expr::Bool(kind == ExprKind::kNe);
    if (!is_eq && range.upper <= 0) return Expr::Bool(true);
    if (!is_eq && range.lower > 0) return Expr::Bool(false);
  }
  int64_t g = Content(sum);
  if (is_eq && ViewTerm(sum.terms[0]).coefficient < 0) g = -g;
  std::optional<int64_t> negated = CheckedSub(0, sum.constant);
  if (!negated) return MakePoison(PoisonReason::kOverflow);
  if (is_eq && *negated % g != 0) return Expr::Bool(kind == ExprKind::kNe);
  std::optional<int64_t> bound = CheckedFloorDiv(*negated, g);
  if (!bound) return MakePoison(PoisonReason::kOverflow);

  // T/g <= bound, with T/g = left - right.
  ExprVector left, right;
  for (const Expr& t : sum.terms) {
    TermView term = ViewTerm(t);
    int64_t c = term.coefficient / g;
    (c > 0 ? left : right).push_back(Term(c > 0 ? c : -c, term.factors));
  }
  ExprKind result = kind;
  Expr a = SumOf(left), b = SumOf(right);
  if (!is_eq && left.empty()) {
    std::optional<int64_t> lower = CheckedSub(0, *bound);
    if (!lower) return MakePoison(PoisonReason::kOverflow);
    a = InternInt(*lower);
  } else if (!is_eq && !right.empty() && *bound == -1) {
    result = ExprKind::kLt;
  } else if (!b.is_poison()) {
    b = AddInts(b, InternInt(*bound));
  }
  if (a.is_poison()) return a;
  if (b.is_poison()) return b;
  Expr args[] = {a, b};
  return Intern(result, ExprType::kBool, args);
}

Expr ExprPool::Not(Expr a) {
  if (a.is_poison()) return a;
  if (a.type() != ExprType::kBool) return MakePoison(PoisonReason::kUnsupported);
  if (std::optional<bool> value = a.AsBool()) return Expr::Bool(!*value);
  absl::Span<const Expr> args = a.args();
  switch (a.kind()) {
    case ExprKind::kNot:
      return args[0];
    case ExprKind::kEq:
      return rep_->Intern(ExprKind::kNe, ExprType::kBool, args);
    case ExprKind::kNe:
      return rep_->Intern(ExprKind::kEq, ExprType::kBool, args);
    case ExprKind::kLt:
      if (args[0].type() == ExprType::kInt) return Le(args[1], args[0]);
      break;
    case ExprKind::kLe:
      if (args[0].type() == ExprType::kInt) return Lt(args[1], args[0]);
      break;
    case ExprKind::kAnd:
    case ExprKind::kOr: {
      ExprVector negated;
      for (Expr e : args) negated.push_back(Not(e));
      return Logic(a.kind() == ExprKind::kAnd ? ExprKind::kOr : ExprKind::kAnd, negated);
    }
    default:
      break;
  }
  return rep_->Intern(ExprKind::kNot, ExprType::kBool, {&a, 1});
}

// And and Or of any number of conditions at once. `deciding` is the operand
// that decides alone: false for And, true for Or.
Expr ExprPool::Logic(ExprKind kind, absl::Span<const Expr> operands) {
  bool deciding = kind == ExprKind::kOr;
  ExprVector args;
  bool decided = false;
  for (Expr e : operands) {
    if (e.is_poison()) return e;
    if (e.type() != ExprType::kBool) return MakePoison(PoisonReason::kUnsupported);
    std::optional<bool> value = e.AsBool();
    decided |= value == deciding;
    if (!value) Flatten(kind, e, args);
  }
  if (decided) return Expr::Bool(deciding);
  if (args.empty()) return Expr::Bool(!deciding);
  SortUnique(args);
  if (args.size() == 1) return args[0];
  // A condition and its opposite.
  absl::flat_hash_set<Expr> all(args.begin(), args.end());
  for (Expr e : args) {
    if (all.contains(Not(e))) return Expr::Bool(deciding);
  }
  return rep_->Intern(kind, ExprType::kBool, args);
}

Expr ExprPool::And(Expr a, Expr b) {
  Expr args[] = {a, b};
  return Logic(ExprKind::kAnd, args);
}

Expr ExprPool::Or(Expr a, Expr b) {
  Expr args[] = {a, b};
  return Logic(ExprKind::kOr, args);
}

}  // namespace kiln
