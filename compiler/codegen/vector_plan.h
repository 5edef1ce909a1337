// How a vector loop is cut into rounds: which widths, in which order. No LLVM.
#ifndef KILN_COMPILER_CODEGEN_VECTOR_PLAN_H_
#define KILN_COMPILER_CODEGEN_VECTOR_PLAN_H_

#include <vector>

#include "compiler/codegen/isa_table.h"
#include "compiler/codegen/kernel_table.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

// Rounds of `copies` vectors of `lanes` elements, as many as fit in what the
// phases before have left. Both are powers of two.
struct VectorPhase {
  int lanes = 1;
  int copies = 1;
  // It leaves nothing: the extent is a multiple of its step.
  bool is_exact = false;
  // One vector for what is left, if anything is: lanes beyond the extent are off.
  bool is_masked = false;
};

struct VectorPlan {
  std::vector<VectorPhase> phases;
};

// `pool` is the one of the kernel's expressions.
VectorPlan PlanVectorLoop(const UniqueKernel& kernel, const Loop& loop, const Isa& isa, ExprPool* pool);

// Whether `e` is a multiple of `divisor` whatever its symbols are; sufficient,
// not necessary.
bool KnownMultiple(Expr e, int64_t divisor);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_VECTOR_PLAN_H_
