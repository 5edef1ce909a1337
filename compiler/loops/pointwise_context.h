// What the scalar code of a pointwise operator sees: one element of each
// operand, in the dtype that the operator computes in.
//
//   // aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1)
//   Val Addcmul(PointwiseContext& p) { return p.Add(p.Arg(0), p.Mul(p.Arg(3), p.Mul(p.Arg(1), p.Arg(2)))); }
//
// A row of a pointwise table names such a function; everything around it (the
// loop nest, broadcasting, casts, the store) is the same for all rows.
//
// Not thread-safe.
#ifndef KILN_COMPILER_LOOPS_POINTWISE_CONTEXT_H_
#define KILN_COMPILER_LOOPS_POINTWISE_CONTEXT_H_

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "compiler/loops/kernel_builder.h"
#include "compiler/loops/lowering_context.h"

namespace kiln {

// Which dtype operands are cast to before the scalar code runs.
enum class Computes : uint8_t {
  kOut,       // the output's computation dtype
  kOperands,  // what the operands promote to (comparisons)
  kBool,      // bool (logical operators)
};

class PointwiseContext {
 public:
  PointwiseContext(LoweringContext& c, KernelBuilder& b, Dims indices, DType dtype)
      : c_(c), b_(b), indices_(std::move(indices)), dtype_(dtype) {}

  LoweringContext& node() { return c_; }
  MetaContext& args() { return c_.args(); }
  KernelBuilder& b() { return b_; }
  DType dtype() const { return dtype_; }
  absl::Span<const Expr> indices() const { return indices_; }

  // Argument `i`, a tensor or a number, in dtype().
  Val Arg(int i) { return b_.Cast(Own(i), dtype_); }
  // Argument `i` in its own computation dtype; a number in dtype(). Loaded once.
  Val Own(int i);
  bool IsNone(int i) { return c_.args().IsNone(i); }
  Val Number(double v) { return b_.Constant(dtype_, v); }

  Val Add(Val a, Val b) { return b_.Op(ScalarOp::kAdd, a, b); }
  Val Sub(Val a, Val b) { return b_.Op(ScalarOp::kSub, a, b); }
  Val Mul(Val a, Val b) { return b_.Op(ScalarOp::kMul, a, b); }
  Val Div(Val a, Val b) { return b_.Op(ScalarOp::kDiv, a, b); }
  Val Max(Val a, Val b) { return b_.Op(ScalarOp::kMaximum, a, b); }
  Val Min(Val a, Val b) { return b_.Op(ScalarOp::kMinimum, a, b); }
  // `x`, or the bound that it is beyond. Eager's clamps to a number: a zero keeps its
  // sign, and a NaN is one still. `bound` is no NaN.
  Val AtLeast(Val x, Val bound) { return Where(Lt(x, bound), bound, x); }
  Val AtMost(Val x, Val bound) { return Where(Gt(x, bound), bound, x); }
  Val Lt(Val a, Val b) { return b_.Op(ScalarOp::kLt, a, b); }
  Val Le(Val a, Val b) { return b_.Op(ScalarOp::kLe, a, b); }
  Val Gt(Val a, Val b) { return b_.Op(ScalarOp::kGt, a, b); }
  Val Eq(Val a, Val b) { return b_.Op(ScalarOp::kEq, a, b); }
  Val And(Val a, Val b) { return b_.Op(ScalarOp::kBitAnd, a, b); }
  Val Or(Val a, Val b) { return b_.Op(ScalarOp::kBitOr, a, b); }
  Val Not(Val a) { return b_.Op(ScalarOp::kNot, a); }
  Val Where(Val c, Val a, Val b) { return b_.Where(c, a, b); }
  Val Op(ScalarOp op, Val a) { return b_.Op(op, a); }
  Val Op(ScalarOp op, Val a, Val b) { return b_.Op(op, a, b); }

 private:
  LoweringContext& c_;
  KernelBuilder& b_;
  Dims indices_;
  DType dtype_;
  absl::flat_hash_map<int, Val> loaded_;  // by argument

  Val LoadArgument(int i);
};

using ScalarCode = Val (*)(PointwiseContext& p);

struct PointwiseRow {
  const char* op;
  Computes computes;
  ScalarCode code;
};

// One table per family file.
absl::Span<const PointwiseRow> UnaryRows();
absl::Span<const PointwiseRow> BinaryRows();
absl::Span<const PointwiseRow> ActivationRows();
absl::Span<const PointwiseRow> CreationRows();
absl::Span<const PointwiseRow> RandomRows();
absl::Span<const PointwiseRow> SpecialRows();

// The element of a pointwise kernel around `row`'s scalar code.
absl::Status LowerPointwise(LoweringContext& c, const PointwiseRow& row);

// What a node's tensor and number operands promote to (torch.result_type).
DType PromoteOperands(LoweringContext& c);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_POINTWISE_CONTEXT_H_
