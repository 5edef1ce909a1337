// A hand made kernel for every instruction of the loop IR, for compiled code and its
// naive twin.
#ifndef KILN_COMPILER_CODEGEN_TESTING_KERNEL_CASES_H_
#define KILN_COMPILER_CODEGEN_TESTING_KERNEL_CASES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "compiler/loops/testing/interpret_loop_program.h"

namespace kiln {

struct KernelCase {
  const char* name;
  // Of inputs b0, b1 (s0*s1 elements each) and output b2.
  const char *in0, *in1, *out;
  const char* body;
  double tolerance = 1e-6;
};

absl::Span<const KernelCase> KernelCases();

// The loop program over symbols s0 and s1.
std::string ProgramOf(const KernelCase& c);

// Sizes that are multiples of a vector, less than one, and neither.
std::vector<std::map<std::string, int64_t>> KernelSymbols();
std::vector<PlainTensor> KernelInputs(const KernelCase& c, const std::map<std::string, int64_t>& symbols);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_KERNEL_CASES_H_
