// Rewriting by facts: replacements, known remainders, decided Max and Min.
//
// Not thread-safe.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_SIMPLIFY_KNOWN_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_SIMPLIFY_KNOWN_H_

#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/knowledge.h"

namespace kiln {

// Rewrites expressions with what may be leaned on at `level`; what was leaned
// on is in `trail`. `memo` keeps results; it may outlive the simplifier as long
// as no fact is added.
class Simplifier {
 public:
  Simplifier(Knowledge& knowledge, Knowledge::Level level, Knowledge::Trail* trail,
             absl::flat_hash_map<Expr, Expr>* memo)
      : knowledge_(knowledge), pool_(knowledge.pool_), level_(level), trail_(trail), memo_(*memo) {}

  Expr Visit(Expr e);

 private:
  using Indices = absl::InlinedVector<size_t, 8>;

  Expr VisitSymbol(Expr symbol);
  // `e`, whose arguments are simple, by the rule for its kind.
  Expr Apply(Expr e);
  Expr ApplyToDivision(Expr e);
  std::optional<Expr> DropMultiples(Expr a, Expr b);
  Expr ApplyToExtremum(Expr e);
  bool IsDominated(Expr e, size_t i, size_t j);
  std::optional<size_t> DominatedOfMany(Expr e);
  std::optional<size_t> DominatedByRange(Expr e, const std::optional<Indices>& unsettled, int64_t* end);
  std::optional<Indices> Unsettled(Expr e) const;
  Expr ApplyToProduct(Expr e);
  Expr ApplyToLogic(Expr e);
  bool Prove(Expr d);

  Knowledge& knowledge_;
  ExprPool& pool_;
  Knowledge::Level level_;
  Knowledge::Trail* trail_;
  absl::flat_hash_map<Expr, Expr>& memo_;
};

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_SIMPLIFY_KNOWN_H_
