// Taking in facts: equalities replace symbols, inequalities tighten ranges, and
// what is neither is kept for proofs.
#include "fake_runtime/symbolic/knowledge.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
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

// Replacements are brought up to date when they are asked for, those inside
// first: doing it for all symbols at each new replacement would be quadratic.
// The stack is explicit since a chain may be as long as there are symbols.
std::optional<Expr> Knowledge::ReplacementOf(Expr symbol) {
  auto it = symbols_.find(symbol);
  if (it == symbols_.end() || !it->second.replacement) return std::nullopt;
  auto find = [this](Expr s) -> Symbol* {
    auto at = symbols_.find(s);
    return at == symbols_.end() || !at->second.replacement ? nullptr : &at->second;
  };
  absl::InlinedVector<Expr, 8> pending = {symbol};
  absl::flat_hash_set<Expr> up_to_date;
  while (!pending.empty()) {
    Symbol& s = *find(pending.back());
    bool is_old = false;
    const size_t depth = pending.size();
    VisitSymbols(*s.replacement, [&](Expr inside) {
      if (find(inside) == nullptr) return;
      is_old = true;
      if (!up_to_date.contains(inside)) pending.push_back(inside);
    });
    if (pending.size() > depth) continue;
    if (is_old) {
      JournalReplacement(pending.back(), s);
      s.replacement = pool_.Substitute(*s.replacement, [&](Expr inside) {
        const Symbol* to = find(inside);
        return to == nullptr ? std::nullopt : to->replacement;
      });
      NoteReplacedWith(pending.back(), *s.replacement);
    }
    up_to_date.insert(pending.back());
    pending.pop_back();
  }
  return symbols_.find(symbol)->second.replacement;
}

std::vector<Expr> Knowledge::ReplacedBy(Expr by) {
  std::vector<Expr> result, pending = {by};
  absl::flat_hash_set<Expr> seen = {by};
  while (!pending.empty()) {
    Expr through = pending.back();
    pending.pop_back();
    auto it = replaced_with_.find(through);
    if (it == replaced_with_.end()) continue;
    // A copy: bringing a replacement up to date adds to the lists.
    const std::vector<Expr> symbols = it->second;
    for (Expr s : symbols) {
      if (!seen.insert(s).second) continue;
      pending.push_back(s);
      std::optional<Expr> to = ReplacementOf(s);
      if (to && to->Mentions(by) && CountSymbols(*to) == 1) result.push_back(s);
    }
  }
  std::sort(result.begin(), result.end(),
            [&](Expr a, Expr b) { return symbols_.at(a).order < symbols_.at(b).order; });
  return result;
}

int Knowledge::AddPromise(Expr condition) {
  condition = Simplify(condition);
  int number = static_cast<int>(promises_.size());
  promises_.push_back({condition});
  Journal([](Knowledge& k) { k.promises_.pop_back(); });
  has_assumptions_ = true;
  Add(condition, number);
  return number;
}

std::optional<Expr> Knowledge::Adopt(const Lean& lean) {
  if (lean.kind == Lean::kPromise) {
    Promise& promise = promises_[lean.promise];
    if (promise.adopted) return std::nullopt;
    promise.adopted = true;
    Journal([number = lean.promise](Knowledge& k) { k.promises_[number].adopted = false; });
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
  JournalEntry<&Knowledge::truths_>(condition);
  auto [it, is_new] = truths_.try_emplace(condition, promise);
  if (!is_new && it->second >= 0) it->second = promise;
  ++version_;
  simplified_.clear();
  if (is_new) {
    bool is_stale = false;
    VisitSymbols(condition, [&](Expr s) {
      conditions_of_[s].push_back(condition);
      JournalPush<&Knowledge::conditions_of_>(s);
      auto known = symbols_.find(s);
      is_stale |= known != symbols_.end() && known->second.replacement.has_value();
    });
    if (is_stale) {
      stale_.push_back(condition);
      Journal([](Knowledge& k) { k.stale_.pop_back(); });
    }
  }
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
  absl::InlinedVector<std::pair<int, Expr>, 8> candidates;
  for (const Expr& t : ViewSum(d).terms) {
    TermView term = ViewTerm(t);
    if (term.factors.size() != 1 || term.factors[0].kind() != ExprKind::kSymbol) continue;
    if (term.coefficient != 1 && term.coefficient != -1) continue;
    auto it = symbols_.find(term.factors[0]);
    if (it != symbols_.end()) candidates.emplace_back(it->second.order, term.factors[0]);
  }
  std::sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::optional<Expr> best;
  int best_order = -1;
  for (const auto& [order, symbol] : candidates) {
    std::optional<LinearForm> split = SplitLinear(pool_, d, symbol);
    // Another term may hold it as well: s0 + s0*s1.
    if (!split || (!split->coefficient.IsInt(1) && !split->coefficient.IsInt(-1))) continue;
    best = symbol;
    best_order = order;
    break;
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
    divisible_[left.args()[0]].push_back({left.args()[1], promise});
    JournalPush<&Knowledge::divisible_>(left.args()[0]);
  }
  if (std::optional<Expr> symbol = ChooseSymbol(d)) {
    LinearForm split = *SplitLinear(pool_, d, *symbol);
    Expr by = split.coefficient.IsInt(1) ? pool_.Neg(split.rest) : split.rest;
    if (!by.is_poison() && CountSymbols(by) <= kMaxReplacementSymbols) {
      if (promise < 0) return Replace(*symbol, by);
      symbol_promises_[*symbol].push_back({by, condition, promise});
      JournalPush<&Knowledge::symbol_promises_>(*symbol);
      return;
    }
  }
  bool is_atom = left.kind() != ExprKind::kAdd && left.kind() != ExprKind::kMul && left.kind() != ExprKind::kSymbol;
  if (is_atom) {
    JournalEntry<&Knowledge::rewrites_>(left);
    rewrites_[left] = {right, promise};
  }
  AddLinear(d, condition, promise);
  Expr negated = pool_.Neg(d);
  if (!negated.is_poison()) AddLinear(negated, condition, promise);
}

void Knowledge::AddLinear(Expr d, Expr condition, int promise) {
  const int index = static_cast<int>(linear_.size());
  linear_.push_back({d, promise});
  Journal([](Knowledge& k) { k.linear_.pop_back(); });
  linear_by_condition_[condition].push_back(index);
  JournalPush<&Knowledge::linear_by_condition_>(condition);
  for (const Expr& t : ViewSum(d).terms) {
    const uint64_t key = TermKey(ViewTerm(t));
    linear_by_term_[key].push_back(index);
    JournalPush<&Knowledge::linear_by_term_>(key);
  }
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
  AddLinear(d, condition, promise);
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
  JournalRange(symbol, s);
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

void Knowledge::NoteReplacedWith(Expr symbol, Expr by) {
  VisitSymbols(by, [&](Expr inside) {
    replaced_with_[inside].push_back(symbol);
    JournalPush<&Knowledge::replaced_with_>(inside);
  });
}

void Knowledge::Replace(Expr symbol, Expr by) {
  by = WithReplacements(by);
  Symbol& s = symbols_.at(symbol);
  if (s.replacement || by.is_poison() || by.Mentions(symbol)) return;
  JournalReplacement(symbol, s);
  s.replacement = by;
  NoteReplacedWith(symbol, by);
  if (auto it = conditions_of_.find(symbol); it != conditions_of_.end()) {
    JournalEntry<&Knowledge::conditions_of_>(symbol);
    Journal([size = stale_.size()](Knowledge& k) { k.stale_.resize(size); });
    stale_.insert(stale_.end(), it->second.begin(), it->second.end());
    conditions_of_.erase(it);
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
    Journal([](Knowledge& k) { k.promises_.pop_back(); });
    Add(condition, static_cast<int>(promises_.size()) - 1);
  };
  carry(known.lower, assumed.lower, true);
  carry(known.upper, assumed.upper, false);
  Refresh();
}

// Drops a condition and what it gave.
void Knowledge::Forget(Expr condition) {
  JournalEntry<&Knowledge::truths_>(condition);
  truths_.erase(condition);
  if (auto it = linear_by_condition_.find(condition); it != linear_by_condition_.end()) {
    JournalEntry<&Knowledge::linear_by_condition_>(condition);
    for (int i : it->second) {
      linear_[i].is_live = false;
      Journal([i](Knowledge& k) { k.linear_[i].is_live = true; });
    }
    linear_by_condition_.erase(it);
  }
  if (condition.kind() != ExprKind::kEq) return;
  Expr left = condition.args()[0], right = condition.args()[1];
  if (auto it = rewrites_.find(left); it != rewrites_.end() && it->second.to == right) {
    JournalEntry<&Knowledge::rewrites_>(left);
    rewrites_.erase(it);
  }
  if (auto it = divisible_.end(); left.kind() == ExprKind::kMod && right.IsInt(0) &&
                                  (it = divisible_.find(left.args()[0])) != divisible_.end()) {
    JournalEntry<&Knowledge::divisible_>(left.args()[0]);
    auto& facts = it->second;
    facts.erase(std::remove_if(facts.begin(), facts.end(),
                               [&](const Divisible& d) { return d.divisor == left.args()[1]; }),
                facts.end());
    if (facts.empty()) divisible_.erase(it);
  }
  VisitSymbols(condition, [&](Expr s) {
    auto it = symbol_promises_.find(s);
    if (it == symbol_promises_.end()) return;
    JournalEntry<&Knowledge::symbol_promises_>(s);
    auto& promises = it->second;
    promises.erase(std::remove_if(promises.begin(), promises.end(),
                                  [&](const SymbolPromise& p) { return p.condition == condition; }),
                   promises.end());
    if (promises.empty()) symbol_promises_.erase(it);
  });
}

// Brings the facts that mention replaced symbols up to date. Facts that simplify
// may become replacements themselves, hence the loop.
void Knowledge::Refresh() {
  if (is_refreshing_) return;
  is_refreshing_ = true;
  for (int round = 0; !stale_.empty() && round < kMaxRefreshes; ++round) {
    std::vector<Expr> conditions = std::exchange(stale_, {});
    if (is_journaling_) Journal([conditions](Knowledge& k) { k.stale_ = conditions; });
    // The order in which symbols were replaced is no order: facts must be taken
    // in the same way everywhere.
    std::sort(conditions.begin(), conditions.end(), [](Expr a, Expr b) { return Expr::Compare(a, b) < 0; });
    conditions.erase(std::unique(conditions.begin(), conditions.end()), conditions.end());
    std::vector<std::pair<Expr, int>> changed;
    for (Expr condition : conditions) {
      auto it = truths_.find(condition);
      if (it == truths_.end()) continue;
      Expr now = WithReplacements(condition);
      if (now != condition) changed.emplace_back(now, it->second);
      if (now != condition) Forget(condition);
    }
    // What a changed condition gave is given anew by adding it again.
    for (auto& [condition, promise] : changed) Add(condition, promise);
  }
  is_refreshing_ = false;
}

}  // namespace kiln
