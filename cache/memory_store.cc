#include "cache/memory_store.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {

absl::StatusOr<StoredArtifact> MemoryStore::GetArtifact(const Digest& sha256) {
  absl::MutexLock lock(&mutex_);
  auto found = by_digest_.find(sha256);
  if (found == by_digest_.end()) {
    return MakeError(ErrorReason::kArtifactNotFound,
                     absl::StrCat("artifact ", sha256.ToShortHex(), " is not in memory"));
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return StoredArtifact{found->second->elf, v1::TIER_MEMORY};
}

absl::Status MemoryStore::PutArtifact(const Digest& sha256, ArtifactBytes elf) {
  absl::MutexLock lock(&mutex_);
  Touch(sha256, std::move(elf));
  Evict();
  return absl::OkStatus();
}

absl::Status MemoryStore::RemoveArtifact(const Digest& sha256) {
  absl::MutexLock lock(&mutex_);
  auto found = by_digest_.find(sha256);
  if (found != by_digest_.end()) Erase(found->second);
  return absl::OkStatus();
}

absl::Status MemoryStore::Publish(const VariantRow& row, ArtifactBytes elf) {
  absl::MutexLock lock(&mutex_);
  Entry& entry = Touch(row.artifact, std::move(elf));
  if (entry.rows.insert_or_assign(row.key, row.signed_variant).second) ++num_rows_;
  Evict();
  return absl::OkStatus();
}

absl::Status MemoryStore::RemoveVariant(const VariantKey& key, const Digest& artifact) {
  absl::MutexLock lock(&mutex_);
  auto found = by_digest_.find(artifact);
  if (found == by_digest_.end() || found->second->rows.erase(key) == 0) return absl::OkStatus();
  --num_rows_;
  if (found->second->rows.empty()) Erase(found->second);
  return absl::OkStatus();
}

absl::Status MemoryStore::VisitVariants(const std::function<void(VariantRow)>& visit) {
  std::vector<VariantRow> rows;
  {
    absl::MutexLock lock(&mutex_);
    for (const Entry& entry : entries_) {
      for (const auto& [key, signed_variant] : entry.rows) rows.push_back({key, entry.sha256, signed_variant});
    }
  }
  for (VariantRow& row : rows) visit(std::move(row));
  return absl::OkStatus();
}

StoreSize MemoryStore::Size() {
  absl::MutexLock lock(&mutex_);
  return {static_cast<int64_t>(entries_.size()), bytes_, num_rows_};
}

MemoryStore::Entry& MemoryStore::Touch(const Digest& sha256, ArtifactBytes elf) {
  auto [slot, added] = by_digest_.try_emplace(sha256);
  if (added) {
    bytes_ += static_cast<int64_t>(elf->size());
    entries_.push_front({sha256, std::move(elf), {}});
    slot->second = entries_.begin();
  } else {
    entries_.splice(entries_.begin(), entries_, slot->second);
  }
  return *slot->second;
}

void MemoryStore::Erase(Entries::iterator entry) {
  bytes_ -= static_cast<int64_t>(entry->elf->size());
  num_rows_ -= static_cast<int64_t>(entry->rows.size());
  by_digest_.erase(entry->sha256);
  entries_.erase(entry);
}

void MemoryStore::Evict() {
  while (bytes_ > max_bytes_ && entries_.size() > 1) Erase(std::prev(entries_.end()));
}

}  // namespace kiln
