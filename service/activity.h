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
  class Request {
   public:
    explicit Request(Activity& activity) : activity_(activity) { ++activity_.busy_; }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    ~Request() {
      activity_.Touch();
      --activity_.busy_;
    }

   private:
    Activity& activity_;
  };

  bool Busy() const { return busy_ > 0; }

  // Time since the last request ended; zero while one is being served.
  absl::Duration Idle() const {
    if (Busy()) return absl::ZeroDuration();
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
