#include "cache/fleet_flights.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace kiln {
namespace {

// Takes in a row, each of which passes over leases that the one before showed.
constexpr int kMaxTakesInARow = 8;
constexpr size_t kMaxPassedOver = 512;

// A queue, and a compile: nobody waits longer, whatever leases say.
absl::Duration LongestWait() {
  return absl::Seconds(GetLimit(Limit::kQueueWaitSeconds) + GetLimit(Limit::kCompileSeconds));
}

// A holder that has died is found by the end of its lease, by one of those who wait.
// All of them would find it late, and each compile for itself, if that came first.
FleetOptions PatientBeyondALease(FleetOptions options) {
  options.patience.late_slack = std::max(options.patience.late_slack, 1.5 * options.lifetime);
  options.patience.begin = std::max(options.patience.begin, 1.5 * options.lifetime);
  return options;
}

v1::CompileLease Says(const std::string& replica, const FlightRequest& request) {
  v1::CompileLease says;
  says.set_holder(replica);
  *says.mutable_host() = request.host->ToProto();
  says.set_forbid_performance_guards(request.forbid_performance_guards());
  for (const std::string& symbol : request.symbols) says.add_symbols(symbol);
  return says;
}

}  // namespace

FleetFlights::FleetFlights(FleetOptions options, const Clock* clock, FleetLeases* leases, Look look,
                           std::function<void()> wake)
    : options_(PatientBeyondALease(std::move(options))),
      clock_(clock),
      leases_(leases),
      look_(std::move(look)),
      inbox_(std::make_shared<FleetInbox>(std::move(wake))) {
  leases_->Listen([inbox = inbox_](const VariantKey& key) { inbox->Hear(key); });
}

FleetFlights::~FleetFlights() {
  leases_->Listen(nullptr);
  for (uint64_t id : inbox_->TakeAll().released) Release(id);
  for (const auto& [id, held] : held_) {
    // One that does not answer would not answer the next time either.
    if (!leases_->Release(held.wish.name, held.wish.token).ok()) break;
  }
}

void FleetFlights::Start(std::shared_ptr<Flight> flight, FleetCompile compile) {
  const uint64_t id = inbox_->NewId();
  // Before it arrives: then the compile's own may take its place at any moment.
  flight->OnCancel([inbox = inbox_, id] { inbox->Leave(id); });
  inbox_->Arrive({id, std::move(flight), std::move(compile)});
}

absl::Duration FleetFlights::Advance() {
  FleetInbox::Mail mail = inbox_->TakeAll();
  // What ends somebody's waiting comes first.
  for (uint64_t id : mail.released) Release(id);
  for (const FleetInbox::News& news : mail.news) Tell(news);
  for (FleetInbox::Arrival& arrival : mail.arrivals) Arrive(std::move(arrival));
  for (uint64_t id : mail.left) waiting_.erase(id);
  const absl::Duration now = clock_->Monotonic();
  absl::Duration next = absl::InfiniteDuration();
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    Waiting& waiting = at->second;
    const bool is_due = waiting.due <= now || mail.heard_all || mail.heard.contains(waiting.wish.name.key);
    if (is_due && Step(at->first, waiting) == Fate::kEnded) {
      at = waiting_.erase(at);
      continue;
    }
    next = std::min(next, waiting.due);
    ++at;
  }
  std::vector<uint64_t> to_renew;
  for (const auto& [id, held] : held_) {
    if (held.due <= now) to_renew.push_back(id);
  }
  for (uint64_t id : to_renew) Renew(id, /*is_news=*/false);
  for (const auto& [id, held] : held_) next = std::min(next, held.due);
  return next;
}

void FleetFlights::Arrive(FleetInbox::Arrival arrival) {
  const FlightRequest& request = arrival.flight->request();
  FleetLeases::Wish wish = {.name = {request.key, FlightIdentity(request)},
                            .token = NewLeaseToken(),
                            .says = Says(options_.replica, request),
                            .lifetime = options_.lifetime};
  const absl::Duration now = clock_->Monotonic();
  waiting_.emplace(arrival.id, Waiting{.flight = arrival.flight,
                                       .compile = std::move(arrival.compile),
                                       .wish = std::move(wish),
                                       .judge = LeaseJudge(options_.patience, request),
                                       .since = now,
                                       .due = now});
}

FleetFlights::Fate FleetFlights::Step(uint64_t id, Waiting& waiting) {
  if (waiting.has_waited && LandFound(waiting)) return Fate::kEnded;
  return Ask(id, waiting);
}

FleetFlights::Fate FleetFlights::Ask(uint64_t id, Waiting& waiting) {
  for (int take = 0; take < kMaxTakesInARow; ++take) {
    absl::StatusOr<LeaseAnswer> answer = leases_->Take(waiting.wish);
    if (!answer.ok()) {
      ++unavailable_;
      return CompileWithout(waiting);
    }
    if (answer->taken) return CompileWithLease(id, waiting);
    const LeaseVerdict verdict = waiting.judge.Judge(answer->others, clock_->Monotonic());
    switch (verdict.step) {
      case LeaseStep::kWait:
        return WaitFor(verdict, waiting);
      case LeaseStep::kHedge:
        ++hedged_;
        return CompileWithout(waiting);
      case LeaseStep::kTake:
        break;
    }
    std::vector<Digest>& over = waiting.wish.passed_over;
    over.insert(over.end(), verdict.pass_over.begin(), verdict.pass_over.end());
    if (over.size() > kMaxPassedOver) break;
  }
  // So many compiles of one key are no herd.
  return CompileWithout(waiting);
}

FleetFlights::Fate FleetFlights::WaitFor(const LeaseVerdict& verdict, Waiting& waiting) {
  const absl::Duration now = clock_->Monotonic();
  if (now - waiting.since > LongestWait()) {
    ++hedged_;
    return CompileWithout(waiting);
  }
  if (!std::exchange(waiting.has_waited, true)) ++waited_;
  waiting.due = now + options_.poll;
  const HeldLease& holder = *verdict.holder;
  if (!verdict.is_served || waiting.told_by == holder.token) return Fate::kWaits;
  waiting.told_by = holder.token;
  const std::vector<v1::Guard> guards(holder.says.guards().begin(), holder.says.guards().end());
  return waiting.flight->Propagated(guards, holder.says.estimated_seconds()) ? Fate::kWaits : Fate::kEnded;
}

bool FleetFlights::LandFound(Waiting& waiting) {
  const std::optional<CacheHit> hit = look_(waiting.flight->request());
  if (hit.has_value()) waiting.flight->Found(*hit);
  return hit.has_value();
}

FleetFlights::Fate FleetFlights::CompileWithLease(uint64_t id, Waiting& waiting) {
  ++taken_;
  const absl::Duration now = clock_->Monotonic();
  held_[id] = {waiting.wish, now, now + options_.lifetime / 3};
  // Releases it, should the flight be found after all.
  auto lease = std::make_shared<FleetLease>(inbox_, id);
  if (LandFound(waiting)) return Fate::kEnded;
  if (waiting.has_waited) ++taken_over_;
  waiting.compile(std::move(waiting.flight), std::move(lease));
  return Fate::kEnded;
}

FleetFlights::Fate FleetFlights::CompileWithout(Waiting& waiting) {
  waiting.compile(std::move(waiting.flight), nullptr);
  return Fate::kEnded;
}

void FleetFlights::Tell(const FleetInbox::News& news) {
  const auto at = held_.find(news.id);
  if (at == held_.end()) return;
  Held& held = at->second;
  v1::CompileLease& says = held.wish.says;
  says.set_propagated_after_seconds(absl::ToDoubleSeconds(clock_->Monotonic() - held.taken));
  says.set_estimated_seconds(news.estimated_seconds);
  says.mutable_guards()->Assign(news.guards.begin(), news.guards.end());
  says.set_has_guards(true);
  // Where a test came from is for people, and this is for replicas.
  for (v1::Guard& guard : *says.mutable_guards()) guard.mutable_reason()->clear_location();
  if (says.ByteSizeLong() > kMaxLeaseBytes) {
    says.set_has_guards(false);
    says.clear_guards();
  }
  Renew(news.id, /*is_news=*/true);
}

void FleetFlights::Renew(uint64_t id, bool is_news) {
  Held& held = held_.at(id);
  const absl::Duration now = clock_->Monotonic();
  held.due = now + options_.lifetime / 3;
  held.wish.says.set_held_seconds(absl::ToDoubleSeconds(now - held.taken));
  absl::StatusOr<bool> renewed = leases_->Renew(held.wish, is_news);
  if (!renewed.ok()) {
    ++unavailable_;
    return;
  }
  if (*renewed) return;
  ++lost_;
  held_.erase(id);
}

void FleetFlights::Release(uint64_t id) {
  const auto at = held_.find(id);
  if (at == held_.end()) return;
  // One that is not released expires.
  leases_->Release(at->second.wish.name, at->second.wish.token).IgnoreError();
  held_.erase(at);
}

FleetCounters FleetFlights::Counters() const {
  return {taken_.load(), waited_.load(), taken_over_.load(), hedged_.load(), lost_.load(), unavailable_.load(),
          duplicates_.load()};
}

}  // namespace kiln
