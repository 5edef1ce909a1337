// From the text of a graph to its loop program, for tests.
#ifndef KILN_COMPILER_LOOPS_TESTING_LOWER_TEXT_H_
#define KILN_COMPILER_LOOPS_TESTING_LOWER_TEXT_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/loops/loop_ir.h"
#include "compiler/loops/testing/interpret_loop_program.h"
#include "fake_runtime/fake_tensor_mode.h"

namespace kiln {

// A loop program with all that it borrows.
struct LoweredText {
  ExprPool pool;
  FakeGraph fake;
  LoopProgram program;
  std::map<std::string, int64_t> symbols;
};

// Parses, propagates, decomposes and lowers `text`; `symbols` are hints besides
// those that the text itself gives, and the values that it is run with. The host serves every operator of ATen and of
// oneDNN, and with `eager_random` Kiln's own.
absl::StatusOr<std::unique_ptr<LoweredText>> LowerText(absl::string_view text,
                                                       std::map<std::string, int64_t> symbols = {},
                                                       const LoweringOptions& options = {});

// Lowers `text` and runs it on `inputs`.
absl::StatusOr<std::vector<PlainTensor>> RunText(absl::string_view text, const std::vector<PlainTensor>& inputs,
                                                 std::map<std::string, int64_t> symbols = {});

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_TESTING_LOWER_TEXT_H_
