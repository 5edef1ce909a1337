#include "cache/bounded_store.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace kiln {
namespace {

ArtifactWorth WorthOf(const v1::RowFacts& facts) {
  return {facts.artifact_bytes(), facts.compile_seconds(), facts.tenant()};
}

}  // namespace

BoundedStore::BoundedStore(std::shared_ptr<ArtifactStore> inner, int64_t max_bytes,
                           std::shared_ptr<const PinBook> pins)
    : inner_(std::move(inner)), pins_(std::move(pins)), order_({.max_bytes = max_bytes}) {}

BoundedStore::~BoundedStore() { SaveUses().IgnoreError(); }

absl::StatusOr<std::unique_ptr<BoundedStore>> BoundedStore::Open(std::shared_ptr<ArtifactStore> inner,
                                                                 int64_t max_bytes,
                                                                 std::shared_ptr<const PinBook> pins) {
  std::unique_ptr<BoundedStore> store(new BoundedStore(std::move(inner), max_bytes, std::move(pins)));
  KILN_RETURN_IF_ERROR(store->Load());
  // The bound may be lower than it was.
  store->Evict(Digest());
  return store;
}

absl::Status BoundedStore::Load() {
  return inner_->VisitFacts([this](const RowSummary& row) {
    absl::MutexLock lock(&mutex_);
    AddRow(row.name.first, row.name.second);
    const ValueOrder::Standing known = order_.StandingOf(row.name.second);
    // An artifact of several rows has facts beside each; the most used are the newest.
    if (order_.Contains(row.name.second) && known.uses >= row.facts.uses()) return;
    order_.Restore(row.name.second, WorthOf(row.facts), {row.facts.uses(), row.facts.credit()});
  });
}

absl::StatusOr<StoredArtifact> BoundedStore::GetArtifact(const Digest& sha256) { return inner_->GetArtifact(sha256); }

absl::Status BoundedStore::PutArtifact(const Digest& sha256, ArtifactBytes elf) {
  return inner_->PutArtifact(sha256, std::move(elf));
}

absl::Status BoundedStore::RemoveArtifact(const Digest& sha256) { return inner_->RemoveArtifact(sha256); }

absl::Status BoundedStore::Publish(const VariantRow& row, ArtifactBytes elf) {
  ArtifactWorth worth = WorthOf(FactsOf(row.signed_variant));
  worth.bytes = static_cast<int64_t>(elf->size());
  KILN_RETURN_IF_ERROR(inner_->Publish(row, std::move(elf)));
  {
    absl::MutexLock lock(&mutex_);
    AddRow(row.key, row.artifact);
    order_.Add(row.artifact, worth);
  }
  Evict(row.artifact);
  return absl::OkStatus();
}

absl::Status BoundedStore::RemoveVariant(const VariantKey& key, const Digest& artifact) {
  Forget(key, artifact);
  return inner_->RemoveVariant(key, artifact);
}

absl::Status BoundedStore::VisitVariants(const std::function<void(VariantRow)>& visit) {
  return inner_->VisitVariants(visit);
}

absl::StatusOr<std::vector<VariantRow>> BoundedStore::VariantsOf(const VariantKey& key) {
  return inner_->VariantsOf(key);
}

absl::StatusOr<std::optional<VariantRow>> BoundedStore::NextVariant(const std::optional<RowName>& after) {
  return inner_->NextVariant(after);
}

absl::Status BoundedStore::VisitFacts(const std::function<void(RowSummary)>& visit) {
  return inner_->VisitFacts(visit);
}

void BoundedStore::NoteUse(const Digest& artifact, const ArtifactWorth& worth) {
  if (!mutex_.TryLock()) return;
  if (order_.Use(artifact, worth)) used_.insert(artifact);
  mutex_.Unlock();
}

StoreSize BoundedStore::Size() {
  StoreSize size = inner_->Size();
  absl::MutexLock lock(&mutex_);
  size.evicted_artifacts = evicted_.evicted_artifacts;
  size.evicted_bytes = evicted_.evicted_bytes;
  size.evicted_seconds = evicted_.evicted_seconds;
  return size;
}

void BoundedStore::AddRow(const VariantKey& key, const Digest& artifact) {
  std::vector<VariantKey>& keys = keys_of_[artifact];
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
}

void BoundedStore::Forget(const VariantKey& key, const Digest& artifact) {
  absl::MutexLock lock(&mutex_);
  auto keys = keys_of_.find(artifact);
  if (keys == keys_of_.end()) return;
  std::erase(keys->second, key);
  if (!keys->second.empty()) return;
  keys_of_.erase(keys);
  order_.Erase(artifact);
  used_.erase(artifact);
}

std::vector<RowName> BoundedStore::TakeOverflow(const Digest& newest) {
  absl::MutexLock lock(&mutex_);
  std::vector<RowName> rows;
  const auto is_pinned = [this](const Digest& artifact) { return pins_ != nullptr && pins_->IsPinned(artifact); };
  for (const ValueOrder::Evicted& evicted : order_.TakeOverflow(newest, is_pinned)) {
    ++evicted_.evicted_artifacts;
    evicted_.evicted_bytes += evicted.worth.bytes;
    evicted_.evicted_seconds += evicted.worth.compile_seconds;
    auto keys = keys_of_.find(evicted.artifact);
    for (const VariantKey& key : keys->second) rows.emplace_back(key, evicted.artifact);
    keys_of_.erase(keys);
    used_.erase(evicted.artifact);
  }
  return rows;
}

void BoundedStore::Evict(const Digest& newest) {
  for (const auto& [key, artifact] : TakeOverflow(newest)) {
    // A removal that fails leaves bytes behind that the next start counts again.
    inner_->RemoveVariant(key, artifact).IgnoreError();
  }
}

std::vector<RowSummary> BoundedStore::TakeUsed() {
  absl::MutexLock lock(&mutex_);
  std::vector<RowSummary> rows;
  for (const Digest& artifact : used_) {
    const ValueOrder::Standing standing = order_.StandingOf(artifact);
    const ArtifactWorth worth = order_.WorthOf(artifact);
    RowSummary row;
    row.facts.set_artifact_bytes(worth.bytes);
    row.facts.set_compile_seconds(worth.compile_seconds);
    row.facts.set_tenant(worth.tenant);
    row.facts.set_uses(standing.uses);
    row.facts.set_credit(standing.credit);
    for (const VariantKey& key : keys_of_[artifact]) {
      row.name = {key, artifact};
      rows.push_back(row);
    }
  }
  used_.clear();
  return rows;
}

absl::Status BoundedStore::SaveUses() {
  const std::vector<RowSummary> rows = TakeUsed();
  // What fails is told again with the next use.
  return rows.empty() ? absl::OkStatus() : inner_->PutFacts(rows);
}

}  // namespace kiln
