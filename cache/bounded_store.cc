#include "cache/bounded_store.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace kiln {
namespace {

// A row on the way to its place in the order of a fresh process.
struct Loaded {
  VariantKey key;
  Digest artifact;
  int64_t bytes = 0;
  int64_t created_unix_seconds = 0;
};

}  // namespace

BoundedStore::BoundedStore(std::shared_ptr<ArtifactStore> inner, int64_t max_bytes)
    : inner_(std::move(inner)), max_bytes_(max_bytes) {}

absl::StatusOr<std::unique_ptr<BoundedStore>> BoundedStore::Open(std::shared_ptr<ArtifactStore> inner,
                                                                 int64_t max_bytes) {
  std::unique_ptr<BoundedStore> store(new BoundedStore(std::move(inner), max_bytes));
  KILN_RETURN_IF_ERROR(store->Load());
  // The bound may be lower than it was.
  store->Evict();
  return store;
}

absl::Status BoundedStore::Load() {
  std::vector<Loaded> rows;
  KILN_RETURN_IF_ERROR(inner_->VisitVariants([&](VariantRow row) {
    v1::VariantRecord record;
    // An unreadable record is the oldest; whoever verifies drops it.
    if (!record.ParseFromString(row.signed_variant.record())) record.Clear();
    // What an unsigned row says of its size must not upset the sum.
    const int64_t bytes = std::clamp<int64_t>(record.artifact_bytes(), 0, max_bytes_);
    rows.push_back({row.key, row.artifact, bytes, record.created_unix_seconds()});
  }));
  std::sort(rows.begin(), rows.end(),
            [](const Loaded& a, const Loaded& b) { return a.created_unix_seconds < b.created_unix_seconds; });
  for (const Loaded& row : rows) Note(row.key, row.artifact, row.bytes);
  return absl::OkStatus();
}

absl::StatusOr<StoredArtifact> BoundedStore::GetArtifact(const Digest& sha256) {
  Touch(sha256);
  return inner_->GetArtifact(sha256);
}

absl::Status BoundedStore::PutArtifact(const Digest& sha256, ArtifactBytes elf) {
  return inner_->PutArtifact(sha256, std::move(elf));
}

absl::Status BoundedStore::RemoveArtifact(const Digest& sha256) { return inner_->RemoveArtifact(sha256); }

absl::Status BoundedStore::Publish(const VariantRow& row, ArtifactBytes elf) {
  const int64_t bytes = static_cast<int64_t>(elf->size());
  KILN_RETURN_IF_ERROR(inner_->Publish(row, std::move(elf)));
  Note(row.key, row.artifact, bytes);
  Evict();
  return absl::OkStatus();
}

absl::Status BoundedStore::RemoveVariant(const VariantKey& key, const Digest& artifact) {
  Forget(key, artifact);
  return inner_->RemoveVariant(key, artifact);
}

absl::Status BoundedStore::VisitVariants(const std::function<void(VariantRow)>& visit) {
  return inner_->VisitVariants(visit);
}

StoreSize BoundedStore::Size() { return inner_->Size(); }

void BoundedStore::Touch(const Digest& artifact) {
  absl::MutexLock lock(&mutex_);
  auto found = by_digest_.find(artifact);
  if (found != by_digest_.end()) order_.splice(order_.begin(), order_, found->second);
}

void BoundedStore::Note(const VariantKey& key, const Digest& artifact, int64_t bytes) {
  absl::MutexLock lock(&mutex_);
  auto [slot, is_new] = by_digest_.try_emplace(artifact);
  if (is_new) {
    order_.push_front({artifact, bytes, {}});
    slot->second = order_.begin();
    bytes_ += bytes;
  } else {
    order_.splice(order_.begin(), order_, slot->second);
  }
  std::vector<VariantKey>& keys = slot->second->keys;
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
}

void BoundedStore::Forget(const VariantKey& key, const Digest& artifact) {
  absl::MutexLock lock(&mutex_);
  auto found = by_digest_.find(artifact);
  if (found == by_digest_.end()) return;
  std::erase(found->second->keys, key);
  if (!found->second->keys.empty()) return;
  bytes_ -= found->second->bytes;
  order_.erase(found->second);
  by_digest_.erase(found);
}

BoundedStore::Order BoundedStore::TakeOverflow() {
  absl::MutexLock lock(&mutex_);
  Order leaving;
  if (bytes_ <= max_bytes_) return leaving;
  const int64_t target = max_bytes_ - max_bytes_ / 8;
  while (bytes_ > target && order_.size() > 1) {
    auto last = std::prev(order_.end());
    bytes_ -= last->bytes;
    by_digest_.erase(last->artifact);
    leaving.splice(leaving.end(), order_, last);
  }
  return leaving;
}

void BoundedStore::Evict() {
  for (const Used& used : TakeOverflow()) {
    // A removal that fails leaves bytes behind that the next start counts again.
    for (const VariantKey& key : used.keys) inner_->RemoveVariant(key, used.artifact).IgnoreError();
  }
}

}  // namespace kiln
