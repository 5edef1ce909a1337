// Proofs from what is known; knowledge.h says how they go.
#include <algorithm>
#include <numeric>

#include "base/checked_int.h"
#include "fake_runtime/symbolic/expr_node.h"
#include "fake_runtime/symbolic/knowledge.h"
#include "fake_runtime/symbolic/simplify_known.h"

namespace kiln {
namespace {

constexpr int kProofDepth = 3;
// Proof steps of one decision.
constexpr int kProofBudget = 400;

int64_t Gcd(int64_t a, int64_t b) {
  if (a == ValueRange::kMin || b == ValueRange::kMin) return 1;
  return std::gcd(a, b);
}

// How many times `fact` must be subtracted from `d` for one term to vanish;
// 0 if none does.
int64_t Multiplier(const Expr& d, const Expr& fact) {
  for (const Expr& f : ViewSum(fact).terms) {
    TermView in_fact = ViewTerm(f);
    for (const Expr& t : ViewSum(d).terms) {
      TermView in_d = ViewTerm(t);
      if ((in_d.coefficient > 0) != (in_fact.coefficient > 0)) continue;
      if (CheckedMod(in_d.coefficient, in_fact.coefficient) != 0) continue;
      if (CompareMonomials(in_d, in_fact) != 0) continue;
      return in_d.coefficient / in_fact.coefficient;
    }
  }
  return 0;
}

}  // namespace

ValueRange Knowledge::Bound(Expr e, Level level, Trail* trail) const {
  pool_.Spend(TreeSizeOf(e));
  return BoundOf(e, [&](Expr symbol) -> ValueRange {
    auto it = symbols_.find(symbol);
    if (it == symbols_.end()) return {};
    const Symbol& s = it->second;
    ValueRange range = s.known;
    if (level >= Level::kLowerBounds && s.assumed.lower > s.known.lower) {
      range.lower = s.assumed.lower;
      trail->push_back({Lean::kLower, symbol});
    }
    if (level >= Level::kEverything && s.assumed.upper < s.known.upper) {
      range.upper = s.assumed.upper;
      trail->push_back({Lean::kUpper, symbol});
    }
    return range;
  });
}

ValueRange Knowledge::RangeOf(Expr e) {
  Trail unused;
  return Bound(WithReplacements(e), Level::kKnown, &unused);
}

int64_t Knowledge::DivisorOf(Expr e, Level level, Trail* trail) const {
  if (std::optional<int64_t> c = e.AsInt()) return *c == ValueRange::kMin ? 1 : std::abs(*c);
  if (e.kind() == ExprKind::kAdd) {
    int64_t g = 0;
    for (Expr t : e.args()) {
      g = Gcd(g, DivisorOf(t, level, trail));
      if (g == 1) return 1;
    }
    return g;
  }
  if (e.kind() == ExprKind::kMul) {
    int64_t product = 1;
    for (Expr f : e.args()) {
      std::optional<int64_t> next = CheckedMul(product, DivisorOf(f, level, trail));
      if (!next) return product;
      product = *next;
    }
    return product;
  }
  int64_t result = 1;
  auto facts = divisible_.find(e);
  if (facts == divisible_.end()) return 1;
  for (const Divisible& fact : facts->second) {
    if (!Usable(fact.promise, level)) continue;
    std::optional<int64_t> d = fact.divisor.AsInt();
    if (!d || *d == 0 || *d == ValueRange::kMin) continue;
    std::optional<int64_t> both = CheckedMul(result / Gcd(result, *d), std::abs(*d));
    if (!both || *both == result) continue;
    result = *both;
    LeanOn(fact.promise, trail);
  }
  return result;
}

bool Knowledge::KnownDivisible(Expr dividend, Expr divisor, Level level, Trail* trail) const {
  if (divisible_.empty()) return false;
  if (auto facts = divisible_.find(dividend); facts != divisible_.end()) {
    for (const Divisible& fact : facts->second) {
      if (fact.divisor != divisor || !Usable(fact.promise, level)) continue;
      LeanOn(fact.promise, trail);
      return true;
    }
  }
  std::optional<int64_t> d = divisor.AsInt();
  if (!d) return false;
  size_t mark = trail->size();
  if (DivisorOf(dividend, level, trail) % *d == 0) return true;
  // A sum may be divisible up to terms that a fact covers as a whole.
  trail->resize(mark);
  return false;
}

bool Knowledge::ProveNonPositive(Expr d, Level level, int depth, Trail* trail) {
  if (d.is_poison() || --budget_ < 0 || pool_.exhausted()) return false;
  if (std::optional<int64_t> c = d.AsInt()) return *c <= 0;
  size_t mark = trail->size();
  if (Bound(d, level, trail).upper <= 0) return true;
  trail->resize(mark);
  if (depth == 0) return false;
  if (ProveByCases(d, level, depth, trail)) return true;
  trail->resize(mark);
  if (ProveByFacts(d, level, depth, trail)) return true;
  trail->resize(mark);
  return false;
}

// c*Max(a, b) + r <= 0: for c > 0 with both in its place, for c < 0 with either;
// Min the other way round. c*(x//q) + r <= 0: q times it, where q*(x//q) lies
// in [x - q + 1, x].
bool Knowledge::ProveByCases(Expr d, Level level, int depth, Trail* trail) {
  for (const Expr& t : ViewSum(d).terms) {
    TermView term = ViewTerm(t);
    if (term.factors.size() != 1) continue;
    Expr atom = term.factors[0];
    auto with = [&](Expr value) {
      return pool_.Add(pool_.Sub(d, t), pool_.Mul(pool_.Int(term.coefficient), value));
    };
    if (atom.kind() == ExprKind::kMax || atom.kind() == ExprKind::kMin) {
      bool all = (atom.kind() == ExprKind::kMax) == (term.coefficient > 0);
      size_t mark = trail->size();
      bool proven = all;
      for (Expr value : atom.args()) {
        bool holds = ProveNonPositive(with(value), level, depth - 1, trail);
        proven = holds;
        if (holds != all) break;
      }
      if (proven) return true;
      trail->resize(mark);
    }
    if (atom.kind() == ExprKind::kFloorDiv) {
      std::optional<int64_t> q = atom.args()[1].AsInt();
      if (!q || *q < 1) continue;
      Expr times_q = term.coefficient > 0 ? atom.args()[0] : pool_.Sub(atom.args()[0], pool_.Int(*q - 1));
      Expr scaled = pool_.Add(pool_.Mul(pool_.Sub(d, t), pool_.Int(*q)),
                              pool_.Mul(pool_.Int(term.coefficient), times_q));
      if (ProveNonPositive(scaled, level, depth - 1, trail)) return true;
    }
  }
  return false;
}

bool Knowledge::ProveByFacts(Expr d, Level level, int depth, Trail* trail) {
  if (linear_.empty()) return false;
  absl::InlinedVector<int, 8> candidates;
  for (const Expr& t : ViewSum(d).terms) {
    auto it = linear_by_term_.find(TermKey(ViewTerm(t)));
    if (it != linear_by_term_.end()) candidates.insert(candidates.end(), it->second.begin(), it->second.end());
  }
  // Older facts first, each once.
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  pool_.Spend(static_cast<int64_t>(candidates.size()));
  for (int i : candidates) {
    if (budget_ < 0 || pool_.exhausted()) return false;
    // By value: proving interns expressions, but adds no facts.
    const LinearFact fact = linear_[i];
    if (!fact.is_live || !Usable(fact.promise, level)) continue;
    int64_t times = Multiplier(d, fact.d);
    if (times == 0) continue;
    Expr rest = pool_.Sub(d, pool_.Mul(pool_.Int(times), fact.d));
    size_t mark = trail->size();
    LeanOn(fact.promise, trail);
    if (ProveNonPositive(rest, level, depth - 1, trail)) return true;
    trail->resize(mark);
  }
  return false;
}

Expr Knowledge::DropPositiveFactors(Expr d, Level level, Trail* trail) {
  SumView sum = ViewSum(d);
  if (sum.constant != 0 || sum.terms.empty()) return d;
  for (Expr factor : ViewTerm(sum.terms[0]).factors) {
    Expr base = ViewPower(factor).base;
    if (base.kind() == ExprKind::kAdd) continue;
    Expr quotient = pool_.FloorDiv(d, base);
    if (quotient.is_poison() || pool_.Mul(quotient, base) != d) continue;
    size_t mark = trail->size();
    if (Bound(base, level, trail).lower >= 1) return DropPositiveFactors(quotient, level, trail);
    trail->resize(mark);
  }
  return d;
}

bool Knowledge::ProveNonZero(Expr d, Level level, Trail* trail) {
  size_t mark = trail->size();
  // No multiple of g is -constant.
  SumView sum = ViewSum(d);
  if (sum.constant != 0 && !divisible_.empty()) {
    int64_t g = DivisorOf(pool_.Sub(d, pool_.Int(sum.constant)), level, trail);
    if (g > 1 && sum.constant % g != 0) return true;
    trail->resize(mark);
  }
  if (ProveNonPositive(pool_.Add(d, Expr(1)), level, kProofDepth, trail)) return true;
  trail->resize(mark);
  if (ProveNonPositive(pool_.Sub(Expr(1), d), level, kProofDepth, trail)) return true;
  trail->resize(mark);
  return false;
}

std::optional<bool> Knowledge::DecideEquality(Expr d, Level level, Trail* trail) {
  d = DropPositiveFactors(d, level, trail);
  if (std::optional<int64_t> c = d.AsInt()) return *c == 0;
  size_t mark = trail->size();
  if (ProveNonZero(d, level, trail)) return false;
  if (ProveNonPositive(d, level, kProofDepth, trail) &&
      ProveNonPositive(pool_.Neg(d), level, kProofDepth, trail)) {
    return true;
  }
  trail->resize(mark);
  // The condition without its positive factors may be a fact as it stands.
  Expr condition = pool_.Eq(d, Expr(0));
  for (bool value : {true, false}) {
    auto it = truths_.find(value ? condition : pool_.Not(condition));
    if (it == truths_.end() || !Usable(it->second, level)) continue;
    LeanOn(it->second, trail);
    return value;
  }
  return std::nullopt;
}

std::optional<bool> Knowledge::DecideLogic(Expr condition, Level level, Trail* trail) {
  bool is_and = condition.kind() == ExprKind::kAnd;
  bool known = true;
  for (Expr c : condition.args()) {
    size_t mark = trail->size();
    std::optional<bool> truth = DecideAt(c, level, trail);
    if (!truth) {
      trail->resize(mark);
      known = false;
    } else if (*truth != is_and) {
      return !is_and;
    }
  }
  if (!known) return std::nullopt;
  return is_and;
}

std::optional<bool> Knowledge::DecideAt(Expr condition, Level level, Trail* trail) {
  if (std::optional<bool> b = condition.AsBool()) return b;
  if (condition.is_poison()) return std::nullopt;
  size_t mark = trail->size();
  for (bool value : {true, false}) {
    auto it = truths_.find(value ? condition : pool_.Not(condition));
    if (it == truths_.end() || !Usable(it->second, level)) continue;
    LeanOn(it->second, trail);
    return value;
  }
  std::optional<bool> result;
  ExprKind kind = condition.kind();
  if (kind == ExprKind::kAnd || kind == ExprKind::kOr) {
    result = DecideLogic(condition, level, trail);
  } else if (!condition.args().empty() && condition.args()[0].type() == ExprType::kInt) {
    Expr d = pool_.Sub(condition.args()[0], condition.args()[1]);
    if (d.is_poison()) return std::nullopt;
    if (kind == ExprKind::kEq || kind == ExprKind::kNe) {
      result = DecideEquality(d, level, trail);
      if (result && kind == ExprKind::kNe) result = !*result;
    } else {
      d = DropPositiveFactors(d, level, trail);
      // a < b as a + 1 <= b holds for the factor dropped, too.
      if (kind == ExprKind::kLt) d = pool_.Add(d, Expr(1));
      if (ProveNonPositive(d, level, kProofDepth, trail)) return true;
      if (ProveNonPositive(pool_.Sub(Expr(1), d), level, kProofDepth, trail)) return false;
    }
  }
  if (!result && !condition.args().empty() && condition.args()[0].type() == ExprType::kFloat) {
    const ValueRange truth = Bound(condition, level, trail);
    if (truth.singleton()) result = truth.lower == 1;
  }
  if (!result) trail->resize(mark);
  return result;
}

Expr Knowledge::SimplifyCondition(Expr condition, Trail* trail) {
  Expr e = Simplify(condition);
  if (e.args().size() != 2 || e.args()[0].type() != ExprType::kInt) return e;
  Expr d = pool_.Sub(e.args()[0], e.args()[1]);
  if (d.is_poison()) return e;
  Expr reduced = DropPositiveFactors(d, Level::kLowerBounds, trail);
  if (reduced == d) return e;
  Expr args[] = {reduced, Expr(0)};
  return pool_.Make(e.kind(), args);
}

std::optional<bool> Knowledge::Decide(Expr condition, Trail* trail) {
  if (std::optional<bool> b = condition.AsBool()) return b;
  auto it = decisions_.find(condition);
  if (it != decisions_.end() && (it->second.value || it->second.version == version_)) {
    return it->second.value;
  }
  Expr simple = Simplify(condition);
  std::optional<bool> result = simple.AsBool();
  int last = has_assumptions_ ? static_cast<int>(Level::kEverything) : 0;
  for (int level = 0; level <= last && !result; ++level) {
    trail->clear();
    budget_ = kProofBudget;
    Level l = static_cast<Level>(level);
    Expr c = simple;
    if (l == Level::kEverything && !(symbol_promises_.empty() && rewrites_.empty() && divisible_.empty())) {
      absl::flat_hash_map<Expr, Expr> memo;
      c = Simplifier(*this, l, trail, &memo).Visit(simple);
      budget_ = kProofBudget;
    }
    result = DecideAt(c, l, trail);
  }
  if (!result) trail->clear();
  decisions_[condition] = {version_, result};
  return result;
}

}  // namespace kiln
