#include "cache/caretaker.h"

#include <algorithm>

namespace kiln {
namespace {

// Of one step, so that an end is never far: 10 ms.
constexpr int kKeysPerStep = 100;

}  // namespace

Caretaker::Caretaker(Wards wards, const Clock* clock)
    : wards_(wards),
      clock_(clock),
      save_at_(clock->Monotonic() + wards.save_interval),
      scrub_at_(clock->Monotonic()) {}

Caretaker::~Caretaker() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::Duration Caretaker::Tend() {
  if (loading_) {
    loading_ = wards_.variants->LoadSome(kKeysPerStep);
    if (loading_) return absl::ZeroDuration();
  }
  const absl::Duration now = clock_->Monotonic();
  if (now >= save_at_) {
    // Uses that are not written are counted anew with the next.
    if (wards_.bounded != nullptr) wards_.bounded->SaveUses().IgnoreError();
    if (wards_.pins != nullptr) wards_.pins->Expire();
    save_at_ = now + wards_.save_interval;
  }
  if (wards_.scrubber == nullptr) return save_at_ - now;
  if (now >= scrub_at_) scrub_at_ = now + wards_.scrubber->Step();
  return std::max(absl::ZeroDuration(), std::min(save_at_, scrub_at_) - now);
}

void Caretaker::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Caretaker::Run() {
  while (true) {
    const absl::Duration rest = Tend();
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), rest)) return;
  }
}

}  // namespace kiln
