// What differs between processors in a shared object: one row each.
#ifndef KILN_COMPILER_ARTIFACT_ELF_MACHINE_H_
#define KILN_COMPILER_ARTIFACT_ELF_MACHINE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {

struct ElfMachine {
  // As Target.arch says it.
  absl::string_view arch;
  uint16_t machine;
  // The largest page that a kernel for this processor has. Segments on different
  // pages of this size are on different pages of every kernel. lld's
  // max-page-size; where its common-page-size is less, that must be set to this.
  uint64_t page_bytes;
  // The relocation that adds the address at which the object was loaded.
  uint32_t relative;
  absl::string_view relative_name;
};

// Every row. Thread-safe.
absl::Span<const ElfMachine> ElfMachines();

// UNSUPPORTED_TARGET, naming the rows, if there is none for `arch`. Thread-safe.
absl::StatusOr<const ElfMachine*> FindElfMachine(absl::string_view arch);

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_ELF_MACHINE_H_
