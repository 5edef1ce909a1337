// What must not be used any more although a trusted key signed it. Servers and hosts
// read the same text, a rule a line; '#' starts a comment:
//
//   artifact 9f86d081...              an artifact, by its SHA-256 (64 hex digits)
//   key 2c26b46b68ffc68f              a signing key, by its id (16 hex digits) or whole (64)
//   build kiln-0.1.0+llvm-19.1.7+*    a compiler build; a trailing '*' is any ending
//   before 2026-11-30T12:00:00Z       an epoch: everything that was compiled before it
#ifndef KILN_COMPILER_ARTIFACT_REVOCATION_LIST_H_
#define KILN_COMPILER_ARTIFACT_REVOCATION_LIST_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// A plain value. Thread-compatible.
class RevocationList {
 public:
  // All lines or none. PARSE_ERROR naming the line; LIMIT_EXCEEDED over kRevocations.
  absl::Status AddText(absl::string_view text);

  // ARTIFACT_REVOKED, saying by which rule. `key_id` is that of who signed it.
  absl::Status Check(const v1::VariantRecord& record, absl::string_view key_id) const;

  // Rules, each once.
  int64_t size() const;

 private:
  absl::Status AddLine(absl::string_view line);

  std::set<std::string> artifacts_;  // 32 bytes
  std::set<std::string> key_ids_;    // 8 bytes
  std::set<std::string> builds_;
  std::set<std::string> build_prefixes_;
  // The latest of all; 0 for none.
  int64_t before_unix_seconds_ = 0;
};

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_REVOCATION_LIST_H_
