// Taking in facts: equalities replace symbols, inequalities tighten ranges, and
// what is neither is kept for proofs.
#include "fake_runtime/symbolic/knowledge.h"

#include <algorithm>

#include "fake_runtime/symbolic/expr_node.h"

namespace kiln {
namespace {

// Equalities may set off others; a chain longer than this only loses facts.
constexpr int kMaxRefreshes = 32;
// PyTorch's bound on what may stand for a symbol, and a little more.
constexpr int kMaxReplacementSymbols = 8;

constexpr int kReplaceFirst = 1 << 20;

int CountSymbols(Expr e) {
  int count = 0;
  VisitSymbols(e, [&](Expr) { ++count; });
  return count;
}

}  // namespace

void Knowledge::AddSymbol(Expr symbol, ValueRange known, ValueRange assumed, bool replace_first) {
  Symbol s;
  s.known = known;
  s.assumed = known.Intersect(assumed);
  // Those to be replaced first come last in the order.
  s.order = static_cast<int>(symbol_order_.size()) + (replace_first ? kReplaceFirst : 0);
  has_assumptions_ |= s.assumed != s.known;
  symbols_[symbol] = s;
  symbol_order_.push_back(symbol);
  ++version_;
  if (known.singleton()) Replace(symbol, pool_.Int(known.lower));
}

std::optional<Expr> Knowledge::ReplacementOf(Expr symbol) const {
  auto it = symbols_.find(symbol);
  return it == symbols_.end() ? std::nullopt : it->second.replacement;
}

std::vector<Expr> Knowledge::ReplacedBy(Expr by) const {
  std::vector<Expr> result;
  for (Expr s : symbol_order_) {
    const std::optional<Expr>& to = symbols_.at(s).replacement;
    if (to && to->Mentions(by) && CountSymbols(*to) == 1) result.push_back(s);
  }
  return result;
}

int Knowledge::AddPromise(Expr condition) {
  condition = Simplify(condition);
  int number = static_cast<int>(promises_.size());
  promises_.push_back({condition});
  has_assumptions_ = true;
  Add(condition, number);
  return number;
}

std::optional<Expr> Knowledge::Adopt(const Lean& lean) {
  if (lean.kind == Lean::kPromise) {
    Promise& promise = promises_[lean.promise];
    if (promise.adopted) return std::nullopt;
    promise.adopted = true;
    Expr condition = promise.condition;
    AddFact(condition);
    return condition;
  }
  Symbol& s = symbols_.at(lean.symbol);
  bool is_lower = lean.kind == Lean::kLower;
  int64_t end = is_lower ? s.assumed.lower : s.assumed.upper;
  if (end == (is_lower ? s.known.lower : s.known.upper)) return std::nullopt;
  Expr bound = pool_.Int(end);
  Expr condition = is_lower ? pool_.Le(bound, lean.symbol) : pool_.Le(lean.symbol, bound);
  AddFact(condition);
  return condition;
}

void Knowledge::Add(Expr condition, int promise) {
  if (condition.AsBool() || condition.is_poison()) return;
  if (condition.kind() == ExprKind::kAnd) {
    for (Expr c : condition.args()) Add(c, promise);
    return;
  }
  auto [it, is_new] = truths_.try_emplace(condition, promise);
  if (!is_new && it->second >= 0) it->second = promise;
  ++version_;
  simplified_.clear();
  if (condition.args().empty() || condition.args()[0].type() != ExprType::kInt) return;
  switch (condition.kind()) {
    case ExprKind::kEq: return AddEquality(condition, promise);
    case ExprKind::kNe: return AddDisequality(condition, promise);
    case ExprKind::kLe: case ExprKind::kLt: return AddInequality(condition, promise);
    default: return;
  }
}

// The symbol of `d` = 0 to solve for: linear with coefficient 1 or -1, the last
// in order.
std::optional<Expr> Knowledge::ChooseSymbol(Expr d) const {
  std::optional<Expr> best;
  int best_order = -1;
  for (const Expr& t : ViewSum(d).terms) {
    TermView term = ViewTerm(t);
    if (term.factors.size() != 1 || term.factors[0].kind() != ExprKind::kSymbol) continue;
    if (term.coefficient != 1 && term.coefficient != -1) continue;
    Expr symbol = term.factors[0];
    auto it = symbols_.find(symbol);
    if (it == symbols_.end() || it->second.order <= best_order) continue;
    std::optional<LinearForm> split = SplitLinear(pool_, d, symbol);
    // Another term may hold it as well: s0 + s0*s1.
    if (!split || (!split->coefficient.IsInt(1) && !split->coefficient.IsInt(-1))) continue;
    best = symbol;
    best_order = it->second.order;
  }
  if (!best || best_order >= kReplaceFirst) return best;
  // A size that the client sees never becomes one that it cannot see.
  bool hides = false;
  VisitSymbols(d, [&](Expr s) {
    auto it = symbols_.find(s);
    hides |= it == symbols_.end() || it->second.order >= kReplaceFirst;
  });
  return hides ? std::nullopt : best;
}

void Knowledge::AddEquality(Expr condition, int promise) {
  Expr left = condition.args()[0], right = condition.args()[1];
  Expr d = pool_.Sub(left, right);
  if (d.is_poison()) return;
  if (left.kind() == ExprKind::kMod && right.IsInt(0)) {
    divisible_.push_back({left.args()[0], left.args()[1], promise});
  }
  if (std::optional<Expr> symbol = ChooseSymbol(d)) {
    LinearForm split = *SplitLinear(pool_, d, *symbol);
    Expr by = split.coefficient.IsInt(1) ? pool_.Neg(split.rest) : split.rest;
    if (!by.is_poison() && CountSymbols(by) <= kMaxReplacementSymbols) {
      if (promise < 0) return Replace(*symbol, by);
      symbol_promises_.push_back({*symbol, by, promise});
      return;
    }
  }
  bool is_atom = left.kind() != ExprKind::kAdd && left.kind() != ExprKind::kMul && left.kind() != ExprKind::kSymbol;
  if (is_atom) rewrites_[left] = {right, promise};
  linear_.push_back({d, promise});
  Expr negated = pool_.Neg(d);
  if (!negated.is_poison()) linear_.push_back({negated, promise});
}

void Knowledge::AddInequality(Expr condition, int promise) {
  Expr d = pool_.Sub(condition.args()[0], condition.args()[1]);
  if (condition.kind() == ExprKind::kLt) d = pool_.Add(d, Expr(1));
  if (d.is_poison()) return;
  SumView sum = ViewSum(d);
  if (sum.terms.size() == 1) {
    TermView term = ViewTerm(sum.terms[0]);
    bool is_symbol = term.factors.size() == 1 && symbols_.contains(term.factors[0]);
    if (is_symbol && term.coefficient == 1) {
      return TightenRange(term.factors[0], {ValueRange::kMin, -sum.constant}, promise);
    }
    if (is_symbol && term.coefficient == -1) {
      return TightenRange(term.factors[0], {sum.constant, ValueRange::kMax}, promise);
    }
  }
  linear_.push_back({d, promise});
}

void Knowledge::AddDisequality(Expr condition, int promise) {
  Expr symbol = condition.args()[0];
  std::optional<int64_t> value = condition.args()[1].AsInt();
  auto it = symbols_.find(symbol);
  if (!value || it == symbols_.end()) return;
  // An end of the range that is excluded moves inwards.
  ValueRange range = promise < 0 ? it->second.known : it->second.assumed;
  if (range.lower == *value && *value != ValueRange::kMin) {
    TightenRange(symbol, {*value + 1, ValueRange::kMax}, promise);
  } else if (range.upper == *value && *value != ValueRange::kMax) {
    TightenRange(symbol, {ValueRange::kMin, *value - 1}, promise);
  }
}

void Knowledge::TightenRange(Expr symbol, ValueRange range, int promise) {
  Symbol& s = symbols_.at(symbol);
  if (s.replacement) return;
  s.assumed = s.assumed.Intersect(range);
  if (promise < 0) s.known = s.known.Intersect(range);
  has_assumptions_ |= s.assumed != s.known;
  ++version_;
  simplified_.clear();
  if (s.known.empty()) return;
  if (s.known.singleton()) return Replace(symbol, pool_.Int(s.known.lower));
  // The new end may be excluded by an older fact.
  for (int64_t end : {s.known.lower, s.known.upper}) {
    if (end == ValueRange::kMin || end == ValueRange::kMax) continue;
    auto it = truths_.find(pool_.Ne(symbol, pool_.Int(end)));
    if (it != truths_.end() && it->second < 0) return AddDisequality(it->first, -1);
  }
}

void Knowledge::Replace(Expr symbol, Expr by) {
  Symbol& s = symbols_.at(symbol);
  if (s.replacement || by.Mentions(symbol)) return;
  s.replacement = by;
  auto one = [&](Expr x) { return x == symbol ? std::optional<Expr>(by) : std::nullopt; };
  for (Expr other : symbol_order_) {
    std::optional<Expr>& to = symbols_.at(other).replacement;
    if (to && other != symbol) to = pool_.Substitute(*to, one);
  }
  ++version_;
  simplified_.clear();
  ValueRange known = s.known, assumed = s.assumed;
  // What was known of the symbol holds for what stands for it.
  auto carry = [&](int64_t end, int64_t assumed_end, bool is_lower) {
    auto bound = [&](int64_t v) { return is_lower ? pool_.Le(pool_.Int(v), by) : pool_.Le(by, pool_.Int(v)); };
    if (end != ValueRange::kMin && end != ValueRange::kMax) Add(bound(end), -1);
    if (assumed_end == end) return;
    Expr condition = bound(assumed_end);
    if (condition.AsBool()) return;
    promises_.push_back({condition});
    Add(condition, static_cast<int>(promises_.size()) - 1);
  };
  carry(known.lower, assumed.lower, true);
  carry(known.upper, assumed.upper, false);
  Refresh();
}

// Brings every fact up to date with the replacements. Facts that simplify may
// become replacements themselves, hence the loop.
void Knowledge::Refresh() {
  stale_ = true;
  if (refreshing_ > 0) return;
  ++refreshing_;
  for (int round = 0; stale_ && round < kMaxRefreshes; ++round) {
    stale_ = false;
    std::vector<std::pair<Expr, int>> facts(truths_.begin(), truths_.end());
    // Hash order is no order: facts must be taken in the same way everywhere.
    std::sort(facts.begin(), facts.end(), [](const auto& a, const auto& b) {
      return Expr::Compare(a.first, b.first) < 0;
    });
    auto replace = [this](Expr symbol) { return ReplacementOf(symbol); };
    std::vector<std::pair<Expr, int>> changed;
    for (auto& [condition, promise] : facts) {
      Expr now = pool_.Substitute(condition, replace);
      if (now == condition) continue;
      truths_.erase(condition);
      changed.emplace_back(now, promise);
    }
    // What a changed condition gave is given anew by adding it again.
    auto changes = [&](Expr e) { return pool_.Substitute(e, replace) != e; };
    std::erase_if(linear_, [&](const LinearFact& f) { return changes(f.d); });
    std::erase_if(divisible_, [&](const Divisible& d) { return changes(d.dividend) || changes(d.divisor); });
    std::erase_if(symbol_promises_, [&](const SymbolPromise& p) { return changes(p.symbol) || changes(p.to); });
    absl::erase_if(rewrites_, [&](const auto& r) { return changes(r.first) || changes(r.second.to); });
    for (auto& [condition, promise] : changed) Add(condition, promise);
  }
  --refreshing_;
}

}  // namespace kiln
