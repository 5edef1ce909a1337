// The artifact's entry: computes sizes, allocates the arena, interprets the entry
// program, and cleans up whatever went wrong.
#ifndef KILN_COMPILER_CODEGEN_ENTRY_EMITTER_H_
#define KILN_COMPILER_CODEGEN_ENTRY_EMITTER_H_

#include "absl/status/status.h"
#include "compiler/codegen/entry_program.h"
#include "compiler/codegen/isa_table.h"
#include "compiler/codegen/kernel_table.h"
#include "llvm/IR/Module.h"

namespace kiln {

// Adds KILN_ENTRY_SYMBOL to `module`, which holds the entry routines, and declares
// the kernels of `table`, whose code is elsewhere. UNSUPPORTED_GRAPH for a size
// that has no code.
absl::Status EmitEntry(const EntryProgram& entry, const KernelTable& table, const LoopProgram& program, const Isa& isa,
                       llvm::Module* module);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_ENTRY_EMITTER_H_
