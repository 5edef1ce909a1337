// What a cache does when nobody asks: loads the rows that nobody has asked for yet,
// writes down what was used, ends pins whose lease is over, and scrubs. One thread, a
// little at a time.
//
//   Caretaker caretaker({.variants = cache.get(), ...}, clock);
//   caretaker.Start();
//
// Thread-safe.
#ifndef KILN_CACHE_CARETAKER_H_
#define KILN_CACHE_CARETAKER_H_

#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/bounded_store.h"
#include "cache/pin_book.h"
#include "cache/scrubber.h"
#include "cache/variant_cache.h"

namespace kiln {

class Caretaker {
 public:
  // Whom it takes care of; all but `variants` may be null. They must outlive it.
  struct Wards {
    VariantCache* variants = nullptr;
    BoundedStore* bounded = nullptr;
    PinBook* pins = nullptr;
    Scrubber* scrubber = nullptr;
    absl::Duration save_interval = absl::Seconds(30);
  };

  Caretaker(Wards wards, const Clock* clock);
  // Ends the thread, if there is one.
  ~Caretaker();

  // Does what is due. How long until something is again. Not while a thread runs.
  absl::Duration Tend();
  // A thread that tends. Once.
  void Start();

 private:
  void Run();

  // Constant after construction.
  const Wards wards_;
  const Clock* const clock_;

  // Of whoever tends.
  bool loading_ = true;
  absl::Duration save_at_;
  absl::Duration scrub_at_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kiln

#endif  // KILN_CACHE_CARETAKER_H_
