#include "cache/variant_cache.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cache/nearest_entry.h"

namespace kiln {
namespace {

// Rows that a lookup may find to be without their artifact before it gives up: a
// bound on its time when a whole tier is gone.
constexpr int kMaxRepairsPerLookup = 8;

void AddReason(std::vector<v1::MissReason>& reasons, v1::MissReason reason) {
  auto at = std::lower_bound(reasons.begin(), reasons.end(), reason);
  if (at == reasons.end() || *at != reason) reasons.insert(at, reason);
}

}  // namespace

VariantCache::VariantCache(std::unique_ptr<ArtifactStore> store, std::shared_ptr<DropLog> dropped)
    : store_(std::move(store)), dropped_(std::move(dropped)) {}

absl::StatusOr<std::unique_ptr<VariantCache>> VariantCache::Open(std::unique_ptr<ArtifactStore> store,
                                                                 std::shared_ptr<DropLog> dropped) {
  std::unique_ptr<VariantCache> cache(new VariantCache(std::move(store), std::move(dropped)));
  KILN_RETURN_IF_ERROR(cache->Load());
  return cache;
}

absl::Status VariantCache::Load() {
  return store_->VisitVariants([this](VariantRow row) {
    absl::StatusOr<IndexedVariantPtr> variant = MakeIndexedVariant(std::move(row.signed_variant));
    if (!variant.ok() || !index_.Add(*variant).ok()) dropped_->NoteRow(row.key);
  });
}

absl::StatusOr<CacheAnswer> VariantCache::Lookup(const VariantKey& key, absl::Span<const int64_t> symbol_values,
                                                 const HostClass& host, bool count,
                                                 const v1::KeyComponents* components) {
  CacheAnswer answer;
  for (int repairs = 0; repairs <= kMaxRepairsPerLookup; ++repairs) {
    KILN_ASSIGN_OR_RETURN(IndexAnswer found, index_.Lookup(key, symbol_values, host));
    if (found.variant == nullptr) {
      for (v1::MissReason reason : found.reasons) AddReason(answer.reasons, reason);
      break;
    }
    absl::StatusOr<StoredArtifact> artifact = store_->GetArtifact(found.variant->artifact);
    if (artifact.ok()) {
      if (count) CountHit(artifact->tier);
      answer.hit = CacheHit{found.variant, std::move(artifact->elf), artifact->tier};
      answer.reasons.clear();
      return answer;
    }
    const std::optional<ErrorReason> reason = GetErrorReason(artifact.status());
    const bool corrupt = reason == ErrorReason::kArtifactCorrupt;
    AddReason(answer.reasons, corrupt ? v1::MISS_REASON_UNTRUSTED : v1::MISS_REASON_ARTIFACT_GONE);
    // A tier that fails for the moment keeps its rows.
    if (!corrupt && reason != ErrorReason::kArtifactNotFound) break;
    Drop(*found.variant);
  }
  if (dropped_->HasLost(key)) AddReason(answer.reasons, v1::MISS_REASON_UNTRUSTED);
  if (components != nullptr) {
    NearestEntry nearest = FindNearest(index_, {*components, symbol_values, host, {}});
    answer.nearest = std::move(nearest.variant);
    if (answer.reasons == std::vector{v1::MISS_REASON_UNKNOWN_KEY} && !nearest.reasons.empty()) {
      answer.reasons = std::move(nearest.reasons);
    }
  }
  if (count) CountMiss(answer.reasons);
  return answer;
}

absl::StatusOr<StoredArtifact> VariantCache::GetArtifact(const Digest& sha256) {
  absl::StatusOr<StoredArtifact> found = store_->GetArtifact(sha256);
  if (found.ok() || GetErrorReason(found.status()) == ErrorReason::kArtifactNotFound) return found;
  return MakeError(ErrorReason::kArtifactNotFound, found.status().message());
}

absl::StatusOr<IndexedVariantPtr> VariantCache::Publish(v1::SignedVariant signed_variant, ArtifactBytes elf) {
  KILN_ASSIGN_OR_RETURN(IndexedVariantPtr variant, MakeIndexedVariant(std::move(signed_variant)));
  const Digest actual = Sha256(*elf);
  if (actual != variant->artifact) {
    return MakeError(ErrorReason::kArtifactCorrupt,
                     absl::StrCat("the record names artifact ", variant->artifact.ToShortHex(),
                                  " but the bytes have digest ", actual.ToShortHex()));
  }
  absl::Status stored = store_->Publish({variant->key, variant->artifact, variant->signed_variant}, std::move(elf));
  if (!stored.ok()) write_failures_.fetch_add(1, std::memory_order_relaxed);
  absl::Status indexed = index_.Add(variant);
  if (GetErrorReason(indexed) == ErrorReason::kArtifactCorrupt) {
    store_->RemoveVariant(variant->key, variant->artifact).IgnoreError();
    return indexed;
  }
  // Over a limit: whoever waits for it gets it, and the next one compiles again.
  if (!indexed.ok()) write_failures_.fetch_add(1, std::memory_order_relaxed);
  dropped_->Forget(variant->key);
  return variant;
}

void VariantCache::Drop(const IndexedVariant& variant) {
  index_.Remove(variant.key, variant.artifact);
  if (!store_->RemoveVariant(variant.key, variant.artifact).ok()) {
    write_failures_.fetch_add(1, std::memory_order_relaxed);
  }
}

void VariantCache::CountHit(v1::Tier tier) {
  (tier == v1::TIER_MEMORY ? hits_memory_ : hits_disk_).fetch_add(1, std::memory_order_relaxed);
}

void VariantCache::CountMiss(const std::vector<v1::MissReason>& reasons) {
  misses_.fetch_add(1, std::memory_order_relaxed);
  for (v1::MissReason reason : reasons) {
    misses_by_reason_[static_cast<size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  }
}

CacheCounters VariantCache::Counters() const {
  CacheCounters counters;
  counters.hits_memory = hits_memory_.load(std::memory_order_relaxed);
  counters.hits_disk = hits_disk_.load(std::memory_order_relaxed);
  counters.misses = misses_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < misses_by_reason_.size(); ++i) {
    counters.misses_by_reason[i] = misses_by_reason_[i].load(std::memory_order_relaxed);
  }
  counters.dropped_rows = dropped_->num_rows();
  counters.dropped_artifacts = dropped_->num_artifacts();
  counters.write_failures = write_failures_.load(std::memory_order_relaxed);
  counters.variants = index_.num_variants();
  counters.keys = index_.num_keys();
  const StoreSize size = store_->Size();
  counters.artifacts = size.artifacts;
  counters.artifact_bytes = size.artifact_bytes;
  return counters;
}

}  // namespace kiln
