// Whether anybody has asked for anything lately: an embedded server ends when
// nobody has.
#ifndef KILN_SERVICE_ACTIVITY_H_
#define KILN_SERVICE_ACTIVITY_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "base/clock.h"

namespace kiln {

// Thread-safe.
class Activity {
 public:
  explicit Activity(const Clock* clock) : clock_(clock) { Touch(); }

  // Lives as long as a request.
  class Busy {
   public:
    explicit Busy(Activity& activity) : activity_(activity) { ++activity_.busy_; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    ~Busy() {
      activity_.Touch();
      --activity_.busy_;
    }

   private:
    Activity& activity_;
  };

  // Time since the last request ended; zero while one is being served.
  absl::Duration Idle() const {
    if (busy_ > 0) return absl::ZeroDuration();
    return clock_->Monotonic() - absl::Nanoseconds(last_nanos_.load());
  }

 private:
  void Touch() { last_nanos_ = absl::ToInt64Nanoseconds(clock_->Monotonic()); }

  // Constant after construction.
  const Clock* const clock_;

  std::atomic<int64_t> busy_{0};
  std::atomic<int64_t> last_nanos_{0};
};

}  // namespace kiln

#endif  // KILN_SERVICE_ACTIVITY_H_
