// Compiles that failed, remembered for a while, so that a graph that cannot be
// compiled is not tried again by every rank of every job.
//
// Remembered are failures that the graph itself causes (ErrorCause::kGraph), by the
// identity of the flight that failed: key, symbol values, host class, performance
// guards. The next request of that identity gets the same typed error, with its
// age, until the time is up; then one compile is tried again, and each further
// failure doubles the time. A success forgets all.
//
// What the machine causes may pass and is not remembered, with one exception: a
// graph (a key) that has killed `kills` workers within the quarantine's time, with
// no success between, is quarantined, whatever its sizes, with GRAPH_QUARANTINED.
//
// Both tables are bounded; who was heard of least lately goes first. Nothing is
// shared with other replicas: a failure is not signed, and who could write one
// into a shared store could stop anybody's compiles.
#ifndef KILN_CACHE_REMEMBERED_FAILURES_H_
#define KILN_CACHE_REMEMBERED_FAILURES_H_

#include <cstdint>
#include <list>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/digest.h"
#include "cache/flight.h"

namespace kiln {

struct FailureMemory {
  size_t max_entries = 4096;
  absl::Duration first = absl::Seconds(5);
  absl::Duration longest = absl::Minutes(10);
  int kills = 2;
  // And up to a quarter more, by the key, so that not all come back at once.
  absl::Duration quarantine = absl::Minutes(5);
};

struct FailureCounters {
  int64_t failures = 0;     // remembered now
  int64_t quarantined = 0;  // now
  int64_t answered = 0;     // requests
};

// Thread-safe.
class RememberedFailures {
 public:
  // `clock` must outlive it.
  RememberedFailures(FailureMemory memory, const Clock* clock) : memory_(memory), clock_(clock) {}

  // The error that the request would run into; counts it as answered. OK: it may be
  // compiled.
  absl::Status Recall(const FlightRequest& request);

  void NoteFailure(const FlightRequest& request, const absl::Status& failure);
  void NoteSuccess(const FlightRequest& request);

  FailureCounters Counters() const;

 private:
  struct Entry {
    Digest name;
    absl::Status failure;
    int times = 0;
    absl::Duration last;
    // Until then it is given as an answer; until `forgotten` its number counts.
    absl::Duration until;
    absl::Duration forgotten;
  };
  // The latest first.
  struct Table {
    std::list<Entry> entries;
    absl::flat_hash_map<Digest, std::list<Entry>::iterator> by_name;
  };

  // The entry of `name` as the latest, made if it is not there.
  Entry& TouchLocked(Table& table, const Digest& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EraseLocked(Table& table, const Digest& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null if there is none, or none any more.
  const Entry* FindLocked(Table& table, const Digest& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteGraphFailureLocked(const Digest& identity, const absl::Status& failure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteKillLocked(const Digest& key, const absl::Status& failure) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t CountLocked(const Table& table) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const FailureMemory memory_;
  const Clock* const clock_;

  mutable absl::Mutex mutex_;
  Table by_identity_ ABSL_GUARDED_BY(mutex_);
  Table by_key_ ABSL_GUARDED_BY(mutex_);
  int64_t answered_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_REMEMBERED_FAILURES_H_
