// Random numbers that depend on nothing but a seed and a counter: Philox4x32-10
// (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3"),
// so that any order of iterations gives the same values.
#ifndef KILN_COMPILER_CODEGEN_EMIT_RANDOM_H_
#define KILN_COMPILER_CODEGEN_EMIT_RANDOM_H_

#include "compiler/codegen/num.h"

namespace kiln {

// Uniform in [0, 1) on a grid of 2^-24 (float) or 2^-53 (double), as torch.rand.
// `seed` and `slot` are i64, or as many as there are lanes; the slot, of which the
// lower half counts, tells random operators of one call apart; `counter` is an i64
// or a vector of them, and so is the result's number of lanes.
llvm::Value* EmitUniform(const MathContext& math, llvm::Value* seed, llvm::Value* slot, llvm::Value* counter,
                         bool is_double);

// Word `word` (i64, or a vector of them) of a state that says: the numbers of `seed` from
// `slot` on (compiler/loops/random_state.h).
llvm::Value* EmitRandomState(llvm::IRBuilder<>& b, llvm::Value* seed, llvm::Value* slot, llvm::Value* word);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_EMIT_RANDOM_H_
