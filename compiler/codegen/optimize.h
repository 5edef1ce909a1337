// From LLVM IR to machine code.
#ifndef KILN_COMPILER_CODEGEN_OPTIMIZE_H_
#define KILN_COMPILER_CODEGEN_OPTIMIZE_H_

#include <string>

#include "absl/status/statusor.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace kiln {

// A short pipeline: the emitters vectorise, unroll and hoist themselves, so what
// is left is to put accumulators into registers, join equal values, simplify,
// and move invariant loads out of loops.
void OptimizeModule(llvm::Module& module, llvm::TargetMachine& machine);

// Both may change the module: it is good for nothing after EmitObject.
absl::StatusOr<std::string> EmitObject(llvm::Module& module, llvm::TargetMachine& machine);
// Works on a copy.
absl::StatusOr<std::string> EmitAssembly(const llvm::Module& module, llvm::TargetMachine& machine);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_OPTIMIZE_H_
