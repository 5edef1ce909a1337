// Scalar operations of the loop IR as LLVM instructions, on scalars or vectors.
#ifndef KILN_COMPILER_CODEGEN_EMIT_SCALAR_OP_H_
#define KILN_COMPILER_CODEGEN_EMIT_SCALAR_OP_H_

#include "absl/types/span.h"
#include "compiler/codegen/num.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

// One operation with its operands, all of the same number of lanes.
struct ScalarOpSite {
  const MathContext* math = nullptr;
  DType result = DType::kFloat32;
  // Of the first operand: what comparisons and casts read.
  DType operand = DType::kFloat32;
  absl::Span<llvm::Value* const> args;
};

// Meaning: PyTorch's of the same name. Integer division by zero and shifts out
// of range give some value; they never trap.
llvm::Value* EmitScalarOp(ScalarOp op, const ScalarOpSite& site);

// Whether an operation costs so much that its code should not be repeated.
bool IsHeavyOp(ScalarOp op);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_EMIT_SCALAR_OP_H_
