// Keeps callers from waiting for something that is down. Closed, everybody may
// call. After a few failures in a row it opens, and nobody may. When its time is up
// it is half open: one caller may try, and what becomes of that decides. Each
// failed try doubles the time, with jitter, so that a fleet does not come back in
// step.
//
//   if (!breaker.Allow()) return Unavailable();
//   absl::Status status = Call();
//   status.ok() ? breaker.Succeed() : breaker.Fail();
#ifndef KILN_CACHE_REDIS_CIRCUIT_BREAKER_H_
#define KILN_CACHE_REDIS_CIRCUIT_BREAKER_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace kiln {

enum class BreakerState { kClosed, kHalfOpen, kOpen };

// Thread-safe.
class CircuitBreaker {
 public:
  struct Options {
    int failures_to_open = 3;
    absl::Duration first_wait = absl::Milliseconds(500);
    absl::Duration max_wait = absl::Seconds(15);
  };

  // `clock` must outlive it.
  CircuitBreaker(Options options, const Clock* clock) : options_(options), clock_(clock) {}

  // True if the caller may call; then it must Succeed() or Fail() afterwards. Half
  // open, true for one caller at a time.
  bool Allow();
  void Succeed();
  void Fail();

  // Half open as soon as somebody may try, whether or not he does.
  BreakerState state() const;
  // How often it went from closed to open.
  int64_t num_opened() const;

 private:
  // Constant after construction.
  const Options options_;
  const Clock* const clock_;

  mutable absl::Mutex mutex_;
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  bool probing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration wait_ ABSL_GUARDED_BY(mutex_);
  absl::Duration retry_at_ ABSL_GUARDED_BY(mutex_);
  int64_t num_opened_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::BitGen random_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_CIRCUIT_BREAKER_H_
