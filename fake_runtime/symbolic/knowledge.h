// What is known about symbols, and the proofs from it. ShapeEnv's inside: it
// has no hints and makes no guards.
//
// There are two kinds of knowledge. What is *known* (a symbol's nature, guards,
// used assumptions) may be leaned on freely. What is merely *assumed* (the
// client's promises) costs a guard when a decision leans on it, so decisions
// try in three levels: what is known; with assumed lower bounds ("s0 is at
// least 2"), which nearly every test needs; with everything. The trail of a
// decision lists the assumptions that it leaned on, and the caller makes them
// known with `Adopt`.
//
// A proof shows d <= 0 for an integer expression d, by interval arithmetic, by
// cases on Max, Min and FloorDiv, and by subtracting known d' <= 0. Two steps of
// the last kind make comparisons transitive. The search is bounded by a budget,
// so a decision's cost is, too; what is not proven is "unknown", never wrong.
//
// What was added since a mark can be taken back, the newest first: asking what
// follows without one of many facts needs no second set of all others.
//
// Not thread-safe.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_KNOWLEDGE_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_KNOWLEDGE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/value_range.h"

namespace kiln {

class Knowledge {
 public:
  enum class Level : uint8_t { kKnown, kLowerBounds, kEverything };

  // One assumption that a decision leaned on.
  struct Lean {
    enum Kind : uint8_t { kLower, kUpper, kPromise } kind;
    Expr symbol;       // kLower, kUpper
    int promise = -1;  // kPromise
  };
  using Trail = absl::InlinedVector<Lean, 4>;

  explicit Knowledge(ExprPool* pool) : pool_(*pool) {}

  // `known` by nature; `assumed`, inside it, by promise. Later symbols are
  // replaced by earlier ones, `replace_first` ones before all others.
  void AddSymbol(Expr symbol, ValueRange known, ValueRange assumed, bool replace_first);
  bool HasSymbol(Expr symbol) const { return symbols_.contains(symbol); }

  // A fact that holds from now on.
  void AddFact(Expr condition) { Add(condition, -1); }
  // A fact that may be leaned on at a price. Returns its number, or -1 for one
  // that became a symbol's assumed bound.
  int AddPromise(Expr condition);
  // Makes the assumption known; returns its condition, nullopt if it was known.
  std::optional<Expr> Adopt(const Lean& lean);

  // From the first call on changes are journaled, so that `TakeBack` can undo all
  // since the mark, at the cost of making them. Symbols must be added before.
  size_t Mark();
  void TakeBack(size_t mark);

  // The truth of `condition` at the first level that has it.
  std::optional<bool> Decide(Expr condition, Trail* trail);
  // `e` by what is known.
  Expr Simplify(Expr e);
  // `condition` simplified, common factors divided out that are positive by
  // what is known or by assumed lower bounds, which go to `trail`.
  Expr SimplifyCondition(Expr condition, Trail* trail);
  // By what is known.
  ValueRange RangeOf(Expr e);
  // What stands for `symbol`, if anything.
  std::optional<Expr> ReplacementOf(Expr symbol);
  // Symbols whose replacement is `by` alone or that `by` determines.
  std::vector<Expr> ReplacedBy(Expr by);

 private:
  friend class Simplifier;

  struct Symbol {
    ValueRange known;
    ValueRange assumed;
    int order = 0;
    // May mention symbols that were replaced since; `ReplacementOf` brings it
    // up to date.
    std::optional<Expr> replacement;
  };
  // d <= 0; `promise` >= 0 where that is only assumed. Dead when the condition
  // that it came from has changed.
  struct LinearFact {
    Expr d;
    int promise;
    bool is_live = true;
  };
  // `from` always equals `to`. `from` is no symbol.
  struct Rewrite {
    Expr to;
    int promise;
  };
  struct Divisible {
    Expr divisor;
    int promise;
  };
  struct Promise {
    Expr condition;
    bool adopted = false;
  };
  // A large Max or Min of simple operands, none of which can be dropped by what
  // is known in `version`: one with more operands tries the others only. `end`:
  // what an operand of a Max must be able to exceed, of a Min to stay below.
  struct Settled {
    Expr e;
    uint64_t version = 0;
    int64_t end = 0;
  };
  struct SymbolPromise {
    Expr to, condition;
    int promise;
  };

  // --- taking back (knowledge_journal.cc). Each goes right before or after the
  // change that it undoes, so undoing in reverse order finds what it expects.
  using Undo = std::function<void(Knowledge&)>;
  template <typename U>
  void Journal(U&& undo) {
    if (is_journaling_) journal_.emplace_back(std::forward<U>(undo));
  }
  // Journals that `key` of the map `member` gets back what it has now, or goes.
  template <auto member, typename Key>
  void JournalEntry(Key key);
  // Journals that the list at `key` loses its last element, and goes if that was
  // the only one.
  template <auto member, typename Key>
  void JournalPush(Key key);
  void JournalReplacement(Expr symbol, const Symbol& s);
  void JournalRange(Expr symbol, const Symbol& s);

  // --- facts (knowledge.cc)
  void Add(Expr condition, int promise);
  void AddEquality(Expr condition, int promise);
  void AddInequality(Expr condition, int promise);
  void AddDisequality(Expr condition, int promise);
  void TightenRange(Expr symbol, ValueRange range, int promise);
  void AddLinear(Expr d, Expr condition, int promise);
  void Replace(Expr symbol, Expr by);
  Expr WithReplacements(Expr e) {
    return pool_.Substitute(e, [this](Expr s) { return ReplacementOf(s); });
  }
  void NoteReplacedWith(Expr symbol, Expr by);
  void Forget(Expr condition);
  void Refresh();
  std::optional<Expr> ChooseSymbol(Expr d) const;
  bool Usable(int promise, Level level) const {
    return promise < 0 || level == Level::kEverything || promises_[promise].adopted;
  }
  void LeanOn(int promise, Trail* trail) const {
    if (promise >= 0 && !promises_[promise].adopted) trail->push_back({Lean::kPromise, Expr(), promise});
  }

  // --- proofs (decide.cc)
  std::optional<bool> DecideAt(Expr condition, Level level, Trail* trail);
  std::optional<bool> DecideLogic(Expr condition, Level level, Trail* trail);
  std::optional<bool> DecideEquality(Expr d, Level level, Trail* trail);
  bool ProveNonPositive(Expr d, Level level, int depth, Trail* trail);
  bool ProveByCases(Expr d, Level level, int depth, Trail* trail);
  bool ProveByFacts(Expr d, Level level, int depth, Trail* trail);
  bool ProveNonZero(Expr d, Level level, Trail* trail);
  // d without common factors that are known positive.
  Expr DropPositiveFactors(Expr d, Level level, Trail* trail);
  ValueRange Bound(Expr e, Level level, Trail* trail) const;
  // An integer that divides every value of `e`; 0 for 0 itself.
  int64_t DivisorOf(Expr e, Level level, Trail* trail) const;
  bool KnownDivisible(Expr dividend, Expr divisor, Level level, Trail* trail) const;

  ExprPool& pool_;
  absl::flat_hash_map<Expr, Symbol> symbols_;
  std::vector<Expr> symbol_order_;
  std::vector<LinearFact> linear_;
  // By monomial and sign: the facts that have such a term, and by condition:
  // those that came from it.
  absl::flat_hash_map<uint64_t, absl::InlinedVector<int, 2>> linear_by_term_;
  absl::flat_hash_map<Expr, absl::InlinedVector<int, 2>> linear_by_condition_;
  absl::flat_hash_map<Expr, Rewrite> rewrites_;
  // By dividend.
  absl::flat_hash_map<Expr, absl::InlinedVector<Divisible, 1>> divisible_;
  // Conditions known to be true, with their promise.
  absl::flat_hash_map<Expr, int> truths_;
  std::vector<Promise> promises_;
  // By the symbol that is promised to equal something.
  absl::flat_hash_map<Expr, absl::InlinedVector<SymbolPromise, 1>> symbol_promises_;
  // By symbol: the conditions that mention it, and the symbols whose
  // replacement does or did. Some may have changed since.
  absl::flat_hash_map<Expr, std::vector<Expr>> conditions_of_;
  absl::flat_hash_map<Expr, std::vector<Expr>> replaced_with_;
  // Conditions that mention a replaced symbol: `Refresh` rewrites them.
  std::vector<Expr> stale_;
  bool has_assumptions_ = false;
  bool is_refreshing_ = false;
  int budget_ = 0;
  absl::flat_hash_map<Expr, Expr> simplified_;
  struct Decision {
    uint64_t version;
    std::optional<bool> value;
  };
  absl::flat_hash_map<Expr, Decision> decisions_;
  // Grows with every fact; old "unknown" decisions are void then.
  uint64_t version_ = 0;
  Settled settled_[2];  // a Min, a Max
  bool is_journaling_ = false;
  std::vector<Undo> journal_;
};

// What changed is a template argument, so that an undo of a key alone fits into
// std::function without an allocation.
template <auto member, typename Key>
void Knowledge::JournalEntry(Key key) {
  if (!is_journaling_) return;
  auto it = (this->*member).find(key);
  if (it == (this->*member).end()) {
    Journal([key](Knowledge& k) { (k.*member).erase(key); });
  } else {
    Journal([key, old = it->second](Knowledge& k) { (k.*member).insert_or_assign(key, old); });
  }
}

template <auto member, typename Key>
void Knowledge::JournalPush(Key key) {
  Journal([key](Knowledge& k) {
    auto it = (k.*member).find(key);
    it->second.pop_back();
    if (it->second.empty()) (k.*member).erase(it);
  });
}

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_KNOWLEDGE_H_
