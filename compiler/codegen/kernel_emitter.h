// One unique kernel as one LLVM function
//
//   void kernel(ptr closure, i64 begin, i64 end)
//
// which runs iterations [begin, end) of its parallel loop, or everything where it
// has none. The closure is an array of 8-byte slots:
//
//   0               where to report an index out of range: three i64, a flag,
//                   the index and its bound
//   1               the seed of random instructions
//   2 ...           the buffers' first elements, in parameter order
//   ...             the size parameters
//
// Vector loops become explicit vector code: several copies of the body a round
// where that hides the latency of accumulators, then single vectors, then one
// vector with lanes off for what is left, or single elements where the target or
// the body allows no such vector. Unit strides are vector accesses, stride 0 is one
// access for all lanes, other strides and indirect accesses go lane by lane.
#ifndef KILN_COMPILER_CODEGEN_KERNEL_EMITTER_H_
#define KILN_COMPILER_CODEGEN_KERNEL_EMITTER_H_

#include "absl/status/statusor.h"
#include "compiler/codegen/isa_table.h"
#include "compiler/codegen/kernel_table.h"
#include "llvm/IR/Module.h"

namespace kiln {

inline constexpr int kClosureErrorSlot = 0;
inline constexpr int kClosureSeedSlot = 1;
inline constexpr int kClosureFirstBuffer = 2;

struct KernelEmitOptions {
  bool check_bounds = false;
};

// The function without its body: other modules of the artifact see it, nobody
// outside does.
llvm::Function* DeclareKernel(const UniqueKernel& kernel, llvm::Module* module);

// Adds the function to `module`. `pool` is the one of the kernel's expressions.
// UNSUPPORTED_GRAPH for an expression that has no code, with the kernel's node.
absl::StatusOr<llvm::Function*> EmitKernel(const UniqueKernel& kernel, ExprPool* pool, const Isa& isa,
                                           KernelEmitOptions options, llvm::Module* module);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_KERNEL_EMITTER_H_
