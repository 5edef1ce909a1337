#include "fake_runtime/symbolic/simplify_known.h"

#include <algorithm>
#include <numeric>

#include "absl/container/inlined_vector.h"
#include "fake_runtime/symbolic/expr_node.h"

namespace kiln {
namespace {

constexpr size_t kFewOperands = 8;

// By the filters of symbols: no for most that share none, yes for all that do.
bool MayShareSymbols(Expr a, Expr b) {
  const ExprNode *x = ExprNode::Of(a), *y = ExprNode::Of(b);
  return x != nullptr && y != nullptr && (x->symbol_mask & y->symbol_mask) != 0;
}

}  // namespace

Expr Simplifier::Visit(Expr e) {
  if (!e.has_symbols()) return e;
  if (e.kind() == ExprKind::kSymbol) return VisitSymbol(e);
  auto it = memo_.find(e);
  if (it != memo_.end()) return it->second;
  pool_.Spend(1 + static_cast<int64_t>(e.args().size()));
  ExprVector args(e.args().begin(), e.args().end());
  bool changed = false;
  auto visit = [&](size_t i) {
    const Expr before = args[i];
    args[i] = Visit(before);
    changed |= args[i] != before;
  };
  if (std::optional<Indices> unsettled = Unsettled(e)) {
    for (size_t i : *unsettled) visit(i);
  } else {
    for (size_t i = 0; i < args.size(); ++i) visit(i);
  }
  Expr result = changed ? pool_.Make(e.kind(), args) : e;
  Expr applied = Apply(result);
  // A rule may uncover another place for a rule. Rules make expressions smaller, but
  // facts of a client may lead back to `e`; what became of it so far ends the walk then.
  memo_[e] = applied;
  if (applied != result && !applied.is_poison()) {
    applied = Visit(applied);
    memo_[e] = applied;
  }
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
// among a few; among many, those whose range says so, and neighbours that share a
// symbol: trying all would be quadratic in a size that grows with the graph.
Expr Simplifier::ApplyToExtremum(Expr e) {
  const absl::Span<const Expr> args = e.args();
  std::optional<size_t> dominated;
  if (args.size() > kFewOperands) {
    dominated = DominatedOfMany(e);
  } else {
    for (size_t i = 0; i < args.size() && !dominated; ++i) {
      for (size_t j = 0; j < args.size() && !dominated; ++j) {
        if (i != j && IsDominated(e, i, j)) dominated = i;
      }
    }
  }
  if (!dominated) return e;
  ExprVector others(args.begin(), args.end());
  others.erase(others.begin() + *dominated);
  return pool_.Make(e.kind(), others);
}

// With all others as they are, is operand i never the larger (smaller) of i and j?
bool Simplifier::IsDominated(Expr e, size_t i, size_t j) {
  const Expr a = e.args()[i], b = e.args()[j];
  const Expr d = e.kind() == ExprKind::kMax ? pool_.Sub(a, b) : pool_.Sub(b, a);
  return !d.is_poison() && Prove(d);
}

std::optional<size_t> Simplifier::DominatedOfMany(Expr e) {
  const absl::Span<const Expr> args = e.args();
  std::optional<Indices> unsettled = Unsettled(e);
  int64_t end = 0;
  if (std::optional<size_t> i = DominatedByRange(e, unsettled, &end)) return i;
  if (!unsettled) {
    unsettled.emplace(args.size());
    std::iota(unsettled->begin(), unsettled->end(), 0);
  }
  for (size_t i : *unsettled) {
    const size_t last = std::min(args.size() - 1, i + kFewOperands);
    for (size_t j = i > kFewOperands ? i - kFewOperands : 0; j <= last; ++j) {
      if (i == j || !MayShareSymbols(args[i], args[j])) continue;
      if (IsDominated(e, i, j)) return i;
      if (IsDominated(e, j, i)) return j;
    }
  }
  if (level_ == Knowledge::Level::kKnown) {
    knowledge_.settled_[e.kind() == ExprKind::kMax] = {e, knowledge_.version_, end};
  }
  return std::nullopt;
}

// The operands of `e` that a settled extremum lacks, if `e` has all of its own.
std::optional<Simplifier::Indices> Simplifier::Unsettled(Expr e) const {
  if (level_ != Knowledge::Level::kKnown) return std::nullopt;
  if (e.kind() != ExprKind::kMax && e.kind() != ExprKind::kMin) return std::nullopt;
  const Knowledge::Settled& settled = knowledge_.settled_[e.kind() == ExprKind::kMax];
  if (settled.version != knowledge_.version_ || e.args().size() < settled.e.args().size()) return std::nullopt;
  Indices unsettled;
  size_t found = 0;
  const absl::Span<const Expr> args = e.args(), old = settled.e.args();
  for (size_t i = 0; i < args.size(); ++i) {
    if (found < old.size() && args[i] == old[found]) {
      ++found;
    } else {
      unsettled.push_back(i);
    }
  }
  if (old.empty() || found < old.size()) return std::nullopt;
  return unsettled;
}

// An operand whose range ends before another one's begins. `end` becomes the
// largest lower end of a Max, the least upper end of a Min.
std::optional<size_t> Simplifier::DominatedByRange(Expr e, const std::optional<Indices>& unsettled, int64_t* end) {
  const bool is_max = e.kind() == ExprKind::kMax;
  const absl::Span<const Expr> args = e.args();
  Knowledge::Trail unused;
  auto range_of = [&](size_t i) { return knowledge_.Bound(args[i], Knowledge::Level::kKnown, &unused); };
  auto end_of = [&](const ValueRange& range) { return is_max ? range.lower : range.upper; };
  auto is_better = [&](int64_t a, int64_t b) { return is_max ? a > b : a < b; };
  if (unsettled) {
    *end = knowledge_.settled_[is_max].end;
    bool moves_end = false;
    for (size_t i : *unsettled) {
      const ValueRange range = range_of(i);
      if (is_max ? range.upper <= *end : *end <= range.lower) return i;
      moves_end |= is_better(end_of(range), *end);
    }
    if (!moves_end) return std::nullopt;
  }
  absl::InlinedVector<ValueRange, 16> ranges;
  size_t best = 0;
  for (size_t i = 0; i < args.size(); ++i) {
    ranges.push_back(range_of(i));
    // Of equals the last: a constant comes first, and goes where it equals the end.
    if (!is_better(end_of(ranges[best]), end_of(ranges[i]))) best = i;
  }
  *end = end_of(ranges[best]);
  for (size_t i = 0; i < args.size(); ++i) {
    if (i != best && (is_max ? ranges[i].upper <= *end : *end <= ranges[i].lower)) return i;
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
