#include "compiler/artifact/elf_machine.h"

#include <elf.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"

namespace kiln {
namespace {

constexpr ElfMachine kMachines[] = {
    {"x86_64", EM_X86_64, 0x1000, R_X86_64_RELATIVE, "R_X86_64_RELATIVE"},
    {"aarch64", EM_AARCH64, 0x10000, R_AARCH64_RELATIVE, "R_AARCH64_RELATIVE"},
};

}  // namespace

absl::Span<const ElfMachine> ElfMachines() { return kMachines; }

absl::StatusOr<const ElfMachine*> FindElfMachine(absl::string_view arch) {
  for (const ElfMachine& row : kMachines) {
    if (row.arch == arch) return &row;
  }
  const std::string known = absl::StrJoin(
      kMachines, " and ", [](std::string* out, const ElfMachine& row) { absl::StrAppend(out, row.arch); });
  return MakeError(ErrorReason::kUnsupportedTarget,
                   absl::StrCat("artifact: what may stand in one for '", arch, "' is not known, only for ", known));
}

}  // namespace kiln
