// What is behind Flights: private to flight.cc and flights_rep.cc.
//
// Everything is behind one mutex. Methods that end in Locked gather the callbacks
// to run in `calls`; whoever took the mutex runs them after giving it back, and
// only then destroys what they own.
//
// Invariants: a waiter is in exactly one flight, in its `joined` or its `pending`;
// the leader's id stays even if the leader has left; `pending` is empty once the
// flight has propagated; a flight without waiters is gone.
#ifndef KILN_CACHE_FLIGHTS_REP_H_
#define KILN_CACHE_FLIGHTS_REP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "cache/flight.h"
#include "cache/guard_tester.h"

namespace kiln {

class Flights::Rep : public std::enable_shared_from_this<Flights::Rep> {
 public:
  using Calls = std::vector<std::function<void()>>;

  Rep(const Clock* clock, LastLook last_look) : clock_(clock), last_look_(std::move(last_look)) {}

  WaiterId Join(FlightRequest request, FlightCallbacks callbacks);
  bool Leave(WaiterId id);
  absl::Duration Expire();
  void Shutdown();
  void OnCancel(uint64_t flight, std::function<void()> cancel);
  bool Propagated(uint64_t flight, std::vector<v1::Guard> guards, double estimated_seconds,
                  const std::function<void(bool)>& decided);
  // `last_looked`: found in the index, not compiled.
  void Land(uint64_t flight, const CacheHit& hit, bool last_looked);
  void Fail(uint64_t flight, const absl::Status& status);

  int64_t num_flights() const {
    absl::MutexLock lock(&mutex_);
    return static_cast<int64_t>(flights_.size());
  }
  int64_t num_waiters() const {
    absl::MutexLock lock(&mutex_);
    return static_cast<int64_t>(waiters_.size());
  }
  int64_t num_joined() const {
    absl::MutexLock lock(&mutex_);
    return num_joined_;
  }

 private:
  struct Waiter {
    FlightRequest request;
    // Shared with the calls to come, so that what a callback owns is never
    // destroyed under the mutex. So is `cancel` below.
    std::shared_ptr<const FlightCallbacks> callbacks;
    Digest identity;
    absl::Duration since;
    uint64_t flight = 0;
  };
  struct State {
    VariantKey key;
    Digest identity;
    FlightRequest leader_request;
    WaiterId leader = 0;
    // Those who get whatever it gives, and those who wait for its guards.
    std::set<WaiterId> joined;
    std::set<WaiterId> pending;
    std::unique_ptr<GuardTester> guards;  // once propagated
    std::shared_ptr<const FlightProgress> propagated;
    std::shared_ptr<const std::function<void()>> cancel;
  };
  using Waiters = std::map<WaiterId, Waiter>;

  void PlaceLocked(WaiterId id, Waiter& waiter, Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void JoinLocked(WaiterId id, Waiter& waiter, uint64_t flight, State& state, Calls& calls)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeadLocked(WaiterId id, Waiter& waiter, Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t FindIdentityLocked(const Waiter& waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t FindByGuardsLocked(const Waiter& waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t FindUnpropagatedLocked(const Waiter& waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static bool MayJoin(const Waiter& waiter, const State& state);
  // Ends the waiter with `result`; its flight still has it.
  void EndLocked(WaiterId id, absl::StatusOr<FlightOutcome> result, Calls& calls)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes the waiter out of its flight, which is cancelled if that was the last.
  void DetachLocked(WaiterId id, uint64_t flight, Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool PropagatedLocked(uint64_t flight, std::vector<v1::Guard> guards, double estimated_seconds, Calls& calls)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  State TakeLocked(uint64_t flight, Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReplaceLocked(const std::set<WaiterId>& ids, Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DeliverLocked(WaiterId id, const State& state, const CacheHit& hit, bool last_looked, GuardTester& guards,
                     Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FailLocked(uint64_t flight, const absl::Status& status, Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellLocked(const State& state, std::shared_ptr<const FlightProgress> progress, Calls& calls)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StartFlight(uint64_t flight, const FlightRequest& request,
                   const std::function<void(std::shared_ptr<Flight>)>& start);
  static void Run(Calls& calls) {
    for (std::function<void()>& call : calls) call();
  }
  static std::shared_ptr<const FlightProgress> Phase(v1::Progress::Phase phase) {
    return std::make_shared<const FlightProgress>(FlightProgress{phase, {}, 0});
  }

  // Constant after construction.
  const Clock* const clock_;
  const LastLook last_look_;

  mutable absl::Mutex mutex_;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  Waiters waiters_ ABSL_GUARDED_BY(mutex_);
  // Finite deadlines only, soonest first.
  std::set<std::pair<absl::Duration, WaiterId>> deadlines_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint64_t, State> flights_ ABSL_GUARDED_BY(mutex_);
  // In the order in which they took off.
  absl::flat_hash_map<VariantKey, std::vector<uint64_t>> by_key_ ABSL_GUARDED_BY(mutex_);
  int64_t num_joined_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_FLIGHTS_REP_H_
