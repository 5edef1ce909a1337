// Builds one Kernel, statement by statement, in the place where the innermost
// open loop ends.
//
//   KernelBuilder b(&pool, &names, "relu");
//   Expr i = b.BeginLoop(n);
//   Val x = b.Load(in, DType::kFloat32, i);
//   b.Store(out, i, b.Op(ScalarOp::kMaximum, x, b.Constant(x.dtype, 0)));
//   b.EndLoop();
//   Kernel k = std::move(b).Finish(node);
//
// Not thread-safe.
#ifndef KILN_COMPILER_LOOPS_KERNEL_BUILDER_H_
#define KILN_COMPILER_LOOPS_KERNEL_BUILDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

// The value of an instruction.
struct Val {
  int id = -1;
  DType dtype = DType::kFloat32;
};

class KernelBuilder {
 public:
  // `taken` holds the names that the graph's own symbols have; both outlive the
  // builder.
  KernelBuilder(ExprPool* pool, const absl::flat_hash_set<std::string>* taken, std::string name);

  ExprPool& pool() { return *pool_; }

  // --- loops. A loop of extent 1 is none: its variable is the constant 0.
  Expr BeginLoop(Expr extent);
  void EndLoop();
  // One loop for each size, outermost first; gives the indices.
  Dims BeginNest(absl::Span<const Expr> sizes);
  // Closes the loops that were opened last, as many as `indices` has.
  void EndNest(absl::Span<const Expr> indices);

  // --- values
  // `value` as a constant of `dtype`.
  Val Constant(DType dtype, double value);
  Val Constant(DType dtype, int64_t value);
  Val Constant(DType dtype, int value) { return Constant(dtype, static_cast<int64_t>(value)); }
  Val ConstantBool(bool value);
  // An integer, float or bool expression; a constant where it is one.
  Val FromExpr(DType dtype, Expr e);
  // `buffer_dtype` is what the buffer holds; the value has its computation
  // dtype.
  Val Load(BufferId buffer, DType buffer_dtype, Expr index);
  Val Cast(Val v, DType dtype);
  // The operands have one dtype (but for `where`); the result has the dtype
  // that loop_ir.h says.
  Val Op(ScalarOp op, Val a);
  Val Op(ScalarOp op, Val a, Val b);
  Val Where(Val condition, Val a, Val b);
  // `by`: none for the call's own seed, or a seed and the first of its slots.
  Val Random(DType dtype, int seed_slot, Expr counter, absl::Span<const Val> by = {});
  Val State(int seed_slot, Expr word, absl::Span<const Val> by = {});

  // --- effects. Stores cast to the buffer's computation dtype.
  void Store(BufferId buffer, DType buffer_dtype, Expr index, Val v);
  void StoreAdd(BufferId buffer, DType buffer_dtype, Expr index, Val v);
  // The index symbol that stands for `index`, wrapped into [0, bound).
  Expr Indirect(Val index, Expr bound);

  // --- reductions
  Val Accumulate(ReduceKind kind, DType dtype);
  void Update(Val accumulator, Val value);
  void Update(Val accumulator, Val value, Val index, Expr order = Expr(0));
  Val Result(Val accumulator, int which = 0);

  // The place of a window's element: offset + sum of stride*index.
  Expr Index(const TensorOperand& window, absl::Span<const Expr> indices);
  // `stride` as it is wherever an element is accessed: contiguous strides count
  // an empty dimension as 1, Max(1, s0), but no loop runs over an empty tensor,
  // so that s0 is the same and plainer.
  Expr StrideInside(Expr stride);

  Kernel Finish(int node) &&;

 private:
  int Add(Inst inst);
  std::vector<Stmt>& body();
  Expr FreshSymbol(char prefix, int* next);

  // Constant after construction.
  ExprPool* pool_;
  const absl::flat_hash_set<std::string>* taken_;

  Kernel kernel_;
  std::vector<Loop*> open_;
  // For each BeginLoop: whether a loop was made.
  std::vector<bool> made_;
  absl::flat_hash_map<Expr, Expr> strides_inside_;
  int next_variable_ = 0;
  int next_indirect_ = 0;
};

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_KERNEL_BUILDER_H_
