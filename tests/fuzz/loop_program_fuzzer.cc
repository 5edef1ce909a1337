// The text form of loop programs: people write it for `kiln` and for tests.
#include <cstdint>

#include "compiler/loops/loop_ir.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kiln;
  ExprPool pool;
  const absl::StatusOr<LoopProgram> program =
      ParseLoopProgram({reinterpret_cast<const char*>(data), size}, &pool);
  if (!program.ok()) {
    RequireReason(program.status());
    return 0;
  }
  const std::string text = PrintLoopProgram(*program);
  const absl::StatusOr<LoopProgram> again = ParseLoopProgram(text, &pool);
  Require(again.ok(), again.status().ToString() + "\n" + text);
  Require(PrintLoopProgram(*again) == text, text + "\nbecomes\n" + PrintLoopProgram(*again));
  Require(VerifyLoopProgram(*program).ok() == VerifyLoopProgram(*again).ok(), text);
  return 0;
}
