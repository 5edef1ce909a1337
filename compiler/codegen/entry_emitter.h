// The artifact's entry: computes sizes, allocates the arena, makes the outputs,
// runs the steps, releases, and cleans up whatever went wrong.
#ifndef KILN_COMPILER_CODEGEN_ENTRY_EMITTER_H_
#define KILN_COMPILER_CODEGEN_ENTRY_EMITTER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "compiler/codegen/isa_table.h"
#include "compiler/codegen/kernel_table.h"
#include "llvm/IR/Module.h"

namespace kiln {

// Adds KILN_ENTRY_SYMBOL to `module`, which holds the entry routines and
// `kernels`, one for each unique kernel of the table. COMPILER_BUG for a program
// whose memory plan contradicts itself.
absl::Status EmitEntry(const LoopProgram& program, const KernelTable& table,
                       absl::Span<llvm::Function* const> kernels, const Isa& isa, llvm::Module* module);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_ENTRY_EMITTER_H_
