#include "cache/memory_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {

MemoryStore::MemoryStore(int64_t max_bytes, std::shared_ptr<const PinBook> pins)
    : pins_(std::move(pins)), order_({.max_bytes = max_bytes, .slack = 0}) {}

MemoryStore::Shard& MemoryStore::ShardOf(const Digest& sha256) {
  return shards_[static_cast<unsigned char>(sha256.bytes()[Digest::kSizeBytes - 1]) % kShards];
}

absl::StatusOr<StoredArtifact> MemoryStore::GetArtifact(const Digest& sha256) {
  Shard& shard = ShardOf(sha256);
  absl::ReaderMutexLock lock(&shard.mutex);
  auto found = shard.held.find(sha256);
  if (found == shard.held.end()) {
    return MakeError(ErrorReason::kArtifactNotFound,
                     absl::StrCat("artifact ", sha256.ToShortHex(), " is not in memory"));
  }
  return StoredArtifact{found->second.elf, v1::TIER_MEMORY};
}

absl::Status MemoryStore::PutArtifact(const Digest& sha256, ArtifactBytes elf) {
  const ArtifactWorth worth{.bytes = static_cast<int64_t>(elf->size())};
  Insert(sha256, std::move(elf), worth, nullptr);
  return absl::OkStatus();
}

absl::Status MemoryStore::Publish(const VariantRow& row, ArtifactBytes elf) {
  const v1::RowFacts facts = FactsOf(row.signed_variant);
  const ArtifactWorth worth{static_cast<int64_t>(elf->size()), facts.compile_seconds(), facts.tenant()};
  Insert(row.artifact, std::move(elf), worth, &row);
  return absl::OkStatus();
}

void MemoryStore::Insert(const Digest& sha256, ArtifactBytes elf, const ArtifactWorth& worth, const VariantRow* row) {
  bool is_new_row = false;
  if (row != nullptr) {
    // Before the row is there: whoever takes it out again counts it out.
    absl::MutexLock lock(&mutex_);
    rows_.Add(row->key);
  }
  {
    Shard& shard = ShardOf(sha256);
    absl::MutexLock lock(&shard.mutex);
    Held& held = shard.held[sha256];
    if (held.elf == nullptr) held.elf = std::move(elf);
    if (row != nullptr) is_new_row = held.rows.insert_or_assign(row->key, row->signed_variant).second;
  }
  std::vector<ValueOrder::Evicted> leaving;
  {
    absl::MutexLock lock(&mutex_);
    if (row != nullptr && !is_new_row) rows_.Remove(row->key);
    order_.Add(sha256, worth);
    leaving = order_.TakeOverflow(
        sha256, [this](const Digest& artifact) { return pins_ != nullptr && pins_->IsPinned(artifact); });
    for (const ValueOrder::Evicted& evicted : leaving) {
      ++evicted_.evicted_artifacts;
      evicted_.evicted_bytes += evicted.worth.bytes;
      evicted_.evicted_seconds += evicted.worth.compile_seconds;
    }
  }
  for (const ValueOrder::Evicted& evicted : leaving) Erase(evicted.artifact);
}

void MemoryStore::Erase(const Digest& sha256) {
  Held held;
  {
    Shard& shard = ShardOf(sha256);
    absl::MutexLock lock(&shard.mutex);
    auto found = shard.held.find(sha256);
    if (found == shard.held.end()) return;
    held = std::move(found->second);
    shard.held.erase(found);
  }
  ForgetRows(held);
}

void MemoryStore::ForgetRows(const Held& held) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [key, row] : held.rows) rows_.Remove(key);
}

absl::Status MemoryStore::RemoveArtifact(const Digest& sha256) {
  Erase(sha256);
  absl::MutexLock lock(&mutex_);
  order_.Erase(sha256);
  return absl::OkStatus();
}

absl::Status MemoryStore::RemoveVariant(const VariantKey& key, const Digest& artifact) {
  bool was_last = false;
  {
    Shard& shard = ShardOf(artifact);
    absl::MutexLock lock(&shard.mutex);
    auto found = shard.held.find(artifact);
    if (found == shard.held.end() || found->second.rows.erase(key) == 0) return absl::OkStatus();
    was_last = found->second.rows.empty();
    if (was_last) shard.held.erase(found);
  }
  absl::MutexLock lock(&mutex_);
  rows_.Remove(key);
  if (was_last) order_.Erase(artifact);
  return absl::OkStatus();
}

absl::Status MemoryStore::VisitVariants(const std::function<void(VariantRow)>& visit) {
  std::vector<VariantRow> rows;
  for (Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    for (const auto& [sha256, held] : shard.held) {
      for (const auto& [key, signed_variant] : held.rows) rows.push_back({key, sha256, signed_variant});
    }
  }
  for (VariantRow& row : rows) visit(std::move(row));
  return absl::OkStatus();
}

void MemoryStore::NoteUse(const Digest& artifact, const ArtifactWorth& worth) {
  if (!mutex_.TryLock()) return;
  order_.Use(artifact, worth);
  mutex_.Unlock();
}

StoreSize MemoryStore::Size() {
  absl::MutexLock lock(&mutex_);
  StoreSize size = evicted_;
  size.artifacts = static_cast<int64_t>(order_.size());
  size.artifact_bytes = order_.bytes();
  size.variants = rows_.rows();
  size.keys = rows_.keys();
  return size;
}

}  // namespace kiln
