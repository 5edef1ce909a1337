// Where artifacts and variant rows live. One interface; tiers implement it,
// decorators wrap it (tiered_store.h, verified_store.h).
//
// Artifacts are immutable and named by the SHA-256 of their bytes, so a put of
// one that is there already is no work and no harm. A row belongs to a key and
// names an artifact; a row whose artifact is gone is a miss, never an error.
//
// Implementations are thread-safe. Calls may block on the disk.
//   ARTIFACT_NOT_FOUND  a miss
//   ARTIFACT_CORRUPT    it was there but is not what its name says (verified
//                       stores only); a miss as well
//   STORAGE             the tier failed; the request can go on without it
#ifndef KILN_CACHE_ARTIFACT_STORE_H_
#define KILN_CACHE_ARTIFACT_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/digest.h"
#include "cache/artifact_worth.h"
#include "cache/variant_key.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// An artifact's bytes, shared and never changed.
using ArtifactBytes = std::shared_ptr<const std::string>;

struct StoredArtifact {
  ArtifactBytes elf;
  v1::Tier tier;  // which tier answered
};

struct VariantRow {
  VariantKey key;
  Digest artifact;
  v1::SignedVariant signed_variant;
};

// A row's name: rows are in the order of their names.
using RowName = std::pair<VariantKey, Digest>;

// What is known of a row without reading it.
struct RowSummary {
  RowName name;
  v1::RowFacts facts;
};

struct StoreSize {
  int64_t artifacts = 0;
  int64_t artifact_bytes = 0;
  int64_t variants = 0;
  int64_t keys = 0;
  // Of those that left since the start because bytes ran out.
  int64_t evicted_artifacts = 0;
  int64_t evicted_bytes = 0;
  double evicted_seconds = 0;  // of compiling
};

// From what a row says of itself, signed or not.
v1::RowFacts FactsOf(const v1::SignedVariant& row);

class ArtifactStore {
 public:
  virtual ~ArtifactStore() = default;

  virtual absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256) = 0;
  // The same, past whatever copies stand above: from where it must survive.
  virtual absl::StatusOr<StoredArtifact> GetStored(const Digest& sha256) { return GetArtifact(sha256); }
  virtual absl::Status PutArtifact(const Digest& sha256, ArtifactBytes elf) = 0;
  virtual absl::Status RemoveArtifact(const Digest& sha256) = 0;

  // Puts an artifact and its row at once: nobody ever sees the row alone. After
  // OK both survive whatever the tier survives.
  virtual absl::Status Publish(const VariantRow& row, ArtifactBytes elf) = 0;
  // The artifact goes with its last row.
  virtual absl::Status RemoveVariant(const VariantKey& key, const Digest& artifact) = 0;
  // Calls `visit` for every row, in no order. `visit` must not call the store.
  virtual absl::Status VisitVariants(const std::function<void(VariantRow)>& visit) = 0;
  // Those of one key. Unless it is overridden: looks at every row.
  virtual absl::StatusOr<std::vector<VariantRow>> VariantsOf(const VariantKey& key);
  // The first row behind this name, or of all. Unless it is overridden: looks at
  // every row.
  virtual absl::StatusOr<std::optional<VariantRow>> NextVariant(const std::optional<RowName>& after);

  // What is known of every row, in no order, and what others have come to know. Facts
  // are hints: a store that keeps none tells what rows say, and forgets what it is told.
  virtual absl::Status VisitFacts(const std::function<void(RowSummary)>& visit);
  virtual absl::Status PutFacts(absl::Span<const RowSummary> rows);

  // Somebody was served this artifact, which the store may have or not: counts for
  // what it keeps. Never blocks; a use that would have to wait is not counted.
  virtual void NoteUse(const Digest& artifact, const ArtifactWorth& worth);

  virtual StoreSize Size() = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_ARTIFACT_STORE_H_
