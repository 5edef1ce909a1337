#include "cache/redis/circuit_breaker.h"

#include <algorithm>

namespace kiln {

bool CircuitBreaker::Allow() {
  absl::MutexLock lock(&mutex_);
  if (!open_) return true;
  const absl::Duration now = clock_->Monotonic();
  if (now < retry_at_) return false;
  // Should this caller never say how it went, another may try after that.
  retry_at_ = now + options_.max_wait;
  probing_ = true;
  return true;
}

void CircuitBreaker::Succeed() {
  absl::MutexLock lock(&mutex_);
  failures_ = 0;
  open_ = false;
  probing_ = false;
}

void CircuitBreaker::Fail() {
  absl::MutexLock lock(&mutex_);
  if (open_) {
    // A call that began before it opened has nothing to add.
    if (!probing_) return;
    wait_ = std::min(wait_ * 2, options_.max_wait);
  } else {
    if (++failures_ < options_.failures_to_open) return;
    open_ = true;
    ++num_opened_;
    wait_ = options_.first_wait;
  }
  probing_ = false;
  retry_at_ = clock_->Monotonic() + wait_ * absl::Uniform(random_, 0.75, 1.25);
}

BreakerState CircuitBreaker::state() const {
  absl::MutexLock lock(&mutex_);
  if (!open_) return BreakerState::kClosed;
  return probing_ || clock_->Monotonic() >= retry_at_ ? BreakerState::kHalfOpen : BreakerState::kOpen;
}

int64_t CircuitBreaker::num_opened() const {
  absl::MutexLock lock(&mutex_);
  return num_opened_;
}

}  // namespace kiln
