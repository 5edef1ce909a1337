// A file that says whom to trust, or what not to: read whole or not at all.
#ifndef KILN_COMPILER_ARTIFACT_TRUST_FILE_H_
#define KILN_COMPILER_ARTIFACT_TRUST_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace kiln {

// Of at most 8 MiB. NOT_FOUND (the plain code, without a reason of ours) only when
// nothing is there: whether that is an error is the caller's to say. STORAGE for
// anything else that keeps it from being read, which never counts as empty: a list of
// revocations that could not be read revokes nothing.
absl::StatusOr<std::string> ReadTrustFile(const std::string& path);

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_TRUST_FILE_H_
