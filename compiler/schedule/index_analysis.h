// What the scheduler asks of index expressions: their affine form over loop
// variables, exact division of sizes, and inequalities that hold for all sizes.
// Answers are remembered by expression, since a graph of equal layers asks the
// same again and again. It never reads a hint: equal guard sets must give equal
// schedules.
//
// Not thread-safe.
#ifndef KILN_COMPILER_SCHEDULE_INDEX_ANALYSIS_H_
#define KILN_COMPILER_SCHEDULE_INDEX_ANALYSIS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/container/node_hash_map.h"
#include "absl/types/span.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/shape_env.h"

namespace kiln::schedule {

// Replaces symbols by expressions, all at once.
using Substitution = absl::InlinedVector<std::pair<Expr, Expr>, 6>;

struct AffineTerm {
  Expr variable;
  Expr coefficient;
};

// offset + sum of coefficient * variable, where variables are loop variables
// and the symbols of indirect instructions, and no other part mentions one.
struct AffineForm {
  bool is_affine = true;
  absl::InlinedVector<AffineTerm, 4> terms;
  Expr offset;

  // 0 for a variable that does not occur.
  Expr CoefficientOf(Expr variable) const;
};

class IndexAnalysis {
 public:
  // `env` may be null: then only what holds for all integers is known.
  // `taken` are names that loop variables must not have.
  IndexAnalysis(ExprPool* pool, ShapeEnv* env, absl::Span<const std::string> taken);

  ExprPool& pool() { return *pool_; }

  // The n-th loop variable, and the n-th symbol for an indirect index.
  Expr Variable(int n);
  Expr IndirectSymbol(int n);
  // Declares a variable that came with a kernel.
  void AddVariable(Expr symbol) { variables_.insert(symbol); }
  bool IsVariable(Expr symbol) const { return variables_.contains(symbol); }

  const AffineForm& Form(Expr e);
  // How far `e` moves with each step of `variable`; nullopt where that is not the
  // same at each step.
  std::optional<Expr> StrideAlong(Expr e, Expr variable);
  // True if `e` mentions `variable`, in whatever way.
  bool Mentions(Expr e, Expr variable);
  bool MentionsVariables(Expr e);
  Expr Substitute(Expr e, const Substitution& substitution);

  // q with a == q * b wherever b is not 0. nullopt where none is found.
  std::optional<Expr> DivideExact(Expr a, Expr b);
  // True only if it holds for all values of the symbols.
  bool KnownEqual(Expr a, Expr b);
  bool KnownLessEqual(Expr a, Expr b);
  bool KnownPositive(Expr e) { return KnownLessEqual(Expr(1), e); }

  // How large `e` is taken to be by cost models: constants are themselves and
  // every symbol is kTypicalSize, moved into its range.
  int64_t Estimate(Expr e);

 private:
  bool IsVariableFree(Expr e);
  AffineForm Analyze(Expr e);
  void AddTerm(AffineForm& form, Expr variable, Expr coefficient);
  bool AnalyzeTerm(Expr term, AffineForm& form);

  ExprPool* pool_;
  ShapeEnv* env_;
  std::string variable_prefix_;
  std::string indirect_prefix_;
  std::vector<Expr> numbered_;
  std::vector<Expr> indirect_;
  absl::flat_hash_set<Expr> variables_;
  absl::node_hash_map<Expr, AffineForm> forms_;
  absl::flat_hash_map<std::pair<Expr, Expr>, std::optional<Expr>> quotients_;
  absl::flat_hash_map<std::pair<Expr, Expr>, bool> less_equal_;
  absl::flat_hash_map<Expr, int64_t> estimates_;
};

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_INDEX_ANALYSIS_H_
