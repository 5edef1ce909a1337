#include "cache/flights_rep.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"

namespace kiln {
namespace {

// From this many failed joins on a request joins only its own identity.
constexpr int kMaxFailedJoins = 2;

template <typename Guards>
std::vector<const v1::Guard*> Pointers(const Guards& guards) {
  std::vector<const v1::Guard*> pointers;
  for (const v1::Guard& guard : guards) pointers.push_back(&guard);
  return pointers;
}

}  // namespace

Digest FlightIdentity(const FlightRequest& request) {
  DigestBuilder builder("kiln.flight.v1");
  builder.AddDigest(request.key.digest).AddDigest(request.host->digest());
  builder.AddInt(request.forbid_performance_guards());
  builder.AddInt(static_cast<int64_t>(request.symbol_values.size()));
  for (int64_t value : request.symbol_values) builder.AddInt(value);
  return builder.Finish();
}

bool MayJoinOther(const FlightRequest& request, const HostClass& leader_host, bool leader_forbids_performance_guards) {
  if (request.failed_joins >= kMaxFailedJoins) return false;
  if (request.forbid_performance_guards() && !leader_forbids_performance_guards) return false;
  return request.host->Covers(leader_host);
}

WaiterId Flights::Rep::Join(FlightRequest request, FlightCallbacks callbacks) {
  Calls calls;
  WaiterId id;
  {
    absl::MutexLock lock(&mutex_);
    id = next_id_++;
    Waiter& waiter = waiters_[id];
    waiter.identity = FlightIdentity(request);
    waiter.since = clock_->Monotonic();
    if (request.deadline < absl::InfiniteDuration()) deadlines_.emplace(request.deadline, id);
    waiter.request = std::move(request);
    waiter.callbacks = std::make_shared<const FlightCallbacks>(std::move(callbacks));
    if (shut_down_) {
      EndLocked(id, MakeError(ErrorReason::kShuttingDown, "the server is shutting down"), calls);
    } else {
      PlaceLocked(id, waiter, calls);
    }
  }
  Run(calls);
  return id;
}

bool Flights::Rep::MayJoin(const Waiter& waiter, const State& state) {
  const FlightRequest& leader = state.leader_request;
  return MayJoinOther(waiter.request, *leader.host, leader.forbid_performance_guards());
}

uint64_t Flights::Rep::FindIdentityLocked(const Waiter& waiter) {
  for (uint64_t flight : by_key_[waiter.request.key]) {
    if (flights_.at(flight).identity == waiter.identity) return flight;
  }
  return 0;
}

uint64_t Flights::Rep::FindByGuardsLocked(const Waiter& waiter) {
  for (uint64_t flight : by_key_[waiter.request.key]) {
    State& state = flights_.at(flight);
    if (state.guards == nullptr || !MayJoin(waiter, state)) continue;
    if (state.guards->Holds(waiter.request.symbol_values)) return flight;
  }
  return 0;
}

uint64_t Flights::Rep::FindUnpropagatedLocked(const Waiter& waiter) {
  for (uint64_t flight : by_key_[waiter.request.key]) {
    const State& state = flights_.at(flight);
    if (state.guards == nullptr && MayJoin(waiter, state)) return flight;
  }
  return 0;
}

void Flights::Rep::PlaceLocked(WaiterId id, Waiter& waiter, Calls& calls) {
  uint64_t flight = FindIdentityLocked(waiter);
  if (flight == 0) flight = FindByGuardsLocked(waiter);
  if (flight != 0) {
    JoinLocked(id, waiter, flight, flights_.at(flight), calls);
    return;
  }
  flight = FindUnpropagatedLocked(waiter);
  if (flight == 0) {
    LeadLocked(id, waiter, calls);
    return;
  }
  waiter.flight = flight;
  flights_.at(flight).pending.insert(id);
}

void Flights::Rep::JoinLocked(WaiterId id, Waiter& waiter, uint64_t flight, State& state, Calls& calls) {
  const int64_t count = static_cast<int64_t>(state.joined.size()) + 1;
  if (count > GetLimit(Limit::kWaitersPerFlight)) {
    EndLocked(id,
              MakeError(ErrorReason::kOverloaded,
                        absl::StrCat("compile: ", count, " requests wait for it, over the limit of ",
                                     GetLimit(Limit::kWaitersPerFlight))),
              calls);
    return;
  }
  waiter.flight = flight;
  state.joined.insert(id);
  if (waiter.callbacks->progress == nullptr) return;
  calls.push_back([callbacks = waiter.callbacks, propagated = state.propagated] {
    callbacks->progress({v1::Progress::PHASE_JOINED, {}, 0});
    if (propagated != nullptr) callbacks->progress(*propagated);
  });
}

void Flights::Rep::LeadLocked(WaiterId id, Waiter& waiter, Calls& calls) {
  const uint64_t flight = next_id_++;
  State& state = flights_[flight];
  state.key = waiter.request.key;
  state.identity = waiter.identity;
  state.leader_request = waiter.request;
  state.leader = id;
  state.joined.insert(id);
  by_key_[state.key].push_back(flight);
  waiter.flight = flight;
  calls.push_back([self = shared_from_this(), flight, request = waiter.request, callbacks = waiter.callbacks] {
    if (callbacks->progress != nullptr) callbacks->progress({v1::Progress::PHASE_QUEUED, {}, 0});
    self->StartFlight(flight, request, callbacks->start);
  });
}

void Flights::Rep::StartFlight(uint64_t flight, const FlightRequest& request,
                               const std::function<void(std::shared_ptr<Flight>)>& start) {
  if (last_look_ != nullptr) {
    if (std::optional<CacheHit> hit = last_look_(request)) {
      Land(flight, *hit, /*last_looked=*/true);
      return;
    }
  }
  {
    absl::MutexLock lock(&mutex_);
    if (!flights_.contains(flight)) return;
  }
  start(std::shared_ptr<Flight>(new Flight(shared_from_this(), flight, request)));
}

void Flights::Rep::EndLocked(WaiterId id, absl::StatusOr<FlightOutcome> result, Calls& calls) {
  auto at = waiters_.find(id);
  calls.push_back([callbacks = at->second.callbacks, result = std::move(result)] { callbacks->done(result); });
  deadlines_.erase({at->second.request.deadline, id});
  waiters_.erase(at);
}

void Flights::Rep::DetachLocked(WaiterId id, uint64_t flight, Calls& calls) {
  auto at = flights_.find(flight);
  if (at == flights_.end()) return;
  at->second.joined.erase(id);
  at->second.pending.erase(id);
  if (!at->second.joined.empty() || !at->second.pending.empty()) return;
  State state = TakeLocked(flight, calls);
  if (state.cancel != nullptr) calls.push_back([cancel = state.cancel] { (*cancel)(); });
}

Flights::Rep::State Flights::Rep::TakeLocked(uint64_t flight, Calls& calls) {
  auto at = flights_.find(flight);
  State state = std::move(at->second);
  calls.push_back([keep = state.cancel] {});
  flights_.erase(at);
  auto of_key = by_key_.find(state.key);
  std::erase(of_key->second, flight);
  if (of_key->second.empty()) by_key_.erase(of_key);
  return state;
}

bool Flights::Rep::Leave(WaiterId id) {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    auto at = waiters_.find(id);
    if (at == waiters_.end()) return false;
    const uint64_t flight = at->second.flight;
    deadlines_.erase({at->second.request.deadline, id});
    calls.push_back([keep = at->second.callbacks] {});
    waiters_.erase(at);
    DetachLocked(id, flight, calls);
  }
  Run(calls);
  return true;
}

absl::Duration Flights::Rep::Expire() {
  const absl::Duration now = clock_->Monotonic();
  absl::Duration next = absl::InfiniteDuration();
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      const WaiterId id = deadlines_.begin()->second;
      const Waiter& waiter = waiters_.at(id);
      const uint64_t flight = waiter.flight;
      const absl::Duration waited = absl::Trunc(now - waiter.since, absl::Milliseconds(1));
      EndLocked(id,
                MakeError(ErrorReason::kDeadlineExceeded, absl::StrCat("the deadline passed after ",
                                                                       absl::FormatDuration(waited),
                                                                       " of waiting for the compile")),
                calls);
      DetachLocked(id, flight, calls);
    }
    if (!deadlines_.empty()) next = deadlines_.begin()->first;
  }
  Run(calls);
  return next;
}

void Flights::Rep::Shutdown() {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    shut_down_ = true;
    for (auto& [id, state] : flights_) {
      if (state.cancel != nullptr) calls.push_back([cancel = state.cancel] { (*cancel)(); });
    }
    flights_.clear();
    by_key_.clear();
    while (!waiters_.empty()) {
      EndLocked(waiters_.begin()->first, MakeError(ErrorReason::kShuttingDown, "the server is shutting down"), calls);
    }
  }
  Run(calls);
}

void Flights::Rep::OnCancel(uint64_t flight, std::function<void()> cancel) {
  {
    absl::MutexLock lock(&mutex_);
    auto at = flights_.find(flight);
    if (at != flights_.end()) {
      at->second.cancel = std::make_shared<const std::function<void()>>(std::move(cancel));
      return;
    }
  }
  cancel();
}

void Flights::Rep::TellLocked(const State& state, std::shared_ptr<const FlightProgress> progress, Calls& calls) {
  for (WaiterId id : state.joined) {
    const std::shared_ptr<const FlightCallbacks>& callbacks = waiters_.at(id).callbacks;
    if (callbacks->progress == nullptr) continue;
    calls.push_back([callbacks, progress] { callbacks->progress(*progress); });
  }
}

void Flights::Rep::ReplaceLocked(const std::set<WaiterId>& ids, Calls& calls) {
  for (WaiterId id : ids) PlaceLocked(id, waiters_.at(id), calls);
}

bool Flights::Rep::Propagated(uint64_t flight, std::vector<v1::Guard> guards, double estimated_seconds,
                              const std::function<void(bool)>& decided) {
  Calls calls;
  bool go = false;
  {
    absl::MutexLock lock(&mutex_);
    go = PropagatedLocked(flight, std::move(guards), estimated_seconds, calls);
  }
  if (decided != nullptr) decided(go);
  Run(calls);
  return go;
}

bool Flights::Rep::PropagatedLocked(uint64_t flight, std::vector<v1::Guard> guards, double estimated_seconds,
                                    Calls& calls) {
  auto at = flights_.find(flight);
  if (at == flights_.end()) return false;
  State& state = at->second;
  absl::StatusOr<std::unique_ptr<GuardTester>> tester =
      GuardTester::Make(state.leader_request.symbols, Pointers(guards));
  if (!tester.ok()) {
    FailLocked(flight, tester.status(), calls);
    return false;
  }
  state.guards = *std::move(tester);
  state.propagated = std::make_shared<const FlightProgress>(
      FlightProgress{v1::Progress::PHASE_PROPAGATED, std::move(guards), estimated_seconds});
  TellLocked(state, state.propagated, calls);
  // Those who join now hear of it as they join; placing may move the map.
  ReplaceLocked(std::exchange(state.pending, {}), calls);
  State& again = flights_.at(flight);
  if (again.joined.empty()) {
    TakeLocked(flight, calls);
    return false;
  }
  TellLocked(again, Phase(v1::Progress::PHASE_COMPILING), calls);
  return true;
}

void Flights::Rep::DeliverLocked(WaiterId id, const State& state, const CacheHit& hit, bool last_looked,
                                 GuardTester& guards, Calls& calls) {
  const Waiter& waiter = waiters_.at(id);
  const bool holds = guards.Holds(waiter.request.symbol_values);
  if (holds && waiter.request.host->WhyNot(hit.variant->record).empty()) {
    CacheHit own = hit;
    if (!last_looked) own.tier = id == state.leader ? v1::TIER_COMPILED : v1::TIER_JOINED;
    if (id != state.leader && !last_looked) ++num_joined_;
    EndLocked(id, FlightOutcome{std::move(own)}, calls);
    return;
  }
  if (waiter.identity != state.identity) {
    EndLocked(id, FlightOutcome{}, calls);
    return;
  }
  EndLocked(id,
            MakeError(ErrorReason::kCompilerBug,
                      holds ? "the artifact needs more than the host that it was compiled for has"
                            : "the artifact's guards do not hold on the sizes that it was compiled for"),
            calls);
}

void Flights::Rep::Land(uint64_t flight, const CacheHit& hit, bool last_looked) {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    if (!flights_.contains(flight)) return;
    const v1::VariantRecord& record = hit.variant->record;
    absl::StatusOr<std::unique_ptr<GuardTester>> guards =
        GuardTester::Make({record.symbols().begin(), record.symbols().end()}, Pointers(record.guards()));
    if (!guards.ok()) {
      FailLocked(flight, guards.status(), calls);
    } else {
      State state = TakeLocked(flight, calls);
      for (WaiterId id : state.joined) DeliverLocked(id, state, hit, last_looked, **guards, calls);
      // Those who never saw the guards have joined nothing: they go on where they
      // would have gone, but for those that this variant serves.
      std::set<WaiterId> others;
      for (WaiterId id : state.pending) {
        const FlightRequest& request = waiters_.at(id).request;
        if ((*guards)->Holds(request.symbol_values) && request.host->WhyNot(record).empty()) {
          DeliverLocked(id, state, hit, last_looked, **guards, calls);
        } else {
          others.insert(id);
        }
      }
      ReplaceLocked(others, calls);
    }
  }
  Run(calls);
}

void Flights::Rep::FailLocked(uint64_t flight, const absl::Status& status, Calls& calls) {
  if (!flights_.contains(flight)) return;
  State state = TakeLocked(flight, calls);
  num_joined_ += static_cast<int64_t>(state.joined.size()) - static_cast<int64_t>(state.joined.count(state.leader));
  for (WaiterId id : state.joined) EndLocked(id, status, calls);
  ReplaceLocked(state.pending, calls);
}

void Flights::Rep::Fail(uint64_t flight, const absl::Status& status) {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    FailLocked(flight, status, calls);
  }
  Run(calls);
}

}  // namespace kiln
