// A slow twin of expressions: a tree as it was written, evaluated step by step.
// What the canonical form of Expr means is tested against it.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_TESTING_NAIVE_EXPR_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_TESTING_NAIVE_EXPR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "fake_runtime/symbolic/expr.h"

namespace kiln {

struct NaiveExpr {
  ExprKind kind = ExprKind::kInt;
  int64_t value = 0;  // kInt
  int symbol = -1;    // kSymbol: index into the values
  std::vector<std::unique_ptr<NaiveExpr>> args;

  // Integers and booleans (0 or 1). nullopt for a division by zero.
  std::optional<int64_t> Evaluate(const std::vector<int64_t>& values) const;
  // The same through the pool's builders.
  Expr Build(ExprPool& pool, const std::vector<Expr>& symbols) const;
};

// Random trees over symbols 0..num_symbols-1.
class NaiveExprMaker {
 public:
  NaiveExprMaker(uint32_t seed, int num_symbols) : random_(seed), num_symbols_(num_symbols) {}

  std::unique_ptr<NaiveExpr> Integer(int depth);
  std::unique_ptr<NaiveExpr> Condition(int depth);
  int64_t Roll(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }

 private:
  std::mt19937 random_;
  int num_symbols_;
};

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_TESTING_NAIVE_EXPR_H_
