// PyTorch's schema strings. They come with the op table, not from strangers yet; a
// plug-in's will.
#include <cstdint>

#include "fake_runtime/graph/op_schema.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kiln;
  const absl::StatusOr<OpSchema> schema = ParseOpSchema({reinterpret_cast<const char*>(data), size});
  if (!schema.ok()) {
    RequireReason(schema.status());
    return 0;
  }
  const std::string text = schema->ToString();
  const absl::StatusOr<OpSchema> again = ParseOpSchema(text);
  Require(again.ok(), again.status().ToString() + " in " + text);
  Require(again->ToString() == text, text + " becomes " + again->ToString());
  return 0;
}
