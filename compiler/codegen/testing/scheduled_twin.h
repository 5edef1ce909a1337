// A scheduled program beside what the loops that it was made of give, by their
// interpreter: for every host and target that compiled code is tested on.
#ifndef KILN_COMPILER_CODEGEN_TESTING_SCHEDULED_TWIN_H_
#define KILN_COMPILER_CODEGEN_TESTING_SCHEDULED_TWIN_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/loops/testing/interpret_loop_program.h"

namespace kiln {

struct ScheduledTwin {
  // Of the scheduled program.
  std::string text;
  std::vector<PlainTensor> inputs;
  std::map<std::string, int64_t> symbols;
  std::vector<PlainTensor> want;
};

// Kernels at random, over symbols s0 = 4 and s1 = 67.
absl::StatusOr<ScheduledTwin> MakeRandomTwin(uint64_t seed);

// A graph's text: "graph g(%x: f32[s0, 20]) { ... }", s0 = 5 if it has one. An
// Internal status if something of it is left to the host.
absl::StatusOr<ScheduledTwin> MakeLoweredTwin(const std::string& graph);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_SCHEDULED_TWIN_H_
