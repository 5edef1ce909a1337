#include "cache/fleet_thread.h"

#include <utility>

namespace kiln {

FleetThread::FleetThread(FleetOptions options, std::unique_ptr<FleetLeases> leases, FleetFlights::Look look)
    : leases_(std::move(leases)),
      flights_(std::move(options), Clock::Real(), leases_.get(), std::move(look), [this] { Wake(); }),
      thread_([this] { Run(); }) {}

FleetThread::~FleetThread() {
  {
    absl::MutexLock lock(&mutex_);
    ends_ = true;
  }
  thread_.join();
}

void FleetThread::Wake() {
  absl::MutexLock lock(&mutex_);
  is_woken_ = true;
}

void FleetThread::Run() {
  for (;;) {
    const absl::Duration next = flights_.Advance();
    const absl::Duration wait = next - Clock::Real()->Monotonic();
    absl::MutexLock lock(&mutex_);
    const auto is_called = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return is_woken_ || ends_; };
    mutex_.AwaitWithTimeout(absl::Condition(&is_called), wait);
    is_woken_ = false;
    if (ends_) return;
  }
}

}  // namespace kiln
