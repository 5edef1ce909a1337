// A clock that stands still until a test moves it.
#ifndef KILN_BASE_TESTING_FAKE_CLOCK_H_
#define KILN_BASE_TESTING_FAKE_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace kiln {

// Thread-safe.
class FakeClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch() + Monotonic(); }
  absl::Duration Monotonic() const override { return absl::Nanoseconds(nanoseconds_.load()); }
  void Advance(absl::Duration by) { nanoseconds_ += absl::ToInt64Nanoseconds(by); }

 private:
  std::atomic<int64_t> nanoseconds_{100'000'000'000};
};

}  // namespace kiln

#endif  // KILN_BASE_TESTING_FAKE_CLOCK_H_
