// The shape profile of a fleet: what this replica has learnt and the log does not say is
// appended to the subject's log, and what others have said is taken into the profile.
//
//   profile->Observe(domain, subject, name, observations);
//   shared.Exchange(domain, subject);   // a failure leaves the profile as it is
//   profile->Find(domain, subject);
//
// An entry is a serialised ProfileShapesResponse.Subject whose dimensions hold the sizes
// and divisions that are new. Of a dimension no more sizes are said than it takes to
// vary here. Nothing is signed: a size is advice, on which nothing that is served
// depends (docs/decisions/0017), so that a forged entry costs a symbolic compile at
// most. An entry of more than 1 MiB or 4096 dimensions, or with a name of more than 1024
// bytes, is passed over and counted; such names are not told either.
//
// Each exchange reads what is new since the last; what the log has lost is said again.
//
// Thread-safe. Exchange() blocks for as long as the log does: a few calls.
#ifndef KILN_CACHE_SHARED_SHAPES_H_
#define KILN_CACHE_SHARED_SHAPES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/digest.h"
#include "cache/shape_log.h"
#include "cache/shape_profile.h"

namespace kiln {

// Since the start.
struct SharedShapesCounters {
  int64_t taken = 0;    // entries of the log
  int64_t told = 0;     // entries appended
  int64_t refused = 0;  // entries that are none
  int64_t failed = 0;   // exchanges that the log did not take part in
};

class SharedShapes {
 public:
  // `profile` must outlive it.
  SharedShapes(std::unique_ptr<ShapeLog> log, ShapeProfile* profile);

  // STORAGE: what was read until then is in the profile, and the rest follows with the
  // next exchange.
  absl::Status Exchange(absl::string_view domain, const Digest& subject);

  SharedShapesCounters Counters() const;

 private:
  using DimKey = std::pair<std::string, int32_t>;
  struct SaidDim {
    absl::btree_set<int64_t> sizes;
    absl::btree_set<int64_t> divisions;
  };
  // What the log said up to the cursor.
  struct State {
    std::string cursor;
    absl::flat_hash_map<DimKey, SaidDim> dims;
  };

  absl::Status ExchangeFrom(absl::string_view domain, const Digest& subject, State& state);
  // False: there is more than one exchange reads.
  absl::StatusOr<bool> ReadOn(absl::string_view domain, const Digest& subject, State& state);
  void Take(absl::string_view domain, const Digest& subject, absl::string_view entry, State& state);
  // What the profile knows and the log does not say.
  SubjectShapes Unsaid(const SubjectShapes& known, const State& state) const;

  // Constant after construction.
  const std::unique_ptr<ShapeLog> log_;
  ShapeProfile* const profile_;

  std::atomic<int64_t> taken_{0};
  std::atomic<int64_t> told_{0};
  std::atomic<int64_t> refused_{0};
  std::atomic<int64_t> failed_{0};
  absl::Mutex mutex_;
  // By subject and domain. Who exchanges has the state out of here; who comes meanwhile
  // reads from the start, which is slower and no different.
  absl::flat_hash_map<std::string, State> states_ ABSL_GUARDED_BY(mutex_);
  size_t num_dims_ ABSL_GUARDED_BY(mutex_) = 0;  // of all states
};

}  // namespace kiln

#endif  // KILN_CACHE_SHARED_SHAPES_H_
