#include "compiler/codegen/code_unit.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/codegen/optimize.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

namespace kiln {
namespace {

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

// Vectors no wider than the target wants; of SVE how long they are.
void SetVectorWidth(llvm::Function& function, const Isa& isa) {
  if (isa.HasSve()) {
    const unsigned granules = static_cast<unsigned>(isa.vector_bits) / 128;
    function.addFnAttr(llvm::Attribute::getWithVScaleRangeArgs(function.getContext(), granules, granules));
  }
  if (isa.arch != "x86_64") return;
  function.addFnAttr("prefer-vector-width", std::to_string(isa.vector_bits));
  function.addFnAttr("min-legal-vector-width", std::to_string(isa.vector_bits));
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
    SetVectorWidth(function, isa);
  }
}

}  // namespace

CodeUnit::CodeUnit(std::string symbol, const llvm::TargetMachine& machine, bool keep_names)
    : context_(std::make_unique<llvm::LLVMContext>()), module_(std::make_unique<llvm::Module>(symbol, *context_)) {
  context_->setDiscardValueNames(!keep_names);
  module_->setSourceFileName(symbol);
  module_->setTargetTriple(machine.getTargetTriple().str());
  module_->setDataLayout(machine.createDataLayout());
  module_->setPICLevel(llvm::PICLevel::BigPIC);
}

absl::Status CodeUnit::AddAssembly(const std::string& text) {
  // The parser finds values by their names.
  const bool discarded = context_->shouldDiscardValueNames();
  context_->setDiscardValueNames(false);
  llvm::SMDiagnostic diagnostic;
  const bool failed =
      llvm::parseAssemblyInto(llvm::MemoryBufferRef(text, "entry routines"), module_.get(), nullptr, diagnostic);
  context_->setDiscardValueNames(discarded);
  if (!failed) return absl::OkStatus();
  return MakeError(ErrorReason::kCompilerBug,
                   absl::StrCat("entry routines, line ", diagnostic.getLineNo(), ": ", diagnostic.getMessage().str()));
}

absl::Status CodeUnit::Finish(const Isa& isa, llvm::TargetMachine& machine, bool want_text, UnitCode* code) {
  const absl::Time start = absl::Now();
  SetAttributes(*module_, isa);
  KILN_RETURN_IF_ERROR(CheckModule(*module_));
  OptimizeModule(*module_, machine);
  if (want_text) {
    llvm::raw_string_ostream stream(code->llvm_ir);
    module_->print(stream, nullptr);
    KILN_ASSIGN_OR_RETURN(code->assembly, EmitAssembly(*module_, machine));
  }
  KILN_ASSIGN_OR_RETURN(code->object, EmitObject(*module_, machine));
  code->time += absl::Now() - start;
  return absl::OkStatus();
}

}  // namespace kiln
