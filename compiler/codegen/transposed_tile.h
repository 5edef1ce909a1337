// A square tile of memory, transposed, on the stack.
#ifndef KILN_COMPILER_CODEGEN_TRANSPOSED_TILE_H_
#define KILN_COMPILER_CODEGEN_TRANSPOSED_TILE_H_

#include "compiler/codegen/kernel_memory.h"

namespace kiln {

// Loads `size` runs of `size` elements, at `first`, `first + stride`, ..., and
// gives a place where the n-th vector holds the n-th element of each run. `size`
// is a power of two.
llvm::Value* EmitTransposed(KernelMemory& memory, BufferId buffer, llvm::Value* first, llvm::Value* stride, int size,
                            llvm::IRBuilder<>& b);

// The n-th vector.
llvm::Value* LoadTileLine(llvm::Value* tile, llvm::Value* n, llvm::IRBuilder<>& b);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TRANSPOSED_TILE_H_
