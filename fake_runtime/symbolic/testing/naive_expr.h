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
  double number = 0;  // kFloat
  int symbol = -1;    // kSymbol: index into the values
  std::vector<std::unique_ptr<NaiveExpr>> args;

  // Integers and booleans (0 or 1). nullopt for a division by zero and the like.
  std::optional<int64_t> Evaluate(const std::vector<int64_t>& values) const;
  std::optional<double> EvaluateFloat(const std::vector<int64_t>& values) const;
  // The same through the pool's builders.
  Expr Build(ExprPool& pool, const std::vector<Expr>& symbols) const;
};

// What random trees are made of.
enum class NaiveKinds : uint8_t {
  kArithmetic,  // sums, products, divisions, extrema, choices
  kBits,        // and powers and bits
  kEverything,  // and floats that are rounded to integers
};

// Random trees over symbols 0..num_symbols-1.
class NaiveExprMaker {
 public:
  NaiveExprMaker(uint32_t seed, int num_symbols, NaiveKinds kinds = NaiveKinds::kArithmetic)
      : random_(seed), num_symbols_(num_symbols), kinds_(kinds) {}

  std::unique_ptr<NaiveExpr> Integer(int depth);
  std::unique_ptr<NaiveExpr> Condition(int depth);
  int64_t Roll(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }

 private:
  std::unique_ptr<NaiveExpr> Bits(int depth);
  std::unique_ptr<NaiveExpr> Rounded(int depth);
  std::unique_ptr<NaiveExpr> Float(int depth);

  std::mt19937 random_;
  int num_symbols_;
  NaiveKinds kinds_;
};

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_TESTING_NAIVE_EXPR_H_
