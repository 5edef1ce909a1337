// One Compile request on its way: import, lookup, flight, answer; again from the
// lookup when a joined flight's guards turn out not to hold.
//
// Thread-safe. Runs on whatever thread the flights or the queues call it on; holds
// itself alive until it has finished.
#ifndef KILN_SERVICE_COMPILE_CALL_H_
#define KILN_SERVICE_COMPILE_CALL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cache/flight.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"
#include "service/miss_facts.h"
#include "service/prepared_compile.h"

namespace kiln {

struct CompileReply {
  v1::CompileResult result;  // without the artifact's bytes
  ArtifactBytes artifact;    // null if it does not go with the reply
};

// Where a call's answers go. Calls come one at a time; nothing after Finish().
class CompileSink {
 public:
  virtual ~CompileSink() = default;
  virtual void Progress(const v1::Progress& progress) = 0;
  virtual void Finish(const absl::StatusOr<CompileReply>& reply) = 0;
};

class CompileCall : public std::enable_shared_from_this<CompileCall> {
 public:
  // `sink` must live until its Finish() has been called. `deadline` is on the
  // front's monotonic clock.
  static std::shared_ptr<CompileCall> Start(Front& front, v1::CompileRequest request, absl::Duration deadline,
                                            CompileSink* sink);

  // The client is gone, or its time is up: finishes with `why` unless it has
  // finished already.
  void Cancel(const absl::Status& why);

 private:
  CompileCall(Front& front, const v1::RequestHeader& header, absl::Duration deadline, CompileSink* sink);

  void Prepare(absl::Status admission, const v1::CompileRequest& request);
  void LookUp();
  // The same after the tier that replicas share has been asked.
  void LookUpShared();
  void Join();
  void HandleProgress(const FlightProgress& progress);
  void HandleOutcome(absl::StatusOr<FlightOutcome> outcome);
  // A hit of the cache's own, and then FinishWith().
  void FinishFromCache(const CacheHit& hit);
  void FinishWith(const CacheHit& hit);
  // `hit` is what `reply` was made from; null for an error.
  void Finish(const absl::StatusOr<CompileReply>& reply, const CacheHit* hit = nullptr);
  void Miss(std::vector<v1::MissReason> reasons);
  void NoteMiss(std::vector<v1::MissReason> reasons);
  void Remember(const absl::Status& status, const CacheHit* hit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool finished() const;

  // Constant after construction.
  Front& front_;
  const absl::Duration deadline_;
  const absl::Duration begin_;
  const std::string request_id_;
  const std::string domain_;

  // Set by Prepare(), before anything that reads it; constant then.
  std::shared_ptr<const PreparedCompile> prepared_;

  // One thread at a time goes the way of the request.
  int failed_joins_ = 0;

  mutable absl::Mutex mutex_;
  CompileSink* sink_ ABSL_GUARDED_BY(mutex_);  // null when finished
  // Of its first lookup, if that missed: what was there then, for explanations.
  std::shared_ptr<const MissFacts> miss_ ABSL_GUARDED_BY(mutex_);
  // The flight that it waits in; 0 when none.
  WaiterId waiter_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_SERVICE_COMPILE_CALL_H_
