// LLVM's view of a target. The processor is always the architecture's plainest
// one; what code may use beyond it is said by features alone, never guessed from
// this machine.
#ifndef KILN_COMPILER_CODEGEN_TARGET_MACHINE_H_
#define KILN_COMPILER_CODEGEN_TARGET_MACHINE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "compiler/codegen/isa_table.h"
#include "llvm/Target/TargetMachine.h"

namespace kiln {

// COMPILER_BUG if LLVM does not have the target: InitializeCodegen was not called.
absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> MakeTargetMachine(const Isa& isa);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TARGET_MACHINE_H_
