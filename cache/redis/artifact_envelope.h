// An artifact as Redis holds it:
//
//   byte 0..3   "KAE1"
//   byte 4      0: as it is; 1: one Zstandard frame
//   byte 5..8   bytes of the artifact, least significant first
//   byte 9..    the artifact, or the frame
//
// Whether the bytes are those of a digest is for the reader to check.
#ifndef KILN_CACHE_REDIS_ARTIFACT_ENVELOPE_H_
#define KILN_CACHE_REDIS_ARTIFACT_ENVELOPE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {

inline constexpr size_t kEnvelopeHeaderBytes = 9;

// Compressed if that saves an eighth. `elf` is within Limit::kArtifactBytes.
std::string WrapArtifact(absl::string_view elf);

// ARTIFACT_CORRUPT. Never makes more than the header says, nor more than
// Limit::kArtifactBytes.
absl::StatusOr<std::string> UnwrapArtifact(absl::string_view envelope);

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_ARTIFACT_ENVELOPE_H_
