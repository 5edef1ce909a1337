// The inside of expressions: interned nodes, the pool's table, and views of
// sums and products. Only the files of this folder include it.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_EXPR_NODE_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_EXPR_NODE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fake_runtime/symbolic/expr.h"

namespace kiln {

using ExprVector = absl::InlinedVector<Expr, 8>;

enum class PoisonReason : uint8_t {
  kOverflow, kNodes, kDepth, kDivisionByZero, kUnsupported, kSteps, kCount
};
Expr MakePoison(PoisonReason reason);

// What a node is looked up by.
struct ExprKey {
  ExprKind kind;
  uint64_t hash;
  int64_t payload;  // value, or a double's bits
  absl::string_view name;
  absl::Span<const Expr> args;
};

struct ExprNodeHash {
  using is_transparent = void;
  size_t operator()(const ExprNode* n) const { return n->hash; }
  size_t operator()(const ExprKey& k) const { return k.hash; }
};
struct ExprNodeEq {
  using is_transparent = void;
  bool operator()(const ExprNode* a, const ExprNode* b) const { return a == b; }
  bool operator()(const ExprNode* n, const ExprKey& k) const;
  bool operator()(const ExprKey& k, const ExprNode* n) const { return (*this)(n, k); }
};

// --- views. They point into the expression or at `e` itself, which must live.

// A term of a sum: coefficient * product of factors. Constants have no factors.
struct TermView {
  int64_t coefficient = 1;
  absl::Span<const Expr> factors;
};
TermView ViewTerm(const Expr& e);

// The terms of a sum, without its constant.
struct SumView {
  int64_t constant = 0;
  absl::Span<const Expr> terms;
};
SumView ViewSum(const Expr& e);

// A factor as base**exponent.
struct PowerView {
  Expr base;
  int64_t exponent = 1;
};
PowerView ViewPower(Expr factor);

// Orders terms by their factors only: higher degree first, then by name. 0 for
// terms that a sum adds up.
int CompareMonomials(const TermView& a, const TermView& b);

// Equal for terms with the same factors and coefficients of the same sign; other
// terms may collide.
inline uint64_t TermKey(const TermView& term) {
  uint64_t key = term.coefficient < 0 ? 0x9e3779b97f4a7c15 : 0;
  for (const Expr& f : term.factors) key = (key ^ f.hash()) * 0xbf58476d1ce4e5b9;
  return key;
}

struct ExprPoolRep {
  ExprPoolRep();
  // The interned node, or poison when it is over a limit.
  Expr Intern(ExprKind kind, ExprType type, absl::Span<const Expr> args);
  Expr InternInt(int64_t value);
  Expr InternFloat(double value);
  Expr InternSymbol(absl::string_view name);

  // Integer arithmetic. Operands are integers and not poison.
  Expr AddInts(Expr a, Expr b);
  // Terms in any order.
  Expr SumOf(absl::Span<const Expr> terms);
  Expr MulInts(Expr a, Expr b);
  // coefficient * product of canonical, sorted factors.
  Expr Term(int64_t coefficient, absl::Span<const Expr> factors);
  Expr Scale(Expr e, int64_t coefficient);
  Expr FloorDivInts(Expr a, Expr b);
  Expr ModInts(Expr a, Expr b);
  Expr BitAndInts(Expr a, Expr b);
  Expr IntPowInts(Expr base, Expr exponent);
  // Work done, in steps; `Intern` gives poison when it is over the limit.
  void Spend(int64_t steps) { steps_ += steps; }
  int64_t steps() const { return steps_; }
  bool exhausted() const { return steps_ > max_steps_; }
  void Refill(int64_t extra) { steps_ = -extra; }
  // For Min and Max, of one or more.
  Expr Extremum(ExprKind kind, absl::Span<const Expr> operands);
  std::optional<Expr> WithOperand(Expr e, Expr operand);
  // (d <op> 0) for kEq, kNe and kLe, both sides arranged.
  Expr CompareToZero(ExprKind kind, Expr d);

 private:
  Expr FinishSum(int64_t constant, absl::Span<const Expr> terms);
  std::optional<Expr> FoldRemainder(absl::Span<const Expr> terms);
  Expr MulMonomials(const TermView& a, const TermView& b);
  Expr MulSums(Expr a, Expr b);
  Expr PowerOf(Expr base, int64_t exponent);
  friend class DivisionBuilder;
  void* Allocate(size_t size);

  absl::flat_hash_set<const ExprNode*, ExprNodeHash, ExprNodeEq> table_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;
  size_t free_size_ = 0;
  uint32_t max_nodes_;
  uint32_t max_depth_;
  int64_t steps_ = 0;
  const int64_t max_steps_;
};

// What a visit to every part of `e` costs: parts that occur twice count twice.
inline int64_t TreeSizeOf(Expr e) {
  const ExprNode* n = ExprNode::Of(e);
  return n ? n->tree_size : 1;
}

inline uint32_t DegreeOf(Expr e) {
  const ExprNode* n = ExprNode::Of(e);
  return n ? n->degree : 0;
}
inline bool HasDivision(Expr e) {
  const ExprNode* n = ExprNode::Of(e);
  return n && n->has_division;
}

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_EXPR_NODE_H_
