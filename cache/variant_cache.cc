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
// No compile takes a day.
constexpr double kMaxSavedSeconds = 86400;

void AddReason(std::vector<v1::MissReason>& reasons, v1::MissReason reason) {
  auto at = std::lower_bound(reasons.begin(), reasons.end(), reason);
  if (at == reasons.end() || *at != reason) reasons.insert(at, reason);
}

}  // namespace

VariantCache::VariantCache(std::unique_ptr<ArtifactStore> store, std::shared_ptr<DropLog> dropped,
                           std::unique_ptr<SharedIndex> shared, std::shared_ptr<PinBook> pins)
    : store_(std::move(store)), dropped_(std::move(dropped)), shared_(std::move(shared)), pins_(std::move(pins)) {}

absl::StatusOr<std::unique_ptr<VariantCache>> VariantCache::Open(std::unique_ptr<ArtifactStore> store,
                                                                 std::shared_ptr<DropLog> dropped,
                                                                 std::unique_ptr<SharedIndex> shared,
                                                                 std::shared_ptr<PinBook> pins) {
  std::unique_ptr<VariantCache> cache(
      new VariantCache(std::move(store), std::move(dropped), std::move(shared), std::move(pins)));
  KILN_RETURN_IF_ERROR(cache->NameKeys());
  return cache;
}

absl::Status VariantCache::NameKeys() {
  absl::MutexLock lock(&mutex_);
  KILN_RETURN_IF_ERROR(store_->VisitFacts([this](const RowSummary& row) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    unloaded_.insert(row.name.first);
  }));
  all_loaded_ = unloaded_.empty();
  return absl::OkStatus();
}

void VariantCache::EnsureLoaded(const VariantKey& key) {
  if (all_loaded_.load(std::memory_order_acquire)) return;
  const auto is_loaded = [&] {
    absl::ReaderMutexLock lock(&mutex_);
    return !unloaded_.contains(key);
  };
  if (is_loaded()) return;
  absl::MutexLock loading(&loading_[static_cast<unsigned char>(key.digest.bytes()[0]) % kLoadStripes]);
  // A tier that fails for the moment is asked again the next time.
  if (is_loaded() || !LoadKey(key).ok()) return;
  absl::MutexLock lock(&mutex_);
  unloaded_.erase(key);
  all_loaded_ = unloaded_.empty();
}

absl::Status VariantCache::LoadKey(const VariantKey& key) {
  KILN_ASSIGN_OR_RETURN(std::vector<VariantRow> rows, store_->VariantsOf(key));
  std::vector<IndexedVariantPtr> variants;
  std::vector<Digest> bad;
  for (VariantRow& row : rows) {
    absl::StatusOr<IndexedVariantPtr> variant = MakeIndexedVariant(std::move(row.signed_variant));
    if (variant.ok() && (*variant)->key == key) {
      variants.push_back(*std::move(variant));
    } else {
      bad.push_back(row.artifact);
    }
  }
  for (const IndexedVariantPtr& refused : index_.AddAll(key, std::move(variants))) bad.push_back(refused->artifact);
  for (const Digest& artifact : bad) {
    dropped_->NoteRow(key);
    store_->RemoveVariant(key, artifact).IgnoreError();
  }
  return absl::OkStatus();
}

bool VariantCache::LoadSome(int keys) {
  std::vector<VariantKey> some;
  {
    absl::ReaderMutexLock lock(&mutex_);
    for (const VariantKey& key : unloaded_) {
      if (static_cast<int>(some.size()) == keys) break;
      some.push_back(key);
    }
  }
  for (const VariantKey& key : some) EnsureLoaded(key);
  absl::ReaderMutexLock lock(&mutex_);
  return !unloaded_.empty();
}

void VariantCache::LoadAll() {
  std::vector<VariantKey> keys;
  {
    absl::ReaderMutexLock lock(&mutex_);
    keys.assign(unloaded_.begin(), unloaded_.end());
  }
  for (const VariantKey& key : keys) EnsureLoaded(key);
}

absl::StatusOr<CacheAnswer> VariantCache::Lookup(const VariantKey& key, absl::Span<const int64_t> symbol_values,
                                                 const HostClass& host, bool count,
                                                 const v1::KeyComponents* components) {
  return LookupIn(Reach::kLocal, key, symbol_values, host, count, components);
}

absl::StatusOr<CacheAnswer> VariantCache::LookupShared(const VariantKey& key, absl::Span<const int64_t> symbol_values,
                                                       const HostClass& host, bool count,
                                                       const v1::KeyComponents* components) {
  return LookupIn(Reach::kShared, key, symbol_values, host, count, components);
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
                                                   bool count, const v1::KeyComponents* components) {
  const bool asks_no_further = reach == Reach::kShared || shared_ == nullptr;
  EnsureLoaded(key);
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
      NoteServed(*found.variant);
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
  if (dropped_->HasRevoked(key) || (shared_ != nullptr && shared_->HasRevoked(key))) {
    AddReason(answer.reasons, v1::MISS_REASON_REVOKED);
  }
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
  // Or loading it later would bring back what is replaced now.
  EnsureLoaded(variant->key);
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
  store_->NoteUse(variant->artifact, WorthOf(variant->record));
  return variant;
}

std::vector<IndexedVariantPtr> VariantCache::VariantsOf(const VariantKey& key) {
  EnsureLoaded(key);
  return index_.VariantsOf(key);
}

absl::Status VariantCache::Sync(absl::string_view domain, const VariantKey& key, SharedIndex::When when) {
  if (shared_ == nullptr) return absl::OkStatus();
  EnsureLoaded(key);
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

void VariantCache::NoteServed(const IndexedVariant& variant) {
  const ArtifactWorth worth = WorthOf(variant.record);
  store_->NoteUse(variant.artifact, worth);
  // NaN compares false.
  if (worth.compile_seconds > 0 && worth.compile_seconds < kMaxSavedSeconds) {
    saved_microseconds_.fetch_add(static_cast<int64_t>(worth.compile_seconds * 1e6), std::memory_order_relaxed);
  }
}

void VariantCache::Pin(absl::string_view job, const IndexedVariant& variant) {
  if (pins_ == nullptr || job.empty()) return;
  pins_->Pin(job, variant.artifact, variant.record.artifact_bytes());
}

void VariantCache::Drop(const IndexedVariant& variant) {
  index_.Remove(variant.key, variant.artifact);
  if (!store_->RemoveVariant(variant.key, variant.artifact).ok()) {
    write_failures_.fetch_add(1, std::memory_order_relaxed);
  }
}

absl::Status VariantCache::Verify(const IndexedVariant& variant) {
  absl::StatusOr<StoredArtifact> stored = store_->GetStored(variant.artifact);
  absl::Status status = stored.status();
  if (stored.ok() && Sha256(*stored->elf) != variant.artifact) {
    dropped_->NoteArtifact();
    store_->RemoveArtifact(variant.artifact).IgnoreError();
    status = MakeError(ErrorReason::kArtifactCorrupt,
                       absl::StrCat("artifact ", variant.artifact.ToShortHex(), " is not what its name says"));
  }
  const std::optional<ErrorReason> reason = GetErrorReason(status);
  if (reason == ErrorReason::kArtifactCorrupt || reason == ErrorReason::kArtifactNotFound) Drop(variant);
  return status;
}

void VariantCache::Evict(const IndexedVariant& variant) { Drop(variant); }

void VariantCache::Revoke(const IndexedVariant& variant) {
  // First the note: whoever misses because of the next line is told why.
  dropped_->NoteRevoked(variant.key);
  Drop(variant);
}

void VariantCache::Distrust(const IndexedVariant& variant) {
  dropped_->NoteRow(variant.key);
  Drop(variant);
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
  counters.revoked_rows = dropped_->num_revoked_rows();
  counters.write_failures = write_failures_.load(std::memory_order_relaxed);
  const StoreSize size = store_->Size();
  counters.variants = size.variants;
  counters.keys = size.keys;
  counters.artifacts = size.artifacts;
  counters.artifact_bytes = size.artifact_bytes;
  if (shared_ != nullptr) counters.shared = shared_->Counters();
  counters.keys_by_size = index_.keys_by_size();
  counters.evicted_artifacts = size.evicted_artifacts;
  counters.evicted_bytes = size.evicted_bytes;
  counters.evicted_seconds = size.evicted_seconds;
  counters.saved_seconds = static_cast<double>(saved_microseconds_.load(std::memory_order_relaxed)) / 1e6;
  if (pins_ != nullptr) counters.pins = pins_->Counters();
  return counters;
}

}  // namespace kiln
