#include "compiler/codegen/target_machine.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "compiler/codegen/codegen.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

namespace kiln {

void InitializeCodegen() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser();
}

absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> MakeTargetMachine(const Isa& isa) {
  const std::string triple = "x86_64-unknown-linux-gnu";
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (target == nullptr) {
    return MakeError(ErrorReason::kCompilerBug, absl::StrCat("LLVM has no target ", triple, ": ", error));
  }
  const std::string features = absl::StrJoin(
      isa.features, ",", [](std::string* out, absl::string_view name) { absl::StrAppend(out, "+", name); });
  llvm::TargetOptions options;
  // Contraction would make vector and scalar rounds of one loop differ.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, "x86-64", features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
  if (machine == nullptr) {
    return MakeError(ErrorReason::kCompilerBug, absl::StrCat("LLVM makes no machine for features ", features));
  }
  return machine;
}

}  // namespace kiln
