#include "service/shared_lookups.h"

#include <utility>

#include "base/limits.h"

namespace kiln {

void SharedLookups::AfterSync(const std::string& domain, const VariantKey& key, SharedIndex::When when, Then then) {
  bool is_first = false;
  {
    absl::MutexLock lock(&mutex_);
    if (num_waiting_ < GetLimit(Limit::kWaitersPerFlight)) {
      ++num_waiting_;
      Waiting& waiting = waiting_[key];
      is_first = waiting.thens.empty();
      waiting.thens.push_back(std::move(then));
      if (when == SharedIndex::When::kNow) waiting.when = when;
      then = nullptr;
    }
  }
  if (then != nullptr) return then();
  if (!is_first) return;
  queue_->Submit([this, domain, key](absl::Status admission) { Read(domain, key, admission.ok()); });
}

void SharedLookups::Read(const std::string& domain, const VariantKey& key, bool admitted) {
  Waiting waiting;
  {
    absl::MutexLock lock(&mutex_);
    auto at = waiting_.find(key);
    waiting = std::move(at->second);
    waiting_.erase(at);
    num_waiting_ -= static_cast<int64_t>(waiting.thens.size());
  }
  // A tier that fails has no news.
  if (admitted) cache_->Sync(domain, key, waiting.when).IgnoreError();
  for (Then& then : waiting.thens) then();
}

void SharedLookups::RefreshIfStale(const std::string& domain, const VariantKey& key) {
  if (cache_->NeedsSync(key)) AfterSync(domain, key, SharedIndex::When::kIfDue, [] {});
}

int64_t SharedLookups::num_waiting() const {
  absl::MutexLock lock(&mutex_);
  return num_waiting_;
}

}  // namespace kiln
