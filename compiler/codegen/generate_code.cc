#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/entry_emitter.h"
#include "compiler/codegen/entry_program.h"
#include "compiler/codegen/entry_routines.h"
#include "compiler/codegen/isa_table.h"
#include "compiler/codegen/kernel_emitter.h"
#include "compiler/codegen/kernel_table.h"
#include "compiler/codegen/lane_types.h"
#include "compiler/codegen/optimize.h"
#include "compiler/codegen/target_machine.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

namespace kiln {
namespace {

absl::Status CheckDTypes(const KernelTable& table) {
  for (const UniqueKernel& kernel : table.kernels) {
    for (const BufferParameter& buffer : kernel.buffers) {
      absl::Status status = CheckDTypeSupported(buffer.dtype);
      if (status.ok()) continue;
      const int node = kernel.nodes.empty() ? -1 : kernel.nodes.front();
      return AddContext(status, absl::StrCat("kernel ", kernel.symbol, " of node ", node));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<llvm::Module>> MakeModule(llvm::LLVMContext& context, llvm::TargetMachine& machine) {
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(EntryRoutines(), diagnostic, context);
  if (module == nullptr) {
    return MakeError(ErrorReason::kCompilerBug,
                     absl::StrCat("entry routines, line ", diagnostic.getLineNo(), ": ", diagnostic.getMessage().str()));
  }
  module->setModuleIdentifier("kiln");
  module->setSourceFileName("kiln");
  module->setTargetTriple(machine.getTargetTriple().str());
  module->setDataLayout(machine.createDataLayout());
  module->setPICLevel(llvm::PICLevel::BigPIC);
  return module;
}

// LLVM's verifier finds our own bugs before they become odd machine code.
absl::Status CheckModule(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (!llvm::verifyModule(module, &stream)) return absl::OkStatus();
  return MakeError(ErrorReason::kCompilerBug, absl::StrCat("invalid LLVM IR: ", stream.str()));
}

// The routines that run once a call or once a failure. fill, launch, extern and
// run are on the way of every step.
bool IsCold(const llvm::Function& function) {
  const llvm::StringRef name = function.getName();
  if (!name.starts_with("kiln.") || function.hasFnAttribute(llvm::Attribute::AlwaysInline)) return false;
  return name != "kiln.fill" && name != "kiln.launch" && name != "kiln.extern" && name != "kiln.run";
}

// What holds for all functions: no libm or libc behind our back, and vectors no
// wider than the target wants.
void SetAttributes(llvm::Module& module, const Isa& isa) {
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    function.addFnAttr("no-builtins");
    if (IsCold(function)) {
      function.addFnAttr(llvm::Attribute::OptimizeNone);
      function.addFnAttr(llvm::Attribute::NoInline);
    }
    function.addFnAttr("prefer-vector-width", std::to_string(isa.vector_bits));
    function.addFnAttr("min-legal-vector-width", std::to_string(isa.vector_bits));
  }
}

}  // namespace

absl::StatusOr<ObjectCode> GenerateCode(const LoopProgram& program, const CodegenOptions& options, bool want_text) {
  KILN_ASSIGN_OR_RETURN(Isa isa, SelectIsa(options.target));
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<llvm::TargetMachine> machine, MakeTargetMachine(isa));
  const KernelTable table = BuildKernelTable(program);
  KILN_RETURN_IF_ERROR(CheckDTypes(table));
  KILN_ASSIGN_OR_RETURN(const EntryProgram entry, BuildEntryProgram(program, table));
  llvm::LLVMContext context;
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<llvm::Module> module, MakeModule(context, *machine));
  // Names of values are for people; text cannot be read without them.
  context.setDiscardValueNames(!want_text);
  std::vector<llvm::Function*> kernels;
  for (const UniqueKernel& kernel : table.kernels) {
    KILN_ASSIGN_OR_RETURN(llvm::Function * function,
                          EmitKernel(kernel, program.pool, isa, {options.check_bounds}, module.get()));
    kernels.push_back(function);
  }
  KILN_RETURN_IF_ERROR(EmitEntry(entry, program, kernels, isa, module.get()));
  SetAttributes(*module, isa);
  KILN_RETURN_IF_ERROR(CheckModule(*module));
  OptimizeModule(*module, *machine);
  ObjectCode code;
  code.isa_features = isa.features;
  if (want_text) {
    llvm::raw_string_ostream stream(code.llvm_ir);
    module->print(stream, nullptr);
    KILN_ASSIGN_OR_RETURN(code.assembly, EmitAssembly(*module, *machine));
  }
  KILN_ASSIGN_OR_RETURN(code.object, EmitObject(*module, *machine));
  return code;
}

}  // namespace kiln
