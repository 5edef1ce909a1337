// How values of a dtype look in registers and in memory, and the casts between.
//
// In registers: bool is i1, float16 and bfloat16 are float, others themselves.
// In memory: bool is a byte that is 0 or 1. `lanes` of 1 means a scalar, more a
// vector.
#ifndef KILN_COMPILER_CODEGEN_LANE_TYPES_H_
#define KILN_COMPILER_CODEGEN_LANE_TYPES_H_

#include "absl/status/status.h"
#include "compiler/codegen/num.h"
#include "fake_runtime/tensor/dtype.h"

namespace kiln {

// UNSUPPORTED_DTYPE for complex and float8 dtypes.
absl::Status CheckDTypeSupported(DType dtype);
bool IsSigned(DType dtype);

llvm::Type* RegisterType(llvm::LLVMContext& context, DType dtype, int lanes);
llvm::Type* MemoryType(llvm::LLVMContext& context, DType dtype, int lanes);
int LanesOf(llvm::Value* v);
llvm::Value* Splat(llvm::IRBuilder<>& b, llvm::Value* v, int lanes);

// What a load gave, as a register value; and a register value as what a store
// takes. May append basic blocks to the function.
llvm::Value* FromMemory(const MathContext& math, DType dtype, llvm::Value* v);
llvm::Value* ToMemory(const MathContext& math, DType dtype, llvm::Value* v);

// A cast between register values. A float out of an integer's range gives some
// integer, never undefined behaviour.
llvm::Value* CastValue(const MathContext& math, DType from, DType to, llvm::Value* v);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_LANE_TYPES_H_
