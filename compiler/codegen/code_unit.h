// One kernel, or the entry, on its way to machine code. Units share nothing, not
// even an LLVM context: each may be finished on a thread of its own, and a unit's
// bytes do not depend on the others.
#ifndef KILN_COMPILER_CODEGEN_CODE_UNIT_H_
#define KILN_COMPILER_CODEGEN_CODE_UNIT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/isa_table.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace kiln {

class CodeUnit {
 public:
  // `keep_names`: names of values are for people, text cannot be read without them.
  CodeUnit(std::string symbol, const llvm::TargetMachine& machine, bool keep_names);

  llvm::Module& module() { return *module_; }
  // Adds IR text to the module. COMPILER_BUG with the line that is wrong.
  absl::Status AddAssembly(const std::string& text);

  // Verifies, optimises and emits; the unit is good for nothing after that. `code`
  // keeps its milliseconds, to which this adds. COMPILER_BUG for invalid IR.
  absl::Status Finish(const Isa& isa, llvm::TargetMachine& machine, bool want_text, UnitCode* code);

 private:
  // The module dies first.
  std::unique_ptr<llvm::LLVMContext> context_;
  std::unique_ptr<llvm::Module> module_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_CODE_UNIT_H_
