// What arithmetic may rely on: the builder that it appends to, and which
// instructions the target has. Where one is missing, arithmetic does without, for
// LLVM would call libm.
#ifndef KILN_COMPILER_CODEGEN_MATH_CONTEXT_H_
#define KILN_COMPILER_CODEGEN_MATH_CONTEXT_H_

#include <cstdint>

#include "compiler/codegen/isa_table.h"
#include "llvm/IR/IRBuilder.h"

namespace kiln {

// x * 2^n of a whole register as one instruction.
enum class ScaleInstruction : uint8_t { kNone, kScalef, kFscale };

// float to bfloat16 as one instruction. AVX-512's takes denormals for zeros.
enum class BFloat16Instruction : uint8_t { kNone, kVcvtneps2bf16, kBfcvt };

struct MathContext {
  llvm::IRBuilder<>* builder = nullptr;
  // Fused multiply-add; else Fma is a product and a sum.
  bool has_fma = false;
  // Rounding to an integral float; else by arithmetic.
  bool has_round = false;
  // Between float16 and float; else by integer arithmetic.
  bool has_half = false;
  ScaleInstruction scale = ScaleInstruction::kNone;
  BFloat16Instruction bfloat16 = BFloat16Instruction::kNone;
  // Of a whole register.
  int vector_bits = 128;

  // `builder` is not owned.
  static MathContext For(const Isa& isa, llvm::IRBuilder<>* builder);
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_MATH_CONTEXT_H_
