// What a kernel became, instruction by instruction, through LLVM's own
// disassembler: for tests that ask for vector instructions by name.
#ifndef KILN_COMPILER_CODEGEN_TESTING_DISASSEMBLE_H_
#define KILN_COMPILER_CODEGEN_TESTING_DISASSEMBLE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {

struct Disassembly {
  // "fmla z0.s, p0/m, z1.s, z2.s": operands after one space, in LLVM's syntax.
  std::vector<std::string> instructions;
  // The innermost loops, each its instructions, in the order of the code. Of
  // aarch64 alone.
  std::vector<std::vector<std::string>> loops;
};

// The function `symbol` of an artifact for `arch`, with every feature of the
// processor's.
absl::StatusOr<Disassembly> Disassemble(absl::string_view elf, const std::string& arch, absl::string_view symbol);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_DISASSEMBLE_H_
