// ELF files as a worker, a store or a server hands them out.
#include <cstdint>

#include "compiler/artifact/read_manifest.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kiln;
  const absl::StatusOr<v1::Manifest> manifest = ReadManifest({reinterpret_cast<const char*>(data), size});
  if (manifest.ok()) return 0;
  Require(GetErrorReason(manifest.status()) == ErrorReason::kArtifactCorrupt, manifest.status().ToString());
  return 0;
}
