// What a flight makes of the leases that are in its way: whom it waits for, whom it
// passes over, and when it has waited long enough. No clock, no store: it is told
// the time and what it has seen.
//
// Whoever asks the same waits for the holder. Whoever asks for other sizes of the
// key waits until the holder's guards are known, a short while at most, and then
// for the holder if they hold. A holder is late when it has taken several times its
// own estimate, or has not begun for long; and earlier, as soon as it has taken
// more than its estimate, for a request whose deadline a compile of its own could
// just still meet. What a lease says is believed no further than that: the worst
// that lies can do is to keep somebody waiting for `begin_patience`, or for
// `late_factor` times the longest compile.
#ifndef KILN_CACHE_LEASE_JUDGE_H_
#define KILN_CACHE_LEASE_JUDGE_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/digest.h"
#include "cache/flight.h"
#include "cache/fleet_leases.h"

namespace kiln {

struct LeasePatience {
  // Guards of propagation are shared with requests for other sizes.
  bool share_guards = true;
  // For the guards of another's compile.
  absl::Duration guards = absl::Seconds(2);
  // For the holder to begin: it may wait for a worker.
  absl::Duration begin = absl::Seconds(10);
  // A holder is late after this many times its estimate, and the slack.
  double late_factor = 3;
  absl::Duration late_slack = absl::Seconds(5);
};

enum class LeaseStep {
  kTake,   // nobody is in the way but those that are passed over
  kWait,   // for `holder`
  kHedge,  // `holder` is late: compile without the lease
};

struct LeaseVerdict {
  LeaseStep step = LeaseStep::kTake;
  const HeldLease* holder = nullptr;
  // The holder's guards are known and hold for this request.
  bool is_served = false;
  // More that are not in the way.
  std::vector<Digest> pass_over;
};

// Of one flight. Not thread-safe.
class LeaseJudge {
 public:
  // Both must outlive it.
  LeaseJudge(const LeasePatience& patience, const FlightRequest& request);

  // Of the leases that Take() showed. `now` never goes back.
  LeaseVerdict Judge(const std::vector<HeldLease>& others, absl::Duration now);

 private:
  // In the order of preference.
  enum class Standing { kNone, kMayServe, kServes, kSame };
  struct Sighting {
    // When the lease was taken, as far as can be told.
    absl::Duration began;
    // Guards are tested once.
    bool tested = false;
    bool holds = false;
  };

  Sighting& See(const HeldLease& held, absl::Duration now);
  bool GuardsHold(const HeldLease& held, Sighting& sighting) const;
  Standing StandingOf(const HeldLease& held, Sighting& sighting, absl::Duration now) const;
  bool IsLate(const v1::CompileLease& says, absl::Duration held_for, absl::Duration remaining) const;

  // Constant after construction.
  const LeasePatience& patience_;
  const FlightRequest& request_;
  const Digest identity_;

  // By token.
  absl::flat_hash_map<std::string, Sighting> seen_;
};

}  // namespace kiln

#endif  // KILN_CACHE_LEASE_JUDGE_H_
