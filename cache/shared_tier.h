// The tier that replicas share: artifacts by digest, and for each key an
// append-only log of signed rows. It is asked for nothing but put-if-absent and
// append, so that any store that can do these will do, and concurrent writers need
// no agreement. Artifacts and logs may vanish at any time, each for itself, and
// what is read may be anybody's: whoever reads verifies (shared_index.h).
//
// `domain` is the tenant whose key it is; tenants share nothing here, not even
// equal artifacts.
//
// Implementations are thread-safe. Calls block, each for a bounded time.
//   ARTIFACT_NOT_FOUND  it is not there
//   ARTIFACT_CORRUPT    what is there is no artifact; a miss as well
//   STORAGE             the tier failed, or is being left alone for a while
#ifndef KILN_CACHE_SHARED_TIER_H_
#define KILN_CACHE_SHARED_TIER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/digest.h"
#include "cache/artifact_store.h"
#include "cache/variant_key.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// A place in a log, as the tier writes it. Empty: before the first row.
using LogCursor = std::string;

struct SharedRow {
  LogCursor at;
  // Unset when the entry does not even parse.
  std::optional<v1::SignedVariant> signed_variant;
};

struct LogPage {
  std::vector<SharedRow> rows;
  // Behind the last row; where to read on.
  LogCursor end;
  // More rows were there already.
  bool more = false;
  // The cursor is not of this log: it was lost, and perhaps begun anew. `rows` are
  // none; read from the start.
  bool lost = false;
};

// Since the start; for metrics.
struct SharedTierState {
  bool up = true;             // false: being left alone for a while
  bool probing = false;       // somebody may try again
  int64_t times_down = 0;
  int64_t calls = 0;
  int64_t failures = 0;
  int64_t bytes_read = 0;
  int64_t bytes_written = 0;
  int64_t put_failures = 0;   // artifacts and rows that could not be written
};

class SharedTier {
 public:
  virtual ~SharedTier() = default;

  // False: it is only read, and has nothing to be given back.
  virtual bool takes_writes() const { return true; }

  virtual absl::StatusOr<ArtifactBytes> GetArtifact(absl::string_view domain, const Digest& sha256) = 0;
  // Puts it if it is not there.
  virtual absl::Status PutArtifact(absl::string_view domain, const Digest& sha256, const ArtifactBytes& elf) = 0;
  // For corrupt ones alone.
  virtual absl::Status RemoveArtifact(absl::string_view domain, const Digest& sha256) = 0;
  // One answer for each, in order.
  virtual absl::StatusOr<std::vector<bool>> HasArtifacts(absl::string_view domain, absl::Span<const Digest> sha256s) = 0;

  // A row may stand in the log more than once.
  virtual absl::Status AppendRow(absl::string_view domain, const VariantKey& key, const v1::SignedVariant& row) = 0;
  virtual absl::StatusOr<LogPage> ReadLog(absl::string_view domain, const VariantKey& key, const LogCursor& after) = 0;
  // For rows that nobody can have signed.
  virtual absl::Status RemoveRow(absl::string_view domain, const VariantKey& key, const LogCursor& at) = 0;

  virtual SharedTierState State() const = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_SHARED_TIER_H_
