#include "cache/fleet_flights.h"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/guard_index.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/memory_fleet_leases.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// What all replicas find, once it is published.
class Shelf {
 public:
  CacheHit Publish(const VariantSpec& spec) {
    CacheHit hit = {MakeVariant(spec), Elf(spec.elf), v1::TIER_SHARED};
    EXPECT_TRUE(index_.Add(hit.variant).ok());
    elves_[hit.variant->artifact] = hit.elf;
    return hit;
  }
  std::optional<CacheHit> Look(const FlightRequest& request) {
    absl::StatusOr<IndexAnswer> found = index_.Lookup(request.key, request.symbol_values, *request.host);
    if (!found.ok() || found->variant == nullptr) return std::nullopt;
    return CacheHit{found->variant, elves_.at(found->variant->artifact), v1::TIER_SHARED};
  }

 private:
  GuardIndex index_;
  std::map<Digest, ArtifactBytes> elves_;
};

struct Caller {
  WaiterId id = 0;
  std::vector<int64_t> values;
  std::string outcome;  // empty: still waits
};

// One process of the fleet: its flights, what it has of the leases, and the
// compiles that it has begun.
class Replica {
 public:
  struct Begun {
    std::shared_ptr<Flight> flight;
    std::shared_ptr<FleetLease> lease;
  };

  Replica(const Clock* clock, MemoryLeaseTable* table, Shelf* shelf, FleetOptions options = {})
      : shelf_(shelf),
        leases_(table),
        flights_(clock, [shelf](const FlightRequest& request) { return shelf->Look(request); }),
        fleet_(std::make_unique<FleetFlights>(
            std::move(options), clock, &leases_,
            [shelf](const FlightRequest& request) { return shelf->Look(request); }, [] {})) {}
  ~Replica() {
    flights_.Shutdown();
    begun_.clear();
  }

  std::shared_ptr<Caller> Ask(std::vector<int64_t> values) {
    std::shared_ptr<Caller> caller = Join(std::move(values));
    Advance();
    return caller;
  }
  // What its leader does with the fleet is left to Advance().
  std::shared_ptr<Caller> Join(std::vector<int64_t> values) {
    auto caller = std::make_shared<Caller>();
    caller->values = values;
    AskFor(caller, {.key = MakeKey("g"),
                    .symbols = SymbolNames(static_cast<int>(values.size())),
                    .symbol_values = values,
                    .host = std::make_shared<const HostClass>(MakeHost())});
    return caller;
  }

  absl::Duration Advance() {
    // Twice: a compile that a step ends may release what another waits for.
    fleet_->Advance();
    return fleet_->Advance();
  }

  void Propagate(size_t at, const std::vector<std::string>& guards, double estimate = 1) {
    Begun& begun = begun_.at(at);
    if (begun.lease != nullptr) begun.lease->Propagated(MakeGuards(guards), estimate);
    begun.flight->Propagated(MakeGuards(guards), estimate);
    Advance();
  }
  // Publishes as run_compile does, and ends the compile.
  void Land(size_t at, const VariantSpec& spec) {
    Begun begun = Take(at);
    if (std::optional<CacheHit> there = shelf_->Look(begun.flight->request())) {
      fleet_->CountDuplicate();
      begun.flight->Found(*there);
    } else {
      const CacheHit hit = shelf_->Publish(spec);
      begun.flight->Compiled(hit.variant, hit.elf);
    }
    begun = {};
    Advance();
  }
  void Fail(size_t at) {
    Take(at).flight->Failed(MakeError(ErrorReason::kWorkerCrashed, "killed"));
    Advance();
  }
  // As kill -9: nothing is released.
  void Die() {
    leases_.SetFault(LeaseFault::kNoAnswer);
    flights_.Shutdown();
    begun_.clear();
    fleet_.reset();
  }
  bool is_dead() const { return fleet_ == nullptr; }

  size_t num_begun() const { return begun_.size(); }
  const FlightRequest& request(size_t at) const { return begun_.at(at).flight->request(); }
  bool HasLease(size_t at) const { return begun_.at(at).lease != nullptr; }
  FleetCounters Counters() const { return fleet_->Counters(); }
  Flights& flights() { return flights_; }
  MemoryFleetLeases& leases() { return leases_; }
  void SetLastCancelled(std::shared_ptr<int> count) { cancelled_ = std::move(count); }

 private:
  void AskFor(const std::shared_ptr<Caller>& caller, FlightRequest request) {
    FlightRequest again = request;
    ++again.failed_joins;
    caller->id = flights_.Join(
        std::move(request),
        {.start =
             [this](std::shared_ptr<Flight> flight) {
               fleet_->Start(std::move(flight), [this](std::shared_ptr<Flight> led, std::shared_ptr<FleetLease> lease) {
                 led->OnCancel([count = cancelled_] { ++*count; });
                 begun_.push_back({std::move(led), std::move(lease)});
               });
             },
         .done =
             [this, caller, again](absl::StatusOr<FlightOutcome> outcome) {
               ASSERT_EQ(caller->outcome, "");
               if (outcome.ok() && !outcome->hit.has_value()) return AskFor(caller, again);
               caller->outcome = outcome.ok()
                                     ? absl::StrCat(*outcome->hit->elf, " ", v1::Tier_Name(outcome->hit->tier).substr(5))
                                     : std::string(outcome.status().message());
             }});
  }
  Begun Take(size_t at) {
    Begun begun = std::move(begun_.at(at));
    begun_.erase(begun_.begin() + static_cast<ptrdiff_t>(at));
    return begun;
  }

  Shelf* const shelf_;
  std::shared_ptr<int> cancelled_ = std::make_shared<int>(0);
  MemoryFleetLeases leases_;
  Flights flights_;
  std::unique_ptr<FleetFlights> fleet_;
  std::vector<Begun> begun_;
};

class FleetFlightsTest : public ::testing::Test {
 protected:
  void AdvanceAll(absl::Duration by) {
    clock_.Advance(by);
    a_.Advance();
    b_.Advance();
  }

  FakeClock clock_;
  MemoryLeaseTable table_{&clock_};
  Shelf shelf_;
  Replica a_{&clock_, &table_, &shelf_};
  Replica b_{&clock_, &table_, &shelf_};
};

constexpr absl::Duration kPoll = absl::Milliseconds(100);
const VariantSpec kAny = {.num_symbols = 1};

TEST_F(FleetFlightsTest, TheFirstTakesTheLeaseAndCompiles) {
  auto first = a_.Ask({8});
  ASSERT_EQ(a_.num_begun(), 1u);
  EXPECT_TRUE(a_.HasLease(0));
  EXPECT_EQ(table_.num_held(), 1);
  a_.Land(0, kAny);
  EXPECT_EQ(first->outcome, "elf COMPILED");
  EXPECT_EQ(table_.num_held(), 0);
  EXPECT_EQ(a_.Counters().taken, 1);
}

TEST_F(FleetFlightsTest, AnotherReplicaWaitsAndFindsTheVariant) {
  a_.Ask({8});
  auto other = b_.Ask({8});
  EXPECT_EQ(b_.num_begun(), 0u);
  a_.Propagate(0, {});
  a_.Land(0, kAny);
  // By message, without any time passing.
  b_.Advance();
  EXPECT_EQ(other->outcome, "elf SHARED");
  EXPECT_EQ(b_.Counters().waited, 1);
  EXPECT_EQ(b_.Counters().taken, 0);
}

TEST_F(FleetFlightsTest, ALostMessageCostsAPoll) {
  b_.leases().SetFault(LeaseFault::kDeafListener);
  a_.Ask({8});
  auto other = b_.Ask({8});
  a_.Land(0, kAny);
  EXPECT_EQ(b_.Advance(), clock_.Monotonic() + kPoll);
  EXPECT_EQ(other->outcome, "");
  AdvanceAll(kPoll);
  EXPECT_EQ(other->outcome, "elf SHARED");
}

TEST_F(FleetFlightsTest, LeasesAreRenewedForAsLongAsItTakes) {
  a_.Ask({8});
  auto other = b_.Ask({8});
  a_.Propagate(0, {}, /*estimate=*/100);
  for (int i = 0; i < 60; ++i) AdvanceAll(absl::Seconds(1));
  EXPECT_EQ(table_.num_held(), 1);
  EXPECT_EQ(b_.num_begun(), 0u);
  EXPECT_EQ(a_.Counters().lost, 0);
}

TEST_F(FleetFlightsTest, ADeadHolderIsTakenOverWithinOneLifetime) {
  a_.Ask({8});
  auto other = b_.Ask({8});
  a_.Propagate(0, {}, /*estimate=*/100);
  a_.Die();
  clock_.Advance(FleetOptions().lifetime - absl::Milliseconds(1));
  b_.Advance();
  EXPECT_EQ(b_.num_begun(), 0u);
  clock_.Advance(kPoll);
  b_.Advance();
  ASSERT_EQ(b_.num_begun(), 1u);
  EXPECT_TRUE(b_.HasLease(0));
  EXPECT_EQ(b_.Counters().taken_over, 1);
  b_.Land(0, kAny);
  EXPECT_EQ(other->outcome, "elf COMPILED");
}

TEST_F(FleetFlightsTest, OfManyWhoWaitForADeadHolderOneTakesOver) {
  Replica c(&clock_, &table_, &shelf_);
  a_.Ask({8});
  b_.Ask({8});
  c.Ask({8});
  a_.Propagate(0, {}, /*estimate=*/0.1);
  // Renewed as late as can be before it dies.
  AdvanceAll(FleetOptions().lifetime / 3);
  a_.Die();
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(kPoll);
    b_.Advance();
    c.Advance();
  }
  EXPECT_EQ(b_.num_begun() + c.num_begun(), 1u);
  EXPECT_EQ(b_.Counters().hedged + c.Counters().hedged, 0);
}

TEST_F(FleetFlightsTest, AFailedHolderIsTakenOverAtOnce) {
  a_.Ask({8});
  auto other = b_.Ask({8});
  a_.Fail(0);
  b_.Advance();
  EXPECT_EQ(b_.num_begun(), 1u);
  EXPECT_EQ(b_.Counters().taken_over, 1);
}

TEST_F(FleetFlightsTest, WhatWasPublishedMeanwhileIsFoundBehindTheLease) {
  auto asked = a_.Join({8});
  shelf_.Publish(kAny);
  a_.Advance();
  EXPECT_EQ(asked->outcome, "elf SHARED");
  EXPECT_EQ(a_.Counters().taken, 1);
  EXPECT_EQ(a_.Counters().taken_over, 0);
  EXPECT_EQ(a_.num_begun(), 0u);
  EXPECT_EQ(table_.num_held(), 0);
}

TEST_F(FleetFlightsTest, ALateHolderIsHedged) {
  a_.Ask({8});
  auto other = b_.Ask({8});
  a_.Propagate(0, {}, /*estimate=*/1);
  for (int i = 0; i < 12; ++i) AdvanceAll(absl::Seconds(1));
  EXPECT_EQ(b_.num_begun(), 0u);
  // Three times its estimate, and half as long again as a lease.
  AdvanceAll(absl::Seconds(1));
  ASSERT_EQ(b_.num_begun(), 1u);
  EXPECT_FALSE(b_.HasLease(0));
  EXPECT_EQ(b_.Counters().hedged, 1);
  b_.Land(0, kAny);
  EXPECT_EQ(other->outcome, "elf COMPILED");
  // The other one, when it comes in the end, is not published beside it.
  a_.Land(0, {.num_symbols = 1, .elf = "again"});
  EXPECT_EQ(a_.Counters().duplicates, 1);
}

TEST_F(FleetFlightsTest, WithoutLeasesItCompilesAtOnce) {
  for (LeaseFault fault : {LeaseFault::kNoAnswer, LeaseFault::kAnswerLost}) {
    a_.leases().SetFault(fault);
    a_.Ask({8});
    ASSERT_EQ(a_.num_begun(), 1u);
    EXPECT_FALSE(a_.HasLease(0));
    a_.Fail(0);
  }
  EXPECT_EQ(a_.Counters().unavailable, 2);
}

TEST_F(FleetFlightsTest, LeasesThatGoAwayWhileItWaitsAreNoReasonToWait) {
  a_.Ask({8});
  b_.Ask({8});
  b_.leases().SetFault(LeaseFault::kNoAnswer);
  AdvanceAll(kPoll);
  EXPECT_EQ(b_.num_begun(), 1u);
  EXPECT_EQ(b_.Counters().unavailable, 1);
}

TEST_F(FleetFlightsTest, ALostLeaseCostsACompileAndNothingElse) {
  auto first = a_.Ask({8});
  table_.Flush();
  auto other = b_.Ask({8});
  EXPECT_EQ(b_.num_begun(), 1u);
  AdvanceAll(absl::Seconds(2));
  EXPECT_EQ(a_.Counters().lost, 1);
  a_.Land(0, kAny);
  b_.Land(0, {.num_symbols = 1, .elf = "twin"});
  EXPECT_EQ(first->outcome, "elf COMPILED");
  EXPECT_EQ(other->outcome, "elf SHARED");
  EXPECT_EQ(b_.Counters().duplicates, 1);
  // a's late release took nothing of b's.
  EXPECT_EQ(table_.num_held(), 0);
}

TEST_F(FleetFlightsTest, OtherSizesWaitForTheRightLeader) {
  a_.Ask({8});
  auto fits = b_.Ask({9});
  auto fails = b_.Ask({1});
  EXPECT_EQ(b_.num_begun(), 0u);
  a_.Propagate(0, {"s0 != 1"});
  b_.Advance();
  // The one that they do not serve leads a compile of its own.
  ASSERT_EQ(b_.num_begun(), 1u);
  EXPECT_EQ(b_.request(0).symbol_values, std::vector<int64_t>{1});
  EXPECT_TRUE(b_.HasLease(0));
  a_.Land(0, {.num_symbols = 1, .guards = {"s0 != 1"}});
  b_.Advance();
  EXPECT_EQ(fits->outcome, "elf SHARED");
  EXPECT_EQ(fails->outcome, "");
  b_.Land(0, {.num_symbols = 1, .guards = {"s0 == 1"}, .elf = "one"});
  EXPECT_EQ(fails->outcome, "one COMPILED");
}

TEST_F(FleetFlightsTest, GuardsOfAfarLetThoseHereJoinOrGoOn) {
  a_.Ask({8});
  a_.Propagate(0, {"s0 != 1"});
  auto leader = b_.Ask({9});
  auto joins = b_.Ask({10});
  auto goes_on = b_.Ask({1});
  ASSERT_EQ(b_.num_begun(), 1u);
  EXPECT_EQ(b_.request(0).symbol_values, std::vector<int64_t>{1});
  EXPECT_EQ(b_.flights().num_flights(), 2);
  a_.Land(0, {.num_symbols = 1, .guards = {"s0 != 1"}});
  b_.Advance();
  EXPECT_EQ(leader->outcome, "elf SHARED");
  EXPECT_EQ(joins->outcome, "elf SHARED");
}

// What sharing guards is worth: replicas that are asked for different sizes of a
// dynamic graph at the same moment.
TEST_F(FleetFlightsTest, SharedGuardsSaveACompileForEachReplicaButOne) {
  for (bool share : {true, false}) {
    MemoryLeaseTable table(&clock_);
    Shelf shelf;
    FleetOptions options;
    options.patience.share_guards = share;
    std::vector<std::unique_ptr<Replica>> replicas;
    for (int i = 0; i < 5; ++i) replicas.push_back(std::make_unique<Replica>(&clock_, &table, &shelf, options));
    for (int i = 0; i < 40; ++i) replicas[i % 5]->Ask({100 + i});
    size_t begun = 0;
    for (auto& replica : replicas) {
      replica->Advance();
      begun += replica->num_begun();
    }
    EXPECT_EQ(begun, share ? 1u : 5u);
  }
}

TEST_F(FleetFlightsTest, WhenTheLastWaiterLeavesNobodyIsWaitedFor) {
  a_.Ask({8});
  auto other = b_.Ask({8});
  EXPECT_TRUE(b_.flights().Leave(other->id));
  EXPECT_EQ(b_.Advance(), absl::InfiniteDuration());
  a_.Fail(0);
  b_.Advance();
  EXPECT_EQ(b_.num_begun(), 0u);
  EXPECT_EQ(table_.num_held(), 0);
}

TEST_F(FleetFlightsTest, WhenTheLastWaiterLeavesTheCompileIsCancelledAndTheLeaseReleased) {
  auto cancelled = std::make_shared<int>(0);
  a_.SetLastCancelled(cancelled);
  auto first = a_.Ask({8});
  auto other = b_.Ask({8});
  EXPECT_TRUE(a_.flights().Leave(first->id));
  EXPECT_EQ(*cancelled, 1);
  // As the compile's thread does when it hears of it.
  a_.Fail(0);
  b_.Advance();
  EXPECT_EQ(b_.num_begun(), 1u);
}

TEST_F(FleetFlightsTest, RubbishInPlaceOfALeaseKeepsNobodyForLong) {
  FlightRequest request = {.key = MakeKey("g"),
                           .symbols = SymbolNames(1),
                           .symbol_values = {8},
                           .host = std::make_shared<const HostClass>(MakeHost())};
  table_.Put({request.key, FlightIdentity(request)}, std::string(100, '\xff'));
  auto asked = a_.Ask({8});
  EXPECT_EQ(a_.num_begun(), 0u);
  AdvanceAll(LeasePatience().begin + kPoll);
  ASSERT_EQ(a_.num_begun(), 1u);
  a_.Land(0, kAny);
  EXPECT_EQ(asked->outcome, "elf COMPILED");
}

TEST_F(FleetFlightsTest, ManyCompilesOfOneKeyGoOnWithoutEachOther) {
  for (int i = 0; i < 200; ++i) {
    a_.Ask({i});
    ASSERT_EQ(a_.num_begun(), static_cast<size_t>(i + 1));
    a_.Propagate(i, {absl::StrCat("s0 == ", i)});
  }
  EXPECT_EQ(a_.Counters().unavailable, 0);
}

TEST_F(FleetFlightsTest, TheEndOfAProcessReleasesWhatItHolds) {
  {
    Replica c(&clock_, &table_, &shelf_);
    c.Ask({8});
    EXPECT_EQ(table_.num_held(), 1);
  }
  EXPECT_EQ(table_.num_held(), 0);
}

// Three replicas, requests of two kinds of sizes, deaths, flushes, messages and
// answers that are lost, time that passes: everybody who does not die gets a
// variant that fits; and without faults each kind is compiled once.
class HavocTest : public ::testing::TestWithParam<int> {
 protected:
  static bool IsSmall(int64_t size) { return size <= 64; }
  static std::vector<std::string> GuardsFor(int64_t size) { return {IsSmall(size) ? "s0 <= 64" : "s0 > 64"}; }

  int Draw(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  void Compile(Replica& replica) {
    if (replica.num_begun() == 0) return;
    const size_t at = static_cast<size_t>(Draw(static_cast<int>(replica.num_begun())));
    const int64_t size = replica.request(at).symbol_values[0];
    if (Draw(2) == 0) return replica.Propagate(at, GuardsFor(size));
    ++compiles_;
    replica.Land(at, {.num_symbols = 1, .guards = GuardsFor(size), .elf = IsSmall(size) ? "small" : "large"});
  }

  void Run(bool with_faults) {
    FakeClock clock;
    MemoryLeaseTable table(&clock);
    Shelf shelf;
    std::vector<std::unique_ptr<Replica>> replicas;
    FleetOptions options;
    if (!with_faults) options.patience.guards = options.patience.begin = options.patience.late_slack = absl::Hours(1);
    for (int i = 0; i < 3; ++i) replicas.push_back(std::make_unique<Replica>(&clock, &table, &shelf, options));
    std::vector<std::pair<int, std::shared_ptr<Caller>>> callers;
    for (int step = 0; step < 400; ++step) {
      const int at = Draw(3);
      Replica& replica = *replicas[at];
      clock.Advance(absl::Milliseconds(Draw(with_faults ? 400 : 20)));
      if (replica.is_dead()) continue;
      const int what = Draw(with_faults ? 12 : 6);
      if (what < 3 && step < 200) callers.emplace_back(at, replica.Ask({1 + Draw(128)}));
      if (what >= 3 && what < 6) Compile(replica);
      if (what == 6) replica.leases().SetFault(static_cast<LeaseFault>(Draw(4)));
      if (what == 7) table.Flush();
      if (what == 8 && at == 0 && Draw(10) == 0) replica.Die();
      if (what == 9 && replica.num_begun() > 0) replica.Fail(0);
      if (!replica.is_dead()) replica.Advance();
    }
    for (int step = 0; step < 2000; ++step) {
      clock.Advance(absl::Milliseconds(100));
      for (auto& replica : replicas) {
        if (replica->is_dead()) continue;
        replica->Advance();
        Compile(*replica);
      }
    }
    for (const auto& [at, caller] : callers) {
      if (replicas[at]->is_dead() || caller->outcome == "killed") continue;
      EXPECT_THAT(caller->outcome, ::testing::StartsWith(IsSmall(caller->values[0]) ? "small " : "large "));
    }
  }

  std::mt19937 random_{static_cast<unsigned>(GetParam())};
  int compiles_ = 0;
};

TEST_P(HavocTest, EverybodyIsServed) { Run(/*with_faults=*/true); }

TEST_P(HavocTest, WithoutFaultsEachKindIsCompiledOnce) {
  Run(/*with_faults=*/false);
  EXPECT_LE(compiles_, 2);
}

INSTANTIATE_TEST_SUITE_P(Seeds, HavocTest, ::testing::Range(0, 20));

}  // namespace
}  // namespace kiln
