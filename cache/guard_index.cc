#include "cache/guard_index.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cache/guard_set.h"

namespace kiln {
namespace {

struct Candidate {
  IndexedVariantPtr variant;
  GuardSet guards;
};

// The order in which candidates are preferred; total, so that every process that
// has the same rows gives the same answer.
auto Rank(const Candidate& c) {
  const v1::VariantRecord& record = c.variant->record;
  return std::make_tuple(c.guards.pins().size(), c.guards.num_residuals(), -record.isa_features_size(),
                         -record.created_unix_seconds(), c.variant->artifact);
}

bool MoreGeneral(const Candidate& a, const Candidate& b) { return Rank(a) < Rank(b); }

// All variants whose guards pin the same symbols, by the values they pin.
struct Group {
  std::vector<int> pinned;  // symbol indices, ascending
  absl::flat_hash_map<std::vector<int64_t>, std::vector<Candidate>> by_values;  // most general first
};

void SortReasons(std::vector<v1::MissReason>& reasons) {
  std::sort(reasons.begin(), reasons.end());
  reasons.erase(std::unique(reasons.begin(), reasons.end()), reasons.end());
}

// The first candidate that holds and that the host can run, or null. `reasons`
// gets what the host lacks for those that hold.
const Candidate* FirstFit(const std::vector<Candidate>& candidates, absl::Span<const int64_t> values,
                          const HostClass& host, std::vector<v1::MissReason>& reasons) {
  for (const Candidate& candidate : candidates) {
    if (!candidate.guards.ResidualsHold(values)) continue;
    std::vector<v1::MissReason> lacks = host.WhyNot(candidate.variant->record);
    if (lacks.empty()) return &candidate;
    reasons.insert(reasons.end(), lacks.begin(), lacks.end());
  }
  return nullptr;
}

}  // namespace

// Everything of one key. It has an expression pool of its own, so that a key's
// expressions go when the key goes.
class GuardIndex::KeyEntry {
 public:
  // False if the entry has been emptied and left the index: get another.
  bool Add(IndexedVariantPtr variant, absl::Status& status, int& added) {
    absl::MutexLock lock(&mutex_);
    if (dead_) return false;
    const int before = static_cast<int>(values_of_.size());
    status = AddLocked(std::move(variant));
    added = static_cast<int>(values_of_.size()) - before;
    dead_ = values_of_.empty();
    return true;
  }

  // Whether something was removed; `empty` if the entry is of no use any more.
  bool Remove(const Digest& artifact, bool& empty) {
    absl::MutexLock lock(&mutex_);
    const bool removed = RemoveLocked(artifact);
    empty = dead_ = values_of_.empty();
    return removed;
  }

  bool dead() const {
    absl::MutexLock lock(&mutex_);
    return dead_;
  }

  absl::StatusOr<IndexAnswer> Lookup(absl::Span<const int64_t> values, const HostClass& host) const {
    absl::MutexLock lock(&mutex_);
    IndexAnswer answer;
    if (values_of_.empty()) {
      answer.reasons = {v1::MISS_REASON_UNKNOWN_KEY};
      return answer;
    }
    if (static_cast<int>(values.size()) != num_symbols_) {
      return MakeError(ErrorReason::kMalformedMessage, absl::StrCat("the request has ", values.size(),
                                                                    " symbol values but its key has ", num_symbols_,
                                                                    " symbols"));
    }
    if (const Candidate* best = BestFit(values, host, answer.reasons)) {
      return IndexAnswer{best->variant, {}};
    }
    if (answer.reasons.empty()) answer.reasons = {v1::MISS_REASON_GUARD_FAILED};
    SortReasons(answer.reasons);
    return answer;
  }

  std::vector<IndexedVariantPtr> All() const {
    absl::MutexLock lock(&mutex_);
    std::vector<const Candidate*> candidates;
    for (const Group& group : groups_) {
      for (const auto& [values, bucket] : group.by_values) {
        for (const Candidate& candidate : bucket) candidates.push_back(&candidate);
      }
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate* a, const Candidate* b) { return MoreGeneral(*a, *b); });
    std::vector<IndexedVariantPtr> result;
    for (const Candidate* candidate : candidates) result.push_back(candidate->variant);
    return result;
  }

 private:
  // Where a variant stands: its group's pinned symbols and its bucket's values.
  struct Place {
    std::vector<int> pinned;
    std::vector<int64_t> values;
  };

  absl::Status AddLocked(IndexedVariantPtr variant) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const v1::VariantRecord& record = variant->record;
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGuards, record.guards_size(), "variant"));
    if (num_symbols_ >= 0 && record.symbols_size() != num_symbols_) {
      return MakeError(ErrorReason::kArtifactCorrupt,
                       absl::StrCat("a variant has ", record.symbols_size(), " symbols but others of its key have ",
                                    num_symbols_));
    }
    KILN_ASSIGN_OR_RETURN(GuardSet guards, GuardSet::Parse(record, &pool_));
    RemoveLocked(variant->artifact);
    KILN_RETURN_IF_ERROR(
        CheckLimit(Limit::kVariantsPerKey, static_cast<int64_t>(values_of_.size()) + 1, "variants of one key"));
    num_symbols_ = record.symbols_size();
    Place place;
    for (const Pin& pin : guards.pins()) {
      place.pinned.push_back(pin.index);
      place.values.push_back(pin.value);
    }
    const Digest artifact = variant->artifact;
    std::vector<Candidate>& bucket = GroupOf(place.pinned).by_values[place.values];
    Candidate candidate{std::move(variant), std::move(guards)};
    bucket.insert(std::upper_bound(bucket.begin(), bucket.end(), candidate, MoreGeneral), std::move(candidate));
    values_of_[artifact] = std::move(place);
    return absl::OkStatus();
  }

  bool RemoveLocked(const Digest& artifact) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    auto place = values_of_.find(artifact);
    if (place == values_of_.end()) return false;
    Group& group = GroupOf(place->second.pinned);
    auto bucket = group.by_values.find(place->second.values);
    std::erase_if(bucket->second, [&](const Candidate& c) { return c.variant->artifact == artifact; });
    if (bucket->second.empty()) group.by_values.erase(bucket);
    if (group.by_values.empty()) groups_.erase(groups_.begin() + (&group - groups_.data()));
    values_of_.erase(place);
    return true;
  }

  // Groups stand with the fewest pins first; makes the one that is missing.
  Group& GroupOf(const std::vector<int>& pinned) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    auto less = [](const Group& group, const std::vector<int>& p) {
      return std::make_tuple(group.pinned.size(), group.pinned) < std::make_tuple(p.size(), p);
    };
    auto at = std::lower_bound(groups_.begin(), groups_.end(), pinned, less);
    if (at == groups_.end() || at->pinned != pinned) {
      at = groups_.insert(at, Group{pinned, {}});
    }
    return *at;
  }

  const Candidate* BestFit(absl::Span<const int64_t> values, const HostClass& host,
                           std::vector<v1::MissReason>& reasons) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const Candidate* best = nullptr;
    std::vector<int64_t> pinned_values;
    for (const Group& group : groups_) {
      if (best != nullptr && group.pinned.size() > best->guards.pins().size()) break;
      pinned_values.clear();
      for (int index : group.pinned) pinned_values.push_back(values[static_cast<size_t>(index)]);
      auto bucket = group.by_values.find(pinned_values);
      if (bucket == group.by_values.end()) continue;
      const Candidate* fit = FirstFit(bucket->second, values, host, reasons);
      if (fit != nullptr && (best == nullptr || MoreGeneral(*fit, *best))) best = fit;
    }
    return best;
  }

  mutable absl::Mutex mutex_;
  ExprPool pool_ ABSL_GUARDED_BY(mutex_);
  bool dead_ ABSL_GUARDED_BY(mutex_) = false;
  int num_symbols_ ABSL_GUARDED_BY(mutex_) = -1;
  std::vector<Group> groups_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Digest, Place> values_of_ ABSL_GUARDED_BY(mutex_);
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

absl::Status GuardIndex::Add(IndexedVariantPtr variant) {
  const VariantKey key = variant->key;
  while (true) {
    std::shared_ptr<KeyEntry> entry;
    {
      absl::MutexLock lock(&mutex_);
      std::shared_ptr<KeyEntry>& slot = entries_[key];
      if (slot == nullptr) slot = std::make_shared<KeyEntry>();
      entry = slot;
    }
    absl::Status status;
    int added = 0;
    const bool alive = entry->Add(variant, status, added);
    if (!alive || entry->dead()) EraseIfDead(key, entry.get());
    if (!alive) continue;
    num_variants_.fetch_add(added, std::memory_order_relaxed);
    return status;
  }
}

void GuardIndex::Remove(const VariantKey& key, const Digest& artifact) {
  std::shared_ptr<KeyEntry> entry = FindEntry(key);
  if (entry == nullptr) return;
  bool empty = false;
  if (entry->Remove(artifact, empty)) num_variants_.fetch_sub(1, std::memory_order_relaxed);
  if (empty) EraseIfDead(key, entry.get());
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

int64_t GuardIndex::num_keys() const {
  absl::ReaderMutexLock lock(&mutex_);
  return static_cast<int64_t>(entries_.size());
}

int64_t GuardIndex::num_variants() const { return num_variants_.load(std::memory_order_relaxed); }

}  // namespace kiln
