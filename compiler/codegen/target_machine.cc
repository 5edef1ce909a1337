#include "compiler/codegen/target_machine.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "compiler/codegen/codegen.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

namespace kiln {
namespace {

struct TripleRow {
  absl::string_view arch;
  const char* triple;
  const char* processor;
};

constexpr TripleRow kTriples[] = {
    {"aarch64", "aarch64-unknown-linux-gnu", "generic"},
    {"x86_64", "x86_64-unknown-linux-gnu", "x86-64"},
};

const TripleRow* FindTriple(absl::string_view arch) {
  for (const TripleRow& row : kTriples) {
    if (row.arch == arch) return &row;
  }
  return nullptr;
}

// "+avx,+avx2". Two of ours may be one of LLVM's.
std::string LlvmFeatures(const Isa& isa) {
  std::vector<std::string> features;
  for (const IsaFeatureRow& row : IsaFeatureRows()) {
    if (row.arch == isa.arch && isa.Has(row.name)) features.push_back(absl::StrCat("+", row.llvm_name));
  }
  return absl::StrJoin(features, ",");
}

}  // namespace

void InitializeCodegen() {
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser();
}

absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> MakeTargetMachine(const Isa& isa) {
  const TripleRow* row = FindTriple(isa.arch);
  if (row == nullptr) return MakeError(ErrorReason::kCompilerBug, absl::StrCat("no LLVM triple for ", isa.arch));
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(row->triple, error);
  if (target == nullptr) {
    return MakeError(ErrorReason::kCompilerBug, absl::StrCat("LLVM has no target ", row->triple, ": ", error));
  }
  const std::string features = LlvmFeatures(isa);
  llvm::TargetOptions options;
  // Contraction would make vector and scalar rounds of one loop differ.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(row->triple, row->processor, features, options, llvm::Reloc::PIC_,
                                  llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
  if (machine == nullptr) {
    return MakeError(ErrorReason::kCompilerBug, absl::StrCat("LLVM makes no machine for features ", features));
  }
  return machine;
}

}  // namespace kiln
