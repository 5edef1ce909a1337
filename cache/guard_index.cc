#include "cache/guard_index.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/error.h"

namespace kiln {

// A key's variants and the lock before them. An entry that has been emptied is dead:
// it leaves the index, and whoever has it gets another.
class GuardIndex::KeyEntry {
 public:
  struct Resize {
    size_t before = 0;
    size_t after = 0;
  };

  // False if it is dead.
  bool Add(const std::vector<IndexedVariantPtr>& variants, Refusals& refusals, Resize& resize) {
    absl::WriterMutexLock lock(&mutex_);
    if (dead_) return false;
    resize.before = variants_.size();
    for (const IndexedVariantPtr& variant : variants) {
      absl::Status status = variants_.Add(variant);
      if (!status.ok()) refusals.emplace_back(variant, std::move(status));
    }
    resize.after = variants_.size();
    dead_ = resize.after == 0;
    return true;
  }

  Resize Remove(const Digest& artifact) {
    absl::WriterMutexLock lock(&mutex_);
    Resize resize{.before = variants_.size()};
    variants_.Remove(artifact);
    resize.after = variants_.size();
    dead_ = resize.after == 0;
    return resize;
  }

  absl::StatusOr<IndexAnswer> Lookup(absl::Span<const int64_t> values, const HostClass& host) const {
    absl::ReaderMutexLock lock(&mutex_);
    return variants_.Lookup(values, host);
  }

  std::vector<IndexedVariantPtr> All() const {
    absl::ReaderMutexLock lock(&mutex_);
    return variants_.All();
  }

  std::vector<IndexedVariantPtr> Some(size_t max) const {
    absl::ReaderMutexLock lock(&mutex_);
    return variants_.Some(max);
  }

 private:
  mutable absl::Mutex mutex_;
  KeyVariants variants_ ABSL_GUARDED_BY(mutex_);
  bool dead_ ABSL_GUARDED_BY(mutex_) = false;
};

GuardIndex::GuardIndex() = default;
GuardIndex::~GuardIndex() = default;

std::shared_ptr<GuardIndex::KeyEntry> GuardIndex::FindEntry(const VariantKey& key) const {
  absl::ReaderMutexLock lock(&mutex_);
  auto entry = entries_.find(key);
  return entry == entries_.end() ? nullptr : entry->second;
}

void GuardIndex::EraseIfDead(const VariantKey& key, const KeyEntry* entry) {
  absl::MutexLock lock(&mutex_);
  auto at = entries_.find(key);
  if (at != entries_.end() && at->second.get() == entry) entries_.erase(at);
}

void GuardIndex::CountResize(size_t before, size_t after) {
  if (before == after) return;
  num_variants_.fetch_add(static_cast<int64_t>(after) - static_cast<int64_t>(before), std::memory_order_relaxed);
  const auto count = [this](size_t size, int64_t change) {
    if (size == 0) return;
    const size_t at = std::min<size_t>(std::bit_width(size) - 1, keys_by_size_.size() - 1);
    keys_by_size_[at].fetch_add(change, std::memory_order_relaxed);
  };
  count(before, -1);
  count(after, 1);
}

GuardIndex::Refusals GuardIndex::AddTo(const VariantKey& key, const std::vector<IndexedVariantPtr>& variants) {
  while (true) {
    std::shared_ptr<KeyEntry> entry;
    {
      absl::MutexLock lock(&mutex_);
      std::shared_ptr<KeyEntry>& slot = entries_[key];
      if (slot == nullptr) slot = std::make_shared<KeyEntry>();
      entry = slot;
    }
    Refusals refusals;
    KeyEntry::Resize resize;
    const bool alive = entry->Add(variants, refusals, resize);
    if (!alive || resize.after == 0) EraseIfDead(key, entry.get());
    if (!alive) continue;
    CountResize(resize.before, resize.after);
    for (const IndexedVariantPtr& variant : variants) {
      const bool is_refused = std::any_of(refusals.begin(), refusals.end(),
                                          [&](const auto& refusal) { return refusal.first == variant; });
      if (!is_refused) neighbours_.Add(*variant);
    }
    return refusals;
  }
}

absl::Status GuardIndex::Add(IndexedVariantPtr variant) {
  const VariantKey key = variant->key;
  Refusals refusals = AddTo(key, {std::move(variant)});
  return refusals.empty() ? absl::OkStatus() : std::move(refusals.front().second);
}

std::vector<IndexedVariantPtr> GuardIndex::AddAll(const VariantKey& key, std::vector<IndexedVariantPtr> variants) {
  std::vector<IndexedVariantPtr> corrupt;
  for (const auto& [variant, status] : AddTo(key, variants)) {
    if (GetErrorReason(status) == ErrorReason::kArtifactCorrupt) corrupt.push_back(variant);
  }
  return corrupt;
}

void GuardIndex::Remove(const VariantKey& key, const Digest& artifact) {
  std::shared_ptr<KeyEntry> entry = FindEntry(key);
  if (entry == nullptr) return;
  const KeyEntry::Resize resize = entry->Remove(artifact);
  CountResize(resize.before, resize.after);
  if (resize.after == 0) EraseIfDead(key, entry.get());
}

absl::StatusOr<IndexAnswer> GuardIndex::Lookup(const VariantKey& key, absl::Span<const int64_t> symbol_values,
                                               const HostClass& host) const {
  std::shared_ptr<KeyEntry> entry = FindEntry(key);
  if (entry == nullptr) return IndexAnswer{nullptr, {v1::MISS_REASON_UNKNOWN_KEY}};
  return entry->Lookup(symbol_values, host);
}

std::vector<IndexedVariantPtr> GuardIndex::VariantsOf(const VariantKey& key) const {
  std::shared_ptr<KeyEntry> entry = FindEntry(key);
  return entry == nullptr ? std::vector<IndexedVariantPtr>() : entry->All();
}

std::vector<IndexedVariantPtr> GuardIndex::SomeVariantsOf(const VariantKey& key, size_t max) const {
  std::shared_ptr<KeyEntry> entry = FindEntry(key);
  return entry == nullptr ? std::vector<IndexedVariantPtr>() : entry->Some(max);
}

std::vector<VariantKey> GuardIndex::KeysAfter(const VariantKey* after, size_t limit) const {
  // The smallest seen, as a heap with the largest on top.
  std::vector<VariantKey> smallest;
  absl::ReaderMutexLock lock(&mutex_);
  for (const auto& [key, entry] : entries_) {
    if (after != nullptr && !(*after < key)) continue;
    if (smallest.size() == limit) {
      if (limit == 0 || !(key < smallest.front())) continue;
      std::pop_heap(smallest.begin(), smallest.end());
      smallest.pop_back();
    }
    smallest.push_back(key);
    std::push_heap(smallest.begin(), smallest.end());
  }
  std::sort_heap(smallest.begin(), smallest.end());
  return smallest;
}

int64_t GuardIndex::num_keys() const {
  absl::ReaderMutexLock lock(&mutex_);
  return static_cast<int64_t>(entries_.size());
}

int64_t GuardIndex::num_variants() const { return num_variants_.load(std::memory_order_relaxed); }

KeysBySize GuardIndex::keys_by_size() const {
  KeysBySize keys;
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = keys_by_size_[i].load(std::memory_order_relaxed);
  return keys;
}

}  // namespace kiln
