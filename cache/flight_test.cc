#include "cache/flight.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/testing/fake_clock.h"
#include "cache/testing/make_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// One request and everything that happened to it, in words.
struct Caller {
  WaiterId id = 0;
  std::shared_ptr<Flight> flight;  // if it leads
  std::vector<std::string> phases;
  std::string outcome;  // empty: still waits
};

class FlightTest : public ::testing::Test {
 protected:
  using Ask = FlightRequest;

  Ask Sizes(std::vector<int64_t> values, HostClass host = MakeHost()) {
    return {.key = MakeKey("g"),
            .symbols = SymbolNames(static_cast<int>(values.size())),
            .symbol_values = std::move(values),
            .host = std::make_shared<const HostClass>(std::move(host))};
  }

  std::shared_ptr<Caller> Join(Ask ask) {
    auto caller = std::make_shared<Caller>();
    caller->id = flights_.Join(
        std::move(ask), {.start = [caller](std::shared_ptr<Flight> flight) { caller->flight = std::move(flight); },
                         .progress =
                             [caller](const FlightProgress& progress) {
                               const std::string name = v1::Progress::Phase_Name(progress.phase);
                               caller->phases.push_back(name.substr(6, 1));
                             },
                         .done = [caller](absl::StatusOr<FlightOutcome> outcome) {
                           ASSERT_EQ(caller->outcome, "") << "done runs once";
                           caller->outcome = Describe(outcome);
                         }});
    return caller;
  }

  static std::string Describe(const absl::StatusOr<FlightOutcome>& outcome) {
    if (!outcome.ok()) {
      return std::string(GetErrorReasonRow(GetErrorReason(outcome.status()).value_or(ErrorReason::kStorage)).name);
    }
    if (!outcome->hit.has_value()) return "look again";
    return absl::StrCat(*outcome->hit->elf, " ", v1::Tier_Name(outcome->hit->tier).substr(5));
  }

  void Compiled(const std::shared_ptr<Caller>& leader, VariantSpec spec) {
    spec.num_symbols = static_cast<int>(leader->flight->request().symbols.size());
    leader->flight->Compiled(MakeVariant(spec), Elf(spec.elf));
  }

  FakeClock clock_;
  // What the last look finds.
  std::optional<CacheHit> found_;
  Flights flights_{&clock_, [this](const FlightRequest&) { return found_; }};
};

TEST_F(FlightTest, OneRequestLeadsAndGetsItsVariant) {
  auto a = Join(Sizes({8, 16}));
  ASSERT_NE(a->flight, nullptr);
  // The compile need not wait until all have been told.
  std::optional<size_t> told_when_decided;
  EXPECT_TRUE(a->flight->Propagated(MakeGuards({"s0 != 1"}), 0.5, [&](bool go) {
    EXPECT_TRUE(go);
    told_when_decided = a->phases.size();
  }));
  EXPECT_EQ(told_when_decided, a->phases.size() - 2);
  Compiled(a, {.guards = {"s0 != 1"}});
  EXPECT_EQ(a->outcome, "elf COMPILED");
  EXPECT_THAT(a->phases, ElementsAre("Q", "P", "C"));
  EXPECT_EQ(flights_.num_flights(), 0);
  EXPECT_EQ(flights_.num_waiters(), 0);
  EXPECT_EQ(flights_.num_joined(), 0);
}

TEST_F(FlightTest, EqualRequestsJoinBeforeAnythingIsKnown) {
  auto a = Join(Sizes({8, 16}));
  auto b = Join(Sizes({8, 16}));
  EXPECT_EQ(b->flight, nullptr);
  EXPECT_TRUE(a->flight->Propagated({}, 0));
  Compiled(a, {});
  EXPECT_EQ(a->outcome, "elf COMPILED");
  EXPECT_EQ(b->outcome, "elf JOINED");
  EXPECT_THAT(b->phases, ElementsAre("J", "P", "C"));
  EXPECT_EQ(flights_.num_joined(), 1);
}

TEST_F(FlightTest, OtherKeysDoNotJoin) {
  auto a = Join(Sizes({8, 16}));
  Ask other = Sizes({8, 16});
  other.key = MakeKey("h");
  auto b = Join(other);
  EXPECT_NE(b->flight, nullptr);
}

TEST_F(FlightTest, UnequalRequestsWaitForTheGuardsAndJoinIfTheyHold) {
  auto a = Join(Sizes({8, 16}));
  auto fits = Join(Sizes({9, 16}));
  auto fails = Join(Sizes({1, 16}));
  EXPECT_EQ(fits->flight, nullptr);
  EXPECT_EQ(fails->flight, nullptr);
  EXPECT_TRUE(a->flight->Propagated(MakeGuards({"s0 != 1"}), 0));
  EXPECT_THAT(fits->phases, ElementsAre("J", "P", "C"));
  ASSERT_NE(fails->flight, nullptr);
  Compiled(a, {.guards = {"s0 != 1"}});
  EXPECT_EQ(fits->outcome, "elf JOINED");
  EXPECT_EQ(fails->outcome, "");
  Compiled(fails, {.guards = {"s0 == 1"}, .elf = "one"});
  EXPECT_EQ(fails->outcome, "one COMPILED");
}

TEST_F(FlightTest, LateRequestsJoinByGuardsAtOnce) {
  auto a = Join(Sizes({8, 16}));
  a->flight->Propagated(MakeGuards({"s0 != 1"}), 0);
  auto b = Join(Sizes({9, 16}));
  EXPECT_THAT(b->phases, ElementsAre("J", "P"));
  auto c = Join(Sizes({1, 16}));
  EXPECT_NE(c->flight, nullptr);
}

TEST_F(FlightTest, ThoseWhoFailTheGuardsWaitForTheNextLeader) {
  auto a = Join(Sizes({8, 16}));
  auto b = Join(Sizes({1, 16}));
  auto c = Join(Sizes({1, 32}));
  a->flight->Propagated(MakeGuards({"s0 != 1"}), 0);
  ASSERT_NE(b->flight, nullptr);
  EXPECT_EQ(c->flight, nullptr);
  b->flight->Propagated(MakeGuards({"s0 == 1"}), 0);
  Compiled(b, {.guards = {"s0 == 1"}, .elf = "one"});
  EXPECT_EQ(c->outcome, "one JOINED");
}

TEST_F(FlightTest, AtCompiledEveryWaiterIsTestedAgain) {
  auto a = Join(Sizes({16, 16}));
  auto fits = Join(Sizes({32, 16}));
  auto fails = Join(Sizes({9, 16}));
  a->flight->Propagated({}, 0);
  Compiled(a, {.guards = {"s0 % 16 == 0"}});
  EXPECT_EQ(a->outcome, "elf COMPILED");
  EXPECT_EQ(fits->outcome, "elf JOINED");
  EXPECT_EQ(fails->outcome, "look again");
}

TEST_F(FlightTest, WhoWasSentBackForbidsPerformanceGuards) {
  Ask again = Sizes({9, 16});
  again.failed_joins = 1;
  auto a = Join(Sizes({9, 16}));
  auto b = Join(again);
  ASSERT_NE(b->flight, nullptr);
  EXPECT_TRUE(b->flight->request().forbid_performance_guards());
  // A request that forbids nothing may join one that does.
  auto c = Join(Sizes({10, 16}));
  a->flight->Propagated(MakeGuards({"s0 == 9"}), 0);
  b->flight->Propagated({}, 0);
  Compiled(b, {});
  EXPECT_EQ(c->outcome, "elf JOINED");
}

TEST_F(FlightTest, WhoWasSentBackTwiceJoinsOnlyItsIdentity) {
  Ask first = Sizes({8, 16});
  first.failed_joins = 1;
  auto a = Join(first);
  a->flight->Propagated({}, 0);
  Ask stubborn = Sizes({9, 16});
  stubborn.failed_joins = 2;
  auto b = Join(stubborn);
  EXPECT_NE(b->flight, nullptr);
  auto c = Join(stubborn);
  EXPECT_EQ(c->flight, nullptr);
}

TEST_F(FlightTest, AGuardThatItsOwnLeaderFailsIsOurBug) {
  auto a = Join(Sizes({8, 16}));
  auto b = Join(Sizes({8, 16}));
  a->flight->Propagated({}, 0);
  Compiled(a, {.guards = {"s0 == 9"}});
  EXPECT_EQ(a->outcome, "COMPILER_BUG");
  EXPECT_EQ(b->outcome, "COMPILER_BUG");
}

TEST_F(FlightTest, AHostWithLessLeadsAFlightOfItsOwn) {
  auto a = Join(Sizes({8, 16}, MakeHost({"avx2", "avx512f"})));
  auto less = Join(Sizes({8, 16}, MakeHost({"avx2"})));
  auto more = Join(Sizes({8, 16}, MakeHost({"avx2", "avx512f", "amx"})));
  ASSERT_NE(less->flight, nullptr);
  EXPECT_EQ(more->flight, nullptr);
  a->flight->Propagated({}, 0);
  less->flight->Propagated({}, 0);
  Compiled(a, {.features = {"avx512f"}});
  EXPECT_EQ(more->outcome, "elf JOINED");
  EXPECT_EQ(less->outcome, "");
}

TEST_F(FlightTest, TheLastLookSavesACompile) {
  found_ = CacheHit{MakeVariant({.num_symbols = 2}), Elf("elf"), v1::TIER_MEMORY};
  auto a = Join(Sizes({8, 16}));
  EXPECT_EQ(a->flight, nullptr);
  EXPECT_EQ(a->outcome, "elf MEMORY");
  EXPECT_EQ(flights_.num_flights(), 0);
}

TEST_F(FlightTest, WhatIsFoundLaterServesThoseWhoJoinedAsFromTheIndex) {
  auto a = Join(Sizes({8, 16}));
  auto fits = Join(Sizes({9, 16}));
  auto fails = Join(Sizes({1, 16}));
  a->flight->Propagated(MakeGuards({"s0 != 1"}), 0);
  a->flight->Found(CacheHit{MakeVariant({.num_symbols = 2, .guards = {"s0 != 1"}}), Elf("elf"), v1::TIER_SHARED});
  EXPECT_EQ(a->outcome, "elf SHARED");
  EXPECT_EQ(fits->outcome, "elf SHARED");
  EXPECT_NE(fails->flight, nullptr);
  EXPECT_EQ(flights_.num_joined(), 0);
}

TEST_F(FlightTest, LaterGuardsOfPropagationReplaceTheFirst) {
  auto a = Join(Sizes({8, 16}));
  a->flight->Propagated(MakeGuards({"s0 != 1"}), 0);
  auto fits = Join(Sizes({9, 16}));
  EXPECT_TRUE(a->flight->Propagated(MakeGuards({"s0 == 8"}), 0));
  // Who joined stays, and is tested in the end.
  auto late = Join(Sizes({10, 16}));
  EXPECT_NE(late->flight, nullptr);
  Compiled(a, {.guards = {"s0 == 8"}});
  EXPECT_EQ(a->outcome, "elf COMPILED");
  EXPECT_EQ(fits->outcome, "look again");
}

TEST_F(FlightTest, AFailureReachesThoseWhoJoined) {
  auto a = Join(Sizes({8, 16}));
  auto same = Join(Sizes({8, 16}));
  auto waits = Join(Sizes({9, 16}));
  a->flight->Failed(MakeError(ErrorReason::kShapeMismatch, "node 3"));
  EXPECT_EQ(a->outcome, "SHAPE_MISMATCH");
  EXPECT_EQ(same->outcome, "SHAPE_MISMATCH");
  EXPECT_EQ(waits->outcome, "");
  EXPECT_NE(waits->flight, nullptr);
}

TEST_F(FlightTest, AfterAFailureTheNextRequestCompiles) {
  auto a = Join(Sizes({8, 16}));
  a->flight->Failed(MakeError(ErrorReason::kWorkerCrashed, "killed"));
  auto b = Join(Sizes({8, 16}));
  ASSERT_NE(b->flight, nullptr);
  Compiled(b, {});
  EXPECT_EQ(b->outcome, "elf COMPILED");
}

TEST_F(FlightTest, ADroppedFlightFailsItsWaiters) {
  auto a = Join(Sizes({8, 16}));
  a->flight.reset();
  EXPECT_EQ(a->outcome, "WORKER_CRASHED");
}

TEST_F(FlightTest, GuardsThatDoNotParseFailTheFlight) {
  auto a = Join(Sizes({8, 16}));
  EXPECT_FALSE(a->flight->Propagated(MakeGuards({"s0 =="}), 0));
  EXPECT_EQ(a->outcome, "WORKER_PROTOCOL");
}

TEST_F(FlightTest, TheCompileIsCancelledWhenTheLastWaiterLeaves) {
  int cancelled = 0;
  auto a = Join(Sizes({8, 16}));
  auto b = Join(Sizes({8, 16}));
  a->flight->OnCancel([&] { ++cancelled; });
  EXPECT_TRUE(flights_.Leave(a->id));
  EXPECT_EQ(cancelled, 0);
  EXPECT_TRUE(a->flight->Propagated({}, 0));
  EXPECT_TRUE(flights_.Leave(b->id));
  EXPECT_EQ(cancelled, 1);
  Compiled(a, {});
  a->flight->Failed(absl::InternalError("late"));
  EXPECT_FALSE(a->flight->Propagated({}, 0));
  EXPECT_EQ(a->outcome, "");
  EXPECT_EQ(cancelled, 1);
}

TEST_F(FlightTest, CancelIsCalledAtOnceIfNobodyWaits) {
  auto a = Join(Sizes({8, 16}));
  EXPECT_TRUE(flights_.Leave(a->id));
  int cancelled = 0;
  a->flight->OnCancel([&] { ++cancelled; });
  EXPECT_EQ(cancelled, 1);
}

TEST_F(FlightTest, TheLeaderMayLeaveAndOthersGetTheResult) {
  auto a = Join(Sizes({8, 16}));
  auto b = Join(Sizes({9, 16}));
  EXPECT_TRUE(flights_.Leave(a->id));
  EXPECT_TRUE(a->flight->Propagated({}, 0));
  Compiled(a, {});
  EXPECT_EQ(b->outcome, "elf JOINED");
}

TEST_F(FlightTest, PropagatedSaysDropWhenNobodyThatFitsIsLeft) {
  auto a = Join(Sizes({8, 16}));
  auto b = Join(Sizes({1, 16}));
  EXPECT_TRUE(flights_.Leave(a->id));
  EXPECT_FALSE(a->flight->Propagated(MakeGuards({"s0 != 1"}), 0));
  EXPECT_NE(b->flight, nullptr);
  EXPECT_EQ(flights_.num_flights(), 1);
}

TEST_F(FlightTest, LeavingTwiceOrAfterTheEndSaysNo) {
  auto a = Join(Sizes({8, 16}));
  Compiled(a, {});
  EXPECT_FALSE(flights_.Leave(a->id));
  EXPECT_FALSE(flights_.Leave(a->id));
}

TEST_F(FlightTest, DeadlinesEndWaitersOneByOne) {
  Ask soon = Sizes({8, 16});
  soon.deadline = clock_.Monotonic() + absl::Seconds(1);
  Ask later = soon;
  later.deadline = clock_.Monotonic() + absl::Seconds(3);
  auto a = Join(soon);
  auto b = Join(later);
  int cancelled = 0;
  a->flight->OnCancel([&] { ++cancelled; });
  EXPECT_EQ(flights_.Expire(), absl::Seconds(101));
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(flights_.Expire(), absl::Seconds(103));
  EXPECT_EQ(a->outcome, "DEADLINE_EXCEEDED");
  EXPECT_EQ(b->outcome, "");
  EXPECT_EQ(cancelled, 0);
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(flights_.Expire(), absl::InfiniteDuration());
  EXPECT_EQ(b->outcome, "DEADLINE_EXCEEDED");
  EXPECT_EQ(cancelled, 1);
}

TEST_F(FlightTest, NoMoreWaitersThanTheLimit) {
  const int64_t limit = GetLimit(Limit::kWaitersPerFlight);
  Join(Sizes({8, 16}));
  for (int64_t i = 1; i < limit; ++i) flights_.Join(Sizes({8, 16}), {.start = {}, .progress = {}, .done = [](auto) {}});
  auto last = Join(Sizes({8, 16}));
  EXPECT_EQ(last->outcome, "OVERLOADED");
}

TEST_F(FlightTest, ShutdownEndsEverybodyAndRefusesNewcomers) {
  int cancelled = 0;
  auto a = Join(Sizes({8, 16}));
  auto b = Join(Sizes({9, 16}));
  a->flight->OnCancel([&] { ++cancelled; });
  flights_.Shutdown();
  EXPECT_EQ(a->outcome, "SHUTTING_DOWN");
  EXPECT_EQ(b->outcome, "SHUTTING_DOWN");
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(Join(Sizes({8, 16}))->outcome, "SHUTTING_DOWN");
}

TEST_F(FlightTest, CallbacksMayCallBackIn) {
  auto a = Join(Sizes({8, 16}));
  std::shared_ptr<Caller> next;
  flights_.Join(Sizes({9, 16}), {.start = {},
                                 .progress = [&](const FlightProgress&) { flights_.Expire(); },
                                 .done =
                                     [&](absl::StatusOr<FlightOutcome>) {
                                       Ask again = Sizes({9, 16});
                                       again.failed_joins = 1;
                                       next = Join(again);
                                     }});
  a->flight->Propagated({}, 0);
  Compiled(a, {.guards = {"s0 == 8"}});
  ASSERT_NE(next, nullptr);
  EXPECT_NE(next->flight, nullptr);
}

}  // namespace
}  // namespace kiln
