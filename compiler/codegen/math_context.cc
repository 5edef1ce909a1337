#include "compiler/codegen/math_context.h"

namespace kiln {
namespace {

MathContext ForX86(const Isa& isa) {
  MathContext math;
  math.has_fma = isa.Has("fma");
  math.has_round = isa.Has("sse4.1") || isa.Has("avx");
  math.has_half = isa.Has("f16c");
  if (isa.Has("avx512f")) math.scale = ScaleInstruction::kScalef;
  // DQ has the test for denormals, VL the conversion of less than a register.
  if (isa.Has("avx512bf16") && isa.Has("avx512dq") && isa.Has("avx512vl")) {
    math.bfloat16 = BFloat16Instruction::kVcvtneps2bf16;
  }
  return math;
}

// Every aarch64 processor multiplies and adds at once, rounds and converts halves.
MathContext ForAArch64(const Isa& isa) {
  MathContext math;
  math.has_fma = math.has_round = math.has_half = true;
  if (isa.HasSve()) math.scale = ScaleInstruction::kFscale;
  if (isa.Has("bf16")) math.bfloat16 = BFloat16Instruction::kBfcvt;
  return math;
}

}  // namespace

MathContext MathContext::For(const Isa& isa, llvm::IRBuilder<>* builder) {
  MathContext math = isa.arch == "aarch64" ? ForAArch64(isa) : ForX86(isa);
  math.builder = builder;
  math.vector_bits = isa.vector_bits;
  return math;
}

}  // namespace kiln
