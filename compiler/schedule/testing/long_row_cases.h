// Graphs whose kernels have a version for few and long rows, with sizes on both
// sides of the test.
#ifndef KILN_COMPILER_SCHEDULE_TESTING_LONG_ROW_CASES_H_
#define KILN_COMPILER_SCHEDULE_TESTING_LONG_ROW_CASES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/loops/testing/lower_text.h"

namespace kiln::schedule {

using Symbols = std::map<std::string, int64_t>;

struct LongRowCase {
  const char* name;
  const char* graph;
  // Sizes at which eight threads share rows, and at which they do not.
  std::vector<Symbols> few_and_long;
  std::vector<Symbols> others;
};

const std::vector<LongRowCase>& LongRowCases();

// The program as lowering makes it; `hints` are the sizes of the request.
absl::StatusOr<std::unique_ptr<LoweredText>> LowerCase(const LongRowCase& c, const Symbols& hints);

// One for each input of the program, for these sizes.
std::vector<PlainTensor> CaseInputs(const LoopProgram& program, const Symbols& symbols);

// The kernels that run at these sizes, by name.
std::vector<std::string> KernelsThatRun(const LoopProgram& program, const Symbols& symbols);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_TESTING_LONG_ROW_CASES_H_
