// ELF files as a worker, a store or a server hands them out, before they are signed
// or mapped.
#include <cstdint>

#include "compiler/artifact/check_shared_object.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kiln;
  const absl::string_view elf(reinterpret_cast<const char*>(data), size);
  int passed = 0;
  for (const char* arch : {"x86_64", "aarch64"}) {
    const absl::Status status = CheckSharedObject(elf, arch);
    if (status.ok()) {
      ++passed;
      continue;
    }
    RequireReason(status);
    const std::optional<ErrorReason> reason = GetErrorReason(status);
    Require(reason == ErrorReason::kArtifactCorrupt || reason == ErrorReason::kArtifactRefused, status.ToString());
  }
  Require(passed < 2, "one object for two processors");
  return 0;
}
