// Compile once: one flight for the requests that one compile can serve.
//
// A request that missed the index joins a flight:
//   1. A flight of the same identity (key, symbol values, host class, performance
//      guards allowed or not) is joined at once, before its worker has started.
//   2. A flight of the same key that has *propagated* is joined if its guards
//      hold on the request's symbol values.
//   3. A flight of the same key that has not is waited for; when it has
//      propagated, the request joins it, or goes on to the next.
//   4. Otherwise the request leads a flight of its own. Before its compile is
//      started the index is asked once more, since the flight that would have
//      served it may have just landed: so equal requests compile exactly once.
// 2 and 3 ask for a host that covers the leader's (HostClass::Covers): the
// artifact will use what the leader's host has.
//
// When the flight is *compiled* every waiter is tested against the variant's
// final guards and needs, since a later stage may have added some. A waiter that
// fails is told to look up again and to ask again with `failed_joins` one higher:
// from 1 on performance guards are forbidden, from 2 on the request joins only
// its own identity, so that it ends. Requests of the leader's identity satisfy
// its guards by construction; if they do not, that is COMPILER_BUG.
//
// When a flight fails, those who joined get its error; those who only waited go
// on. When nobody is left, the compile is cancelled.
//
// Everything is by callback: nothing blocks, no thread waits. Callbacks run on
// the thread that caused them, without locks held, and may call back in. `done`
// runs exactly once unless Leave() said that it never will.
//
//   flights.Join({.key = key, .symbol_values = values, .host = host, .deadline = t},
//                {.start = [=](std::shared_ptr<Flight> f) { workers->Start(f, graph); },
//                 .progress = ..., .done = ...});
#ifndef KILN_CACHE_FLIGHT_H_
#define KILN_CACHE_FLIGHT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/host_class.h"
#include "cache/variant_cache.h"
#include "cache/variant_key.h"

namespace kiln {

class Flight;

struct FlightRequest {
  VariantKey key;
  // The tenant whose key it is.
  std::string domain;
  // Names and values of the canonical symbols, in canonical order.
  std::vector<std::string> symbols;
  std::vector<int64_t> symbol_values;
  std::shared_ptr<const HostClass> host;
  // On the clock's monotonic time.
  absl::Duration deadline = absl::InfiniteDuration();
  // How often this request was told to look again.
  int failed_joins = 0;
  // It has a variant that was compiled for a lesser processor than its host's: looks for
  // what was published meanwhile pass over those.
  bool wants_better = false;

  bool forbid_performance_guards() const { return failed_joins > 0; }
};

// What makes two requests one before anything is known of guards: key, symbol
// values, host class, performance guards forbidden or not.
Digest FlightIdentity(const FlightRequest& request);

// Whether the request may be served by a compile of another identity, if its guards
// hold, that somebody leads who has this host and forbids performance guards or not.
bool MayJoinOther(const FlightRequest& request, const HostClass& leader_host, bool leader_forbids_performance_guards);

struct FlightProgress {
  v1::Progress::Phase phase = v1::Progress::PHASE_QUEUED;
  // With PHASE_PROPAGATED.
  std::vector<v1::Guard> guards;
  double estimated_seconds = 0;
};

struct FlightOutcome {
  // Set: the variant, with tier COMPILED for the leader, JOINED for others, or
  // the index's when the last look found it. Unset: look up and join again with
  // failed_joins + 1.
  std::optional<CacheHit> hit;
};

struct FlightCallbacks {
  // Called if this request leads: starts the compile, reports to the flight. At
  // most once. May fail the flight at once (admission).
  std::function<void(std::shared_ptr<Flight>)> start;
  // Optional. QUEUED for a leader, JOINED for others who joined; then PROPAGATED
  // and COMPILING.
  std::function<void(const FlightProgress&)> progress;
  // The flight's error, DEADLINE_EXCEEDED, or OVERLOADED over kWaitersPerFlight.
  std::function<void(absl::StatusOr<FlightOutcome>)> done;
};

using WaiterId = uint64_t;

// Thread-safe. Must outlive the flights it started.
class Flights {
 public:
  // Looks in the index for a leader that is about to compile. Must see every
  // variant that was published before its flight's Compiled().
  using LastLook = std::function<std::optional<CacheHit>(const FlightRequest&)>;

  // `clock` must outlive it.
  Flights(const Clock* clock, LastLook last_look);
  // Shuts down.
  ~Flights();

  // May call callbacks before it returns. The id is for Leave().
  WaiterId Join(FlightRequest request, FlightCallbacks callbacks);

  // The request's client has gone. True: `done` has not run and never will.
  // Cancels the compile if nobody else waits for it.
  bool Leave(WaiterId waiter);

  // Ends the waiters whose deadline has passed with DEADLINE_EXCEEDED; returns the
  // earliest deadline left. Whoever owns a timer calls it.
  absl::Duration Expire();

  // Ends every waiter with SHUTTING_DOWN and cancels every compile. Whoever joins
  // later gets the same.
  void Shutdown();

  int64_t num_flights() const;
  int64_t num_waiters() const;
  // Requests that were served by, or failed with, another's compile.
  int64_t num_joined() const;

 private:
  friend class Flight;
  class Rep;
  std::shared_ptr<Rep> rep_;
};

// The leader's side of one compile: what the worker pool reports to. Thread-safe.
// Dropping the last reference before Compiled() or Failed() fails the flight with
// WORKER_CRASHED, so that nobody waits for ever.
class Flight {
 public:
  ~Flight();
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  // The leader's request: its values and host are those to compile for.
  const FlightRequest& request() const { return request_; }

  // `cancel` is called at most once, when nobody waits any more; at once if that
  // is so already. After it, reports are ignored. A later OnCancel() takes its place.
  // It must not own the flight, which would then live until it ends.
  void OnCancel(std::function<void()> cancel);

  // The guards of propagation; said again, they replace those that were. True: go on.
  // False: nobody wants it (any more), or the guards don't parse, which fails the flight:
  // drop it. `decided` (may be null) gets the same before those who wait are told, which
  // takes a while where they are many.
  bool Propagated(std::vector<v1::Guard> guards, double estimated_seconds,
                  const std::function<void(bool)>& decided = nullptr);
  // A variant that serves the leader was found after all. Ends the flight.
  void Found(const CacheHit& hit);
  // Publish the variant first. Ends the flight.
  void Compiled(const IndexedVariantPtr& variant, ArtifactBytes elf);
  // Ends the flight.
  void Failed(absl::Status status);

 private:
  friend class Flights;
  Flight(std::shared_ptr<Flights::Rep> rep, uint64_t id, FlightRequest request);

  // Constant after construction.
  const std::shared_ptr<Flights::Rep> rep_;
  const uint64_t id_;
  const FlightRequest request_;
};

}  // namespace kiln

#endif  // KILN_CACHE_FLIGHT_H_
