#include "cache/lease_judge.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/limits.h"
#include "cache/guard_tester.h"

namespace kiln {
namespace {

// How long a holder that has not propagated is thought to take.
constexpr absl::Duration kUnknownEstimate = absl::Seconds(1);
// Of tokens remembered by one flight; over it, all are seen for the first time.
constexpr size_t kMaxSightings = 1024;

// Others' numbers: not negative, no NaN, no more than a compile may take.
absl::Duration Bounded(double seconds) {
  if (!(seconds > 0)) return absl::ZeroDuration();
  return absl::Seconds(std::min(seconds, static_cast<double>(GetLimit(Limit::kCompileSeconds))));
}

}  // namespace

LeaseJudge::LeaseJudge(const LeasePatience& patience, const FlightRequest& request)
    : patience_(patience), request_(request), identity_(FlightIdentity(request)) {}

LeaseJudge::Sighting& LeaseJudge::See(const HeldLease& held, absl::Duration now) {
  if (seen_.size() >= kMaxSightings && !seen_.contains(held.token)) seen_.clear();
  const absl::Duration began = now - Bounded(held.says.held_seconds());
  auto [at, is_new] = seen_.try_emplace(held.token, Sighting{began});
  if (!is_new) at->second.began = std::min(at->second.began, began);
  return at->second;
}

bool LeaseJudge::GuardsHold(const HeldLease& held, Sighting& sighting) const {
  if (sighting.tested) return sighting.holds;
  sighting.tested = true;
  const v1::CompileLease& says = held.says;
  if (!std::equal(says.symbols().begin(), says.symbols().end(), request_.symbols.begin(), request_.symbols.end())) {
    return false;
  }
  std::vector<const v1::Guard*> guards;
  for (const v1::Guard& guard : says.guards()) guards.push_back(&guard);
  absl::StatusOr<std::unique_ptr<GuardTester>> tester = GuardTester::Make(request_.symbols, guards);
  sighting.holds = tester.ok() && (*tester)->Holds(request_.symbol_values);
  return sighting.holds;
}

LeaseJudge::Standing LeaseJudge::StandingOf(const HeldLease& held, Sighting& sighting, absl::Duration now) const {
  if (held.identity == identity_) return Standing::kSame;
  const v1::CompileLease& says = held.says;
  if (!patience_.share_guards) return Standing::kNone;
  if (!MayJoinOther(request_, HostClass(says.host()), says.forbid_performance_guards())) return Standing::kNone;
  if (says.has_guards()) return GuardsHold(held, sighting) ? Standing::kServes : Standing::kNone;
  // It has propagated and does not tell.
  if (says.has_propagated_after_seconds()) return Standing::kNone;
  return now - sighting.began < patience_.guards ? Standing::kMayServe : Standing::kNone;
}

bool LeaseJudge::IsLate(const v1::CompileLease& says, absl::Duration held_for, absl::Duration remaining) const {
  absl::Duration estimate = kUnknownEstimate, expected = kUnknownEstimate, tolerated = patience_.begin;
  if (says.has_propagated_after_seconds()) {
    const absl::Duration begun = Bounded(says.propagated_after_seconds());
    estimate = Bounded(says.estimated_seconds());
    expected = begun + estimate;
    tolerated = begun + patience_.late_factor * estimate + patience_.late_slack;
  }
  if (held_for > tolerated) return true;
  return held_for > expected && remaining < 2 * estimate + patience_.late_slack;
}

LeaseVerdict LeaseJudge::Judge(const std::vector<HeldLease>& others, absl::Duration now) {
  LeaseVerdict verdict;
  Standing best = Standing::kNone;
  for (const HeldLease& held : others) {
    Sighting& sighting = See(held, now);
    const bool is_late = IsLate(held.says, now - sighting.began, request_.deadline - now);
    const Standing standing = StandingOf(held, sighting, now);
    // For who asks for other sizes, late is as good as not there.
    if (standing == Standing::kNone || (standing != Standing::kSame && is_late)) {
      verdict.pass_over.push_back(held.identity);
      continue;
    }
    if (standing <= best) continue;
    best = standing;
    verdict.holder = &held;
    verdict.step = is_late ? LeaseStep::kHedge : LeaseStep::kWait;
    verdict.is_served = held.says.has_guards() && GuardsHold(held, sighting);
  }
  return verdict;
}

}  // namespace kiln
