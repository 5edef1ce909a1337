#include "cache/testing/memory_fleet_leases.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace kiln {
namespace {

absl::Status NoAnswer() { return MakeError(ErrorReason::kStorage, "leases: no answer, as the test asked for"); }

}  // namespace

void MemoryLeaseTable::Flush() {
  absl::MutexLock lock(&mutex_);
  entries_.clear();
}

void MemoryLeaseTable::Put(const LeaseName& name, std::string bytes) {
  absl::MutexLock lock(&mutex_);
  entries_[name] = {std::move(bytes), absl::InfiniteDuration()};
}

int MemoryLeaseTable::num_held() {
  absl::MutexLock lock(&mutex_);
  ForgetExpiredLocked();
  return static_cast<int>(entries_.size());
}

void MemoryLeaseTable::ForgetExpiredLocked() {
  const absl::Duration now = clock_->Monotonic();
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.expires <= now; });
}

void MemoryLeaseTable::Tell(const VariantKey& key) {
  std::vector<MemoryFleetLeases*> replicas;
  {
    absl::MutexLock lock(&mutex_);
    replicas = replicas_;
  }
  for (MemoryFleetLeases* replica : replicas) replica->Hear(key);
}

MemoryFleetLeases::MemoryFleetLeases(MemoryLeaseTable* table) : table_(table) {
  absl::MutexLock lock(&table_->mutex_);
  table_->replicas_.push_back(this);
}

MemoryFleetLeases::~MemoryFleetLeases() {
  absl::MutexLock lock(&table_->mutex_);
  std::erase(table_->replicas_, this);
}

void MemoryFleetLeases::SetFault(LeaseFault fault) {
  absl::MutexLock lock(&mutex_);
  fault_ = fault;
}

LeaseFault MemoryFleetLeases::fault() const {
  absl::MutexLock lock(&mutex_);
  return fault_;
}

void MemoryFleetLeases::Listen(Listener listener) {
  absl::MutexLock lock(&mutex_);
  listener_ = std::move(listener);
}

void MemoryFleetLeases::Hear(const VariantKey& key) {
  Listener listener;
  {
    absl::MutexLock lock(&mutex_);
    if (fault_ != LeaseFault::kNone) return;
    listener = listener_;
  }
  if (listener != nullptr) listener(key);
}

bool MemoryFleetLeases::IsHeldLocked(const LeaseName& name, const std::string& token) const {
  const auto at = table_->entries_.find(name);
  return at != table_->entries_.end() && DecodeLease(name.identity, at->second.bytes).token == token;
}

absl::StatusOr<LeaseAnswer> MemoryFleetLeases::Take(const Wish& wish) {
  const LeaseFault fault = this->fault();
  if (fault == LeaseFault::kNoAnswer) return NoAnswer();
  absl::MutexLock lock(&table_->mutex_);
  table_->ForgetExpiredLocked();
  LeaseAnswer answer;
  for (const auto& [name, entry] : table_->entries_) {
    if (name.key != wish.name.key || answer.others.size() == kMaxLeasesShown) continue;
    const auto& over = wish.passed_over;
    const bool is_passed_over = std::find(over.begin(), over.end(), name.identity) != over.end();
    HeldLease held = DecodeLease(name.identity, entry.bytes);
    // One with this very token is the caller's.
    if (held.token != wish.token && (name == wish.name || !is_passed_over)) answer.others.push_back(std::move(held));
  }
  answer.taken = answer.others.empty();
  if (answer.taken) {
    table_->entries_[wish.name] = {EncodeLease(wish.token, wish.says), table_->clock_->Monotonic() + wish.lifetime};
  }
  if (fault == LeaseFault::kAnswerLost) return NoAnswer();
  return answer;
}

absl::StatusOr<bool> MemoryFleetLeases::Renew(const Wish& held, bool is_news) {
  const LeaseFault fault = this->fault();
  if (fault == LeaseFault::kNoAnswer) return NoAnswer();
  {
    absl::MutexLock lock(&table_->mutex_);
    table_->ForgetExpiredLocked();
    if (!IsHeldLocked(held.name, held.token)) return false;
    table_->entries_[held.name] = {EncodeLease(held.token, held.says), table_->clock_->Monotonic() + held.lifetime};
  }
  if (is_news) table_->Tell(held.name.key);
  if (fault == LeaseFault::kAnswerLost) return NoAnswer();
  return true;
}

absl::Status MemoryFleetLeases::Release(const LeaseName& name, const std::string& token) {
  const LeaseFault fault = this->fault();
  if (fault == LeaseFault::kNoAnswer) return NoAnswer();
  {
    absl::MutexLock lock(&table_->mutex_);
    if (!IsHeldLocked(name, token)) return absl::OkStatus();
    table_->entries_.erase(name);
  }
  table_->Tell(name.key);
  return fault == LeaseFault::kAnswerLost ? NoAnswer() : absl::OkStatus();
}

}  // namespace kiln
