// Ending a kernel with an error where an index leaves its range.
#ifndef KILN_COMPILER_CODEGEN_RANGE_CHECK_H_
#define KILN_COMPILER_CODEGEN_RANGE_CHECK_H_

#include "llvm/IR/IRBuilder.h"

namespace kiln {

// Returns from the function, which gives nothing, unless `ok` holds in all lanes;
// then `error`, three i64, is a flag and the index and bound of the first lane
// where it does not. `index` and `bound` are scalars or have the lanes of `ok`.
void RequireInRange(llvm::IRBuilder<>& b, llvm::Value* ok, llvm::Value* index, llvm::Value* bound, llvm::Value* error);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_RANGE_CHECK_H_
