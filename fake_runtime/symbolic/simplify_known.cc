#include "fake_runtime/symbolic/simplify_known.h"

#include "absl/container/inlined_vector.h"
#include "fake_runtime/symbolic/expr_node.h"

namespace kiln {

Expr Simplifier::Visit(Expr e) {
  if (!e.has_symbols()) return e;
  if (e.kind() == ExprKind::kSymbol) return VisitSymbol(e);
  auto it = memo_.find(e);
  if (it != memo_.end()) return it->second;
  pool_.Spend(1 + static_cast<int64_t>(e.args().size()));
  ExprVector args;
  bool changed = false;
  for (Expr a : e.args()) {
    args.push_back(Visit(a));
    changed |= args.back() != a;
  }
  Expr result = changed ? pool_.Make(e.kind(), args) : e;
  Expr applied = Apply(result);
  // A rule may uncover another place for a rule; each makes the expression
  // smaller, so this ends.
  if (applied != result && !applied.is_poison()) applied = Visit(applied);
  memo_[e] = applied;
  return applied;
}

Expr Simplifier::VisitSymbol(Expr symbol) {
  if (std::optional<Expr> to = knowledge_.ReplacementOf(symbol)) return *to;
  if (level_ != Knowledge::Level::kEverything) return symbol;
  auto promises = knowledge_.symbol_promises_.find(symbol);
  if (promises == knowledge_.symbol_promises_.end()) return symbol;
  for (const auto& promise : promises->second) {
    if (promise.to.Mentions(symbol)) continue;
    knowledge_.LeanOn(promise.promise, trail_);
    return promise.to;
  }
  return symbol;
}

bool Simplifier::Prove(Expr d) {
  size_t mark = trail_->size();
  if (knowledge_.ProveNonPositive(d, level_, 1, trail_)) return true;
  trail_->resize(mark);
  return false;
}

Expr Simplifier::Apply(Expr e) {
  if (!e.has_symbols()) return e;
  if (e.kind() != ExprKind::kSymbol && !knowledge_.rewrites_.empty()) {
    auto it = knowledge_.rewrites_.find(e);
    if (it != knowledge_.rewrites_.end() && knowledge_.Usable(it->second.promise, level_) &&
        !it->second.to.Mentions(e)) {
      knowledge_.LeanOn(it->second.promise, trail_);
      return it->second.to;
    }
  }
  switch (e.kind()) {
    case ExprKind::kFloorDiv: case ExprKind::kMod:
      return ApplyToDivision(e);
    case ExprKind::kMin: case ExprKind::kMax:
      return ApplyToExtremum(e);
    case ExprKind::kMul:
      return ApplyToProduct(e);
    case ExprKind::kAnd: case ExprKind::kOr:
      return ApplyToLogic(e);
    case ExprKind::kWhere: {
      std::optional<bool> c = knowledge_.DecideAt(e.args()[0], level_, trail_);
      return c ? (*c ? e.args()[1] : e.args()[2]) : e;
    }
    default:
      return e;
  }
}

// `a` without the terms that are multiples of the constant `b` in fact.
std::optional<Expr> Simplifier::DropMultiples(Expr a, Expr b) {
  std::optional<int64_t> d = b.AsInt();
  if (!d || a.kind() != ExprKind::kAdd || knowledge_.divisible_.empty()) return std::nullopt;
  ExprVector others;
  for (Expr t : a.args()) {
    size_t mark = trail_->size();
    if (knowledge_.DivisorOf(t, level_, trail_) % *d == 0) continue;
    trail_->resize(mark);
    others.push_back(t);
  }
  if (others.size() == a.args().size()) return std::nullopt;
  return pool_.Add(others);
}

Expr Simplifier::ApplyToDivision(Expr e) {
  Expr a = e.args()[0], b = e.args()[1];
  bool is_mod = e.kind() == ExprKind::kMod;
  if (is_mod && knowledge_.KnownDivisible(a, b, level_, trail_)) return Expr(0);
  if (std::optional<Expr> smaller = is_mod ? DropMultiples(a, b) : std::nullopt) return pool_.Mod(*smaller, b);
  // 0 <= a < b.
  size_t mark = trail_->size();
  if (Prove(pool_.Neg(a)) && Prove(pool_.Add(pool_.Sub(a, b), Expr(1)))) return is_mod ? a : Expr(0);
  trail_->resize(mark);
  if (is_mod) return e;
  // (x // p) // q = x // (p*q) for q > 0.
  if (a.kind() == ExprKind::kFloorDiv && Prove(pool_.Sub(Expr(1), b))) {
    Expr product = pool_.Mul(a.args()[1], b);
    if (!product.is_poison()) return pool_.FloorDiv(a.args()[0], product);
  }
  return e;
}

// Drops the operands that are never the largest (smallest). All pairs are tried
// among a few; among many, those whose range says so, and pairs that share a
// symbol: trying all would be quadratic in a size that grows with the graph.
Expr Simplifier::ApplyToExtremum(Expr e) {
  constexpr size_t kMaxTriedAgainstAll = 8;
  const bool is_max = e.kind() == ExprKind::kMax;
  const absl::Span<const Expr> args = e.args();
  auto without = [&](size_t i) {
    ExprVector others(args.begin(), args.end());
    others.erase(others.begin() + i);
    return pool_.Make(e.kind(), others);
  };
  // With all others as they are, is args[i] never the larger (smaller) one?
  auto is_dominated = [&](size_t i, size_t j) {
    Expr d = is_max ? pool_.Sub(args[i], args[j]) : pool_.Sub(args[j], args[i]);
    return !d.is_poison() && Prove(d);
  };
  if (args.size() <= kMaxTriedAgainstAll) {
    for (size_t i = 0; i < args.size(); ++i) {
      for (size_t j = 0; j < args.size(); ++j) {
        if (i != j && is_dominated(i, j)) return without(i);
      }
    }
    return e;
  }
  if (std::optional<size_t> i = DominatedByRange(e)) return without(*i);
  absl::flat_hash_map<Expr, absl::InlinedVector<size_t, 4>> with_symbol;
  for (size_t i = 0; i < args.size(); ++i) {
    VisitSymbols(args[i], [&](Expr s) { with_symbol[s].push_back(i); });
  }
  for (size_t i = 0; i < args.size(); ++i) {
    std::optional<size_t> dominating;
    VisitSymbols(args[i], [&](Expr s) {
      for (size_t j : with_symbol[s]) {
        if (j + kMaxTriedAgainstAll < i || i + kMaxTriedAgainstAll < j) continue;
        if (!dominating && i != j && is_dominated(i, j)) dominating = j;
      }
    });
    if (dominating) return without(i);
  }
  return e;
}

// An operand whose range ends before another one's begins.
std::optional<size_t> Simplifier::DominatedByRange(Expr e) {
  const bool is_max = e.kind() == ExprKind::kMax;
  const absl::Span<const Expr> args = e.args();
  absl::InlinedVector<ValueRange, 16> ranges;
  Knowledge::Trail unused;
  for (Expr a : args) ranges.push_back(knowledge_.Bound(a, Knowledge::Level::kKnown, &unused));
  size_t best = 0;
  for (size_t i = 1; i < args.size(); ++i) {
    if (is_max ? ranges[i].lower > ranges[best].lower : ranges[i].upper < ranges[best].upper) best = i;
  }
  for (size_t i = 0; i < args.size(); ++i) {
    if (i == best) continue;
    if (is_max ? ranges[i].upper <= ranges[best].lower : ranges[best].upper <= ranges[i].lower) return i;
  }
  return std::nullopt;
}

// c * (x // d) * f, where d divides c*f as written and x in fact, is c/d * x * f.
Expr Simplifier::ApplyToProduct(Expr e) {
  TermView term = ViewTerm(e);
  for (size_t i = 0; i < term.factors.size(); ++i) {
    if (term.factors[i].kind() != ExprKind::kFloorDiv) continue;
    Expr x = term.factors[i].args()[0], d = term.factors[i].args()[1];
    size_t mark = trail_->size();
    if (!knowledge_.KnownDivisible(x, d, level_, trail_)) continue;
    ExprVector others(term.factors.begin(), term.factors.end());
    others.erase(others.begin() + i);
    others.push_back(pool_.Int(term.coefficient));
    Expr rest = pool_.Mul(others);
    if (!rest.is_poison() && pool_.Mod(rest, d).IsInt(0)) return pool_.Mul(pool_.FloorDiv(rest, d), x);
    trail_->resize(mark);
  }
  return e;
}

Expr Simplifier::ApplyToLogic(Expr e) {
  bool is_and = e.kind() == ExprKind::kAnd;
  ExprVector left;
  for (Expr c : e.args()) {
    std::optional<bool> truth = knowledge_.DecideAt(c, level_, trail_);
    if (!truth) {
      left.push_back(c);
    } else if (*truth != is_and) {
      return Expr::Bool(!is_and);
    }
  }
  if (left.size() == e.args().size()) return e;
  return left.empty() ? Expr::Bool(is_and) : pool_.Make(e.kind(), left);
}

Expr Knowledge::Simplify(Expr e) {
  if (!e.has_symbols()) return e;
  Trail trail;
  budget_ = 400;
  return Simplifier(*this, Level::kKnown, &trail, &simplified_).Visit(e);
}

}  // namespace kiln
