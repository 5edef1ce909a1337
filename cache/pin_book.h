// Which artifacts jobs use: each use pins for a lease time, and what is pinned is not
// evicted from this server's own tiers. A job that runs renews by asking; one that has
// ended is forgotten when its lease is over.
//
//   PinBook pins({.lease = absl::Hours(24), .max_bytes = budget / 4 * 3}, clock, disk);
//   pins.Pin("train-17", artifact, bytes);      // on every answer to the job
//   if (pins.IsPinned(artifact)) ...            // when a tier looks for what can leave
//
// Pins never take a tier over: all jobs together pin at most `max_bytes`, one at most
// `max_bytes_per_job`, and `max_pins` in number. A pin beyond that is refused and
// counted; the request that caused it is answered all the same, and what it got may be
// evicted as anybody's. So the budget wins over a new pin, and a pin that was granted
// over everything else until it ends.
//
// Pins are kept in a PinStore when they are made, and again when half of their lease is
// over, so that a restart forgets none; a bound that has become smaller meanwhile is
// kept by refusing those that end first.
//
// Thread-safe. Pin() may block on the store.
#ifndef KILN_CACHE_PIN_BOOK_H_
#define KILN_CACHE_PIN_BOOK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/digest.h"

namespace kiln {

// Where pins outlive the process. Thread-safe. STORAGE.
class PinStore {
 public:
  struct Row {
    std::string job;
    Digest artifact;
    int64_t bytes = 0;
    absl::Time until;
  };
  virtual ~PinStore() = default;
  virtual absl::Status PutPin(const Row& row) = 0;
  virtual absl::Status RemovePin(absl::string_view job, const Digest& artifact) = 0;
  virtual absl::Status VisitPins(const std::function<void(Row)>& visit) = 0;
};

struct PinCounters {
  int64_t pins = 0;
  int64_t jobs = 0;
  int64_t bytes = 0;     // of pinned artifacts, each once
  int64_t refused = 0;   // since the start
};

class PinBook {
 public:
  struct Options {
    absl::Duration lease = absl::Hours(24);
    int64_t max_bytes = 0;
    // Half of it all: one job must leave room for another.
    int64_t max_bytes_per_job = 0;
    int64_t max_pins = 100000;
  };

  // Reads the pins of `store`, which may be null: nothing survives then. `clock` must
  // outlive it.
  PinBook(Options options, const Clock* clock, std::shared_ptr<PinStore> store);

  // Pins, or renews. False: refused by a bound.
  bool Pin(absl::string_view job, const Digest& artifact, int64_t bytes);
  bool IsPinned(const Digest& artifact) const;
  // By this job, and its lease is not over.
  bool IsPinnedBy(absl::string_view job, const Digest& artifact) const;
  // Forgets what is over. Whoever owns a timer calls it.
  void Expire();

  PinCounters Counters() const;

 private:
  struct Lease {
    absl::Time until;
    // As it stands in the store.
    absl::Time stored_until;
  };
  struct Pinned {
    int64_t bytes = 0;
    absl::Time until;  // the last of its jobs'
    absl::flat_hash_map<std::string, Lease> jobs;
  };

  void Load();
  bool HasRoom(absl::string_view job, const Pinned* pinned, int64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The lease, made if it is not there; null: refused.
  Lease* LeaseOf(absl::string_view job, const Digest& artifact, int64_t bytes, absl::Time until)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const Options options_;
  const Clock* const clock_;
  const std::shared_ptr<PinStore> store_;

  std::atomic<int64_t> refused_{0};
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<Digest, Pinned> pinned_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, int64_t> bytes_of_job_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t num_pins_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_PIN_BOOK_H_
