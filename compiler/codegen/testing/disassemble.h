// What a kernel became, instruction by instruction: for tests that ask for vector
// instructions by name.
#ifndef KILN_COMPILER_CODEGEN_TESTING_DISASSEMBLE_H_
#define KILN_COMPILER_CODEGEN_TESTING_DISASSEMBLE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {

struct KernelCode {
  // "fmla z0.s, p0/m, z1.s, z2.s": operands after one space, in LLVM's syntax, and
  // labels where jumps go.
  std::vector<std::string> instructions;
  // The innermost loops, each its instructions, in the order of the code.
  std::vector<std::vector<std::string>> loops;
};

// The function `symbol` of an artifact. NOT_FOUND if there is none; INTERNAL where
// bytes of it are no instruction.
absl::StatusOr<KernelCode> DisassembleKernel(absl::string_view elf, absl::string_view symbol);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_DISASSEMBLE_H_
