// Reads the manifest out of an artifact: a small strict parser of 64-bit
// little-endian ELF shared objects. It looks at nothing but the headers, the
// section table and .kiln.manifest, and trusts none of their numbers.
#ifndef KILN_COMPILER_ARTIFACT_READ_MANIFEST_H_
#define KILN_COMPILER_ARTIFACT_READ_MANIFEST_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// ARTIFACT_CORRUPT unless `elf` is a well-formed shared object with exactly one
// manifest of format 1.
absl::StatusOr<v1::Manifest> ReadManifest(absl::string_view elf);

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_READ_MANIFEST_H_
