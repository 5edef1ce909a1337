#include "cache/variant_cache.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

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

VariantCache::VariantCache(std::unique_ptr<ArtifactStore> store, std::shared_ptr<DropLog> dropped,
                           std::unique_ptr<SharedIndex> shared)
    : store_(std::move(store)), dropped_(std::move(dropped)), shared_(std::move(shared)) {}

absl::StatusOr<std::unique_ptr<VariantCache>> VariantCache::Open(std::unique_ptr<ArtifactStore> store,
                                                                 std::shared_ptr<DropLog> dropped,
                                                                 std::unique_ptr<SharedIndex> shared) {
  std::unique_ptr<VariantCache> cache(new VariantCache(std::move(store), std::move(dropped), std::move(shared)));
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
                                                 const HostClass& host, bool count) {
  return LookupIn(Reach::kLocal, key, symbol_values, host, count);
}

absl::StatusOr<CacheAnswer> VariantCache::LookupShared(const VariantKey& key, absl::Span<const int64_t> symbol_values,
                                                       const HostClass& host, bool count) {
  return LookupIn(Reach::kShared, key, symbol_values, host, count);
}

absl::StatusOr<StoredArtifact> VariantCache::Find(Reach reach, const IndexedVariant& variant) {
  absl::StatusOr<StoredArtifact> found = store_->GetArtifact(variant.artifact);
  if (found.ok() || reach == Reach::kLocal || shared_ == nullptr) return found;
  KILN_ASSIGN_OR_RETURN(ArtifactBytes elf, shared_->Fetch(variant.record.key().domain(), variant.artifact));
  // The copies are for speed alone, so that their failure is no failure of the read.
  if (!store_->Publish({variant.key, variant.artifact, variant.signed_variant}, elf).ok()) {
    write_failures_.fetch_add(1, std::memory_order_relaxed);
  }
  return StoredArtifact{std::move(elf), v1::TIER_SHARED};
}

absl::StatusOr<CacheAnswer> VariantCache::LookupIn(Reach reach, const VariantKey& key,
                                                   absl::Span<const int64_t> symbol_values, const HostClass& host,
                                                   bool count) {
  const bool asks_no_further = reach == Reach::kShared || shared_ == nullptr;
  CacheAnswer answer;
  for (int repairs = 0; repairs <= kMaxRepairsPerLookup; ++repairs) {
    KILN_ASSIGN_OR_RETURN(IndexAnswer found, index_.Lookup(key, symbol_values, host));
    if (found.variant == nullptr) {
      for (v1::MissReason reason : found.reasons) AddReason(answer.reasons, reason);
      answer.elsewhere = !asks_no_further && shared_->IsDue(key);
      break;
    }
    absl::StatusOr<StoredArtifact> artifact = Find(reach, *found.variant);
    if (artifact.ok()) {
      if (count) CountHit(artifact->tier);
      answer.hit = CacheHit{found.variant, std::move(artifact->elf), artifact->tier};
      answer.reasons.clear();
      return answer;
    }
    const std::optional<ErrorReason> reason = GetErrorReason(artifact.status());
    const bool corrupt = reason == ErrorReason::kArtifactCorrupt;
    AddReason(answer.reasons, corrupt ? v1::MISS_REASON_UNTRUSTED : v1::MISS_REASON_ARTIFACT_GONE);
    answer.elsewhere = !asks_no_further;
    if (answer.elsewhere) break;
    // A tier that fails for the moment keeps its rows.
    if (!corrupt && reason != ErrorReason::kArtifactNotFound) break;
    Drop(*found.variant);
  }
  if (answer.elsewhere) return answer;
  if (dropped_->HasLost(key) || (shared_ != nullptr && shared_->HasLost(key))) {
    AddReason(answer.reasons, v1::MISS_REASON_UNTRUSTED);
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

absl::Status VariantCache::Sync(absl::string_view domain, const VariantKey& key, SharedIndex::When when) {
  if (shared_ == nullptr) return absl::OkStatus();
  KILN_ASSIGN_OR_RETURN(const SharedIndex::Pulled pulled,
                        shared_->Pull(domain, key, [&] { return index_.VariantsOf(key); }, when));
  for (const IndexedVariantPtr& variant : pulled.rows) {
    if (!index_.Add(variant).ok()) write_failures_.fetch_add(1, std::memory_order_relaxed);
  }
  shared_->Restore(pulled, [this](const Digest& sha256) {
    absl::StatusOr<StoredArtifact> artifact = store_->GetArtifact(sha256);
    return artifact.ok() ? artifact->elf : nullptr;
  });
  return absl::OkStatus();
}

absl::StatusOr<StoredArtifact> VariantCache::GetArtifactShared(absl::string_view domain, const Digest& sha256) {
  absl::StatusOr<StoredArtifact> found = GetArtifact(sha256);
  if (found.ok() || shared_ == nullptr) return found;
  absl::StatusOr<ArtifactBytes> elf = shared_->Fetch(domain, sha256);
  if (!elf.ok()) return found;
  return StoredArtifact{*std::move(elf), v1::TIER_SHARED};
}

void VariantCache::Share(const IndexedVariant& variant, const ArtifactBytes& elf) {
  // What the tier does not take now it gets with a later Sync().
  if (shared_ != nullptr) shared_->Publish(variant, elf).IgnoreError();
}

void VariantCache::Drop(const IndexedVariant& variant) {
  index_.Remove(variant.key, variant.artifact);
  if (!store_->RemoveVariant(variant.key, variant.artifact).ok()) {
    write_failures_.fetch_add(1, std::memory_order_relaxed);
  }
}

void VariantCache::CountHit(v1::Tier tier) {
  std::atomic<int64_t>& hits = tier == v1::TIER_MEMORY ? hits_memory_
                               : tier == v1::TIER_DISK ? hits_disk_
                                                       : hits_shared_;
  hits.fetch_add(1, std::memory_order_relaxed);
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
  counters.hits_shared = hits_shared_.load(std::memory_order_relaxed);
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
  if (shared_ != nullptr) counters.shared = shared_->Counters();
  return counters;
}

}  // namespace kiln
