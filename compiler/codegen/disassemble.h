// From an artifact's bytes back to assembly, for people.
#ifndef KILN_COMPILER_CODEGEN_DISASSEMBLE_H_
#define KILN_COMPILER_CODEGEN_DISASSEMBLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {

struct DisassembledFunction {
  std::string symbol;
  int64_t size_bytes = 0;
  // A line an instruction, labels where jumps go, comments where memory beside the
  // code is read. Bytes that are no instruction are `.byte`.
  std::string text;
};

// The functions of a shared object for any of the processors that artifacts are made
// for, in the order of their addresses: those that .symtab names. Nothing of the
// object is trusted. ARTIFACT_CORRUPT where it cannot be read, UNSUPPORTED_TARGET
// for another processor. Not thread-safe on the first call.
absl::StatusOr<std::vector<DisassembledFunction>> Disassemble(absl::string_view elf);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_DISASSEMBLE_H_
