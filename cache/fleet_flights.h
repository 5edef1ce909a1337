// The way of a flight's leader through its fleet, before its worker starts and
// without holding a worker's slot:
//   1. It takes the lease of its identity. With it, it looks into the index once
//      more, since who held it before may have published; then it compiles, and
//      the lease is renewed until the compile has ended, however it ends.
//   2. If another replica has it, the flight waits. So it does for another's
//      compile of the key for other sizes, if that one's guards hold for it
//      (lease_judge.h). Whenever that may have changed it looks into the index and
//      asks again: a variant ends the flight; a lease that ended without one is
//      taken over, at most one lifetime after its holder's death.
//   3. The holder's guards are told to the flight as if they were its own, so that
//      those who wait here for the guards join it or go on.
//   4. A holder that is late, and leases that cannot be had, are no reason to wait:
//      it compiles at once.
// A lease only saves work. Whatever happens to it the flight compiles or finds its
// variant; two replicas that compile the same thing publish the same thing.
//
// Nothing blocks but Advance(), which talks to the leases and the index for all
// flights, and which one thread calls (fleet_thread.h).
//
//   fleet.Start(flight, [](std::shared_ptr<Flight> flight, std::shared_ptr<FleetLease> lease) {
//     ... lease->Propagated(guards, seconds) ...; publish; flight->Compiled(...);
//   });   // and drops the lease: null if it compiles without one
#ifndef KILN_CACHE_FLEET_FLIGHTS_H_
#define KILN_CACHE_FLEET_FLIGHTS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/fleet_inbox.h"
#include "cache/fleet_leases.h"
#include "cache/flight.h"
#include "cache/lease_judge.h"

namespace kiln {

// Since the start. Each is one of LeaseCounters in the protocol.
struct FleetCounters {
  int64_t taken = 0;
  int64_t waited = 0;
  int64_t taken_over = 0;
  int64_t hedged = 0;
  int64_t lost = 0;
  int64_t unavailable = 0;
  int64_t duplicates = 0;
};

struct FleetOptions {
  // For people: what other replicas' leases call this one.
  std::string replica;
  // Renewed three times in it. A holder that dies is taken over after it.
  absl::Duration lifetime = absl::Seconds(6);
  // For messages that were lost.
  absl::Duration poll = absl::Milliseconds(100);
  LeasePatience patience;
};

// Thread-safe, but for Advance().
class FleetFlights {
 public:
  // Finds what was published for the request, by other replicas too. May block.
  using Look = std::function<std::optional<CacheHit>(const FlightRequest&)>;

  // `clock` and `leases` must outlive it. `wake` is called on any thread when
  // Advance() has something to do before it is due.
  FleetFlights(FleetOptions options, const Clock* clock, FleetLeases* leases, Look look, std::function<void()> wake);
  // Releases what is held, so that compiles must have ended; flights that wait fail
  // as flights do that are dropped.
  ~FleetFlights();

  // `compile` is called by Advance(), and must not block; never, if the flight ends
  // before.
  void Start(std::shared_ptr<Flight> flight, FleetCompile compile);

  // Does all that is due, and returns when more will be, on the clock's monotonic
  // time. One thread at a time.
  absl::Duration Advance();

  // A compile found that another replica had published its variant meanwhile.
  void CountDuplicate() { ++duplicates_; }
  FleetCounters Counters() const;

 private:
  struct Waiting {
    std::shared_ptr<Flight> flight;
    FleetCompile compile;
    FleetLeases::Wish wish;
    LeaseJudge judge;
    absl::Duration since;
    absl::Duration due;
    // It has waited for somebody.
    bool has_waited = false;
    // Whose guards the flight has heard.
    std::string told_by;
  };
  struct Held {
    FleetLeases::Wish wish;
    absl::Duration taken;
    absl::Duration due;
  };
  // What became of a flight that waits.
  enum class Fate { kWaits, kEnded };

  void Arrive(FleetInbox::Arrival arrival);
  void Tell(const FleetInbox::News& news);
  void Release(uint64_t id);
  void Renew(uint64_t id, bool is_news);
  Fate Step(uint64_t id, Waiting& waiting);
  Fate Ask(uint64_t id, Waiting& waiting);
  Fate WaitFor(const LeaseVerdict& verdict, Waiting& waiting);
  Fate CompileWithLease(uint64_t id, Waiting& waiting);
  Fate CompileWithout(Waiting& waiting);
  bool LandFound(Waiting& waiting);

  // Constant after construction.
  const FleetOptions options_;
  const Clock* const clock_;
  FleetLeases* const leases_;
  const Look look_;
  const std::shared_ptr<FleetInbox> inbox_;

  // Advance()'s alone.
  std::map<uint64_t, Waiting> waiting_;
  std::map<uint64_t, Held> held_;

  std::atomic<int64_t> taken_{0}, waited_{0}, taken_over_{0}, hedged_{0}, lost_{0}, unavailable_{0}, duplicates_{0};
};

}  // namespace kiln

#endif  // KILN_CACHE_FLEET_FLIGHTS_H_
