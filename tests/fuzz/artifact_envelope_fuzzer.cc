// Artifacts as the shared tier holds them, and whatever else stands there.
#include <cstdint>

#include "base/error.h"
#include "base/limits.h"
#include "cache/redis/artifact_envelope.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kiln;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<std::string> elf = UnwrapArtifact(bytes);
  if (!elf.ok()) Require(GetErrorReason(elf.status()) == ErrorReason::kArtifactCorrupt, elf.status().ToString());
  const absl::StatusOr<std::string> back = UnwrapArtifact(WrapArtifact(bytes));
  Require(back.ok() && *back == bytes, "what was wrapped does not come back");
  return 0;
}
