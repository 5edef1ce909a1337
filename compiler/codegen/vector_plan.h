// How a vector loop is cut into rounds: which widths, in which order. No LLVM.
#ifndef KILN_COMPILER_CODEGEN_VECTOR_PLAN_H_
#define KILN_COMPILER_CODEGEN_VECTOR_PLAN_H_

#include <vector>

#include "compiler/loops/loop_ir.h"

namespace kiln {

// Rounds of `copies` vectors of `lanes` elements, as many as fit in what the
// phases before have left. Both are powers of two.
struct VectorPhase {
  int lanes = 1;
  int copies = 1;
  // It leaves nothing: the extent is a multiple of its step.
  bool is_exact = false;
};

struct VectorPlan {
  std::vector<VectorPhase> phases;
};

VectorPlan PlanVectorLoop(const Kernel& kernel, const Loop& loop, int vector_bits);

// Whether `e` is a multiple of `divisor` whatever its symbols are; sufficient,
// not necessary.
bool KnownMultiple(Expr e, int64_t divisor);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_VECTOR_PLAN_H_
