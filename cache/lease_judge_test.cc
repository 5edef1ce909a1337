#include "cache/lease_judge.h"

#include <limits>

#include "cache/testing/make_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kNow = absl::Seconds(1000);

FlightRequest Sizes(std::vector<int64_t> values, HostClass host = MakeHost()) {
  return {.key = MakeKey("g"),
          .symbols = SymbolNames(static_cast<int>(values.size())),
          .symbol_values = std::move(values),
          .host = std::make_shared<const HostClass>(std::move(host))};
}

// What the leader of `request` would say.
HeldLease LeaseOf(const FlightRequest& request, const std::string& token = "a") {
  HeldLease held = {FlightIdentity(request), token};
  *held.says.mutable_host() = request.host->ToProto();
  held.says.set_forbid_performance_guards(request.forbid_performance_guards());
  for (const std::string& symbol : request.symbols) held.says.add_symbols(symbol);
  return held;
}

HeldLease Propagated(HeldLease held, const std::vector<std::string>& guards, double after = 0.1, double estimate = 1) {
  held.says.set_propagated_after_seconds(after);
  held.says.set_estimated_seconds(estimate);
  held.says.set_has_guards(true);
  for (const v1::Guard& guard : MakeGuards(guards)) *held.says.add_guards() = guard;
  return held;
}

HeldLease HeldFor(HeldLease held, double seconds) {
  held.says.set_held_seconds(seconds);
  return held;
}

class LeaseJudgeTest : public ::testing::Test {
 protected:
  LeaseVerdict Judge(const FlightRequest& request, const std::vector<HeldLease>& others, absl::Duration now = kNow) {
    others_ = others;
    return LeaseJudge(patience_, request).Judge(others_, now);
  }
  LeaseStep Step(const FlightRequest& request, const HeldLease& other) { return Judge(request, {other}).step; }

  LeasePatience patience_ = {.late_slack = absl::Seconds(2)};
  std::vector<HeldLease> others_;  // verdicts point into it
};

TEST_F(LeaseJudgeTest, NobodyIsInTheWayOfAnEmptyField) {
  const LeaseVerdict verdict = Judge(Sizes({8}), {});
  EXPECT_EQ(verdict.step, LeaseStep::kTake);
  EXPECT_EQ(verdict.holder, nullptr);
}

TEST_F(LeaseJudgeTest, WaitsForWhoAsksTheSame) {
  const FlightRequest request = Sizes({8});
  LeaseVerdict verdict = Judge(request, {LeaseOf(request)});
  EXPECT_EQ(verdict.step, LeaseStep::kWait);
  EXPECT_FALSE(verdict.is_served);
  verdict = Judge(request, {Propagated(LeaseOf(request), {"s0 == 8"})});
  EXPECT_EQ(verdict.step, LeaseStep::kWait);
  EXPECT_TRUE(verdict.is_served);
}

TEST_F(LeaseJudgeTest, OtherSizesWaitForTheGuardsAndThenIfTheyHold) {
  const HeldLease other = LeaseOf(Sizes({8}));
  EXPECT_EQ(Step(Sizes({9}), other), LeaseStep::kWait);
  EXPECT_EQ(Step(Sizes({9}), Propagated(other, {"s0 != 1"})), LeaseStep::kWait);
  const LeaseVerdict verdict = Judge(Sizes({9}), {Propagated(other, {"s0 == 8"})});
  EXPECT_EQ(verdict.step, LeaseStep::kTake);
  EXPECT_THAT(verdict.pass_over, ElementsAre(other.identity));
}

TEST_F(LeaseJudgeTest, PrefersTheSameThenWhoServes) {
  const FlightRequest request = Sizes({9});
  const HeldLease same = LeaseOf(request, "same");
  const HeldLease serves = Propagated(LeaseOf(Sizes({8}), "serves"), {"s0 != 1"});
  const HeldLease may = LeaseOf(Sizes({7}), "may");
  EXPECT_EQ(Judge(request, {may, serves, same}).holder->token, "same");
  EXPECT_EQ(Judge(request, {serves, may}).holder->token, "serves");
}

TEST_F(LeaseJudgeTest, WithoutSharedGuardsOnlyTheSameIsInTheWay) {
  patience_.share_guards = false;
  EXPECT_EQ(Step(Sizes({9}), LeaseOf(Sizes({8}))), LeaseStep::kTake);
  EXPECT_EQ(Step(Sizes({8}), LeaseOf(Sizes({8}))), LeaseStep::kWait);
}

TEST_F(LeaseJudgeTest, AHostWithLessDoesNotWait) {
  const HeldLease other = LeaseOf(Sizes({8}, MakeHost({"avx2", "avx512f"})));
  EXPECT_EQ(Step(Sizes({8}, MakeHost({"avx2"})), other), LeaseStep::kTake);
  EXPECT_EQ(Step(Sizes({8}, MakeHost({"avx2", "avx512f", "amx"})), other), LeaseStep::kWait);
}

TEST_F(LeaseJudgeTest, WhoWasSentBackJoinsAsInOneProcess) {
  FlightRequest again = Sizes({9});
  again.failed_joins = 1;
  const HeldLease other = LeaseOf(Sizes({8}));
  EXPECT_EQ(Step(again, other), LeaseStep::kTake);
  HeldLease forbids = other;
  forbids.says.set_forbid_performance_guards(true);
  EXPECT_EQ(Step(again, forbids), LeaseStep::kWait);
  again.failed_joins = 2;
  EXPECT_EQ(Step(again, forbids), LeaseStep::kTake);
}

TEST_F(LeaseJudgeTest, GuardsAreWaitedForAShortWhile) {
  const FlightRequest request = Sizes({9});
  LeaseJudge judge(patience_, request);
  const std::vector<HeldLease> others = {LeaseOf(Sizes({8}))};
  EXPECT_EQ(judge.Judge(others, kNow).step, LeaseStep::kWait);
  EXPECT_EQ(judge.Judge(others, kNow + patience_.guards).step, LeaseStep::kTake);
}

TEST_F(LeaseJudgeTest, AHolderThatTellsNoGuardsServesNoOtherSizes) {
  HeldLease other = Propagated(LeaseOf(Sizes({8})), {});
  other.says.set_has_guards(false);
  EXPECT_EQ(Step(Sizes({9}), other), LeaseStep::kTake);
  EXPECT_EQ(Step(Sizes({8}), other), LeaseStep::kWait);
}

TEST_F(LeaseJudgeTest, HedgesWhenTheHolderIsLate) {
  const FlightRequest request = Sizes({8});
  // Propagated after 1 s, 4 s to go: late after 1 + 3 * 4 + 2.
  const HeldLease held = Propagated(LeaseOf(request), {}, 1, 4);
  EXPECT_EQ(Step(request, HeldFor(held, 14)), LeaseStep::kWait);
  EXPECT_EQ(Step(request, HeldFor(held, 16)), LeaseStep::kHedge);
  // Others' compiles are no obstacle any more; one's own lease may be taken.
  EXPECT_EQ(Step(Sizes({9}), HeldFor(held, 14)), LeaseStep::kWait);
  EXPECT_EQ(Step(Sizes({9}), HeldFor(held, 16)), LeaseStep::kTake);
}

TEST_F(LeaseJudgeTest, HedgesWhenTheHolderDoesNotBegin) {
  const FlightRequest request = Sizes({8});
  EXPECT_EQ(Step(request, HeldFor(LeaseOf(request), 9)), LeaseStep::kWait);
  EXPECT_EQ(Step(request, HeldFor(LeaseOf(request), 11)), LeaseStep::kHedge);
}

TEST_F(LeaseJudgeTest, ANearDeadlineHedgesOnceTheEstimateHasPassed) {
  FlightRequest request = Sizes({8});
  request.deadline = kNow + absl::Seconds(5);
  const HeldLease held = Propagated(LeaseOf(request), {}, 1, 4);
  // Expected after 5 s; a compile of one's own would take twice 4 s, and 2 s.
  EXPECT_EQ(Step(request, HeldFor(held, 4)), LeaseStep::kWait);
  EXPECT_EQ(Step(request, HeldFor(held, 6)), LeaseStep::kHedge);
  request.deadline = kNow + absl::Seconds(60);
  EXPECT_EQ(Step(request, HeldFor(held, 6)), LeaseStep::kWait);
}

TEST_F(LeaseJudgeTest, TimeIsCountedFromTheFirstSightToo) {
  const FlightRequest request = Sizes({8});
  LeaseJudge judge(patience_, request);
  const std::vector<HeldLease> others = {Propagated(LeaseOf(request), {}, 0, 1)};
  EXPECT_EQ(judge.Judge(others, kNow).step, LeaseStep::kWait);
  EXPECT_EQ(judge.Judge(others, kNow + absl::Seconds(6)).step, LeaseStep::kHedge);
  // Somebody else's lease is another beginning.
  const std::vector<HeldLease> next = {Propagated(LeaseOf(request, "b"), {}, 0, 1)};
  EXPECT_EQ(judge.Judge(next, kNow + absl::Seconds(6)).step, LeaseStep::kWait);
}

TEST_F(LeaseJudgeTest, LiesHaveBounds) {
  const FlightRequest request = Sizes({8});
  const double infinite = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (double lie : {infinite, -infinite, nan, -1.0, 1e300}) {
    LeaseJudge judge(patience_, request);
    const std::vector<HeldLease> others = {HeldFor(Propagated(LeaseOf(request), {}, lie, lie), lie)};
    judge.Judge(others, kNow);
    EXPECT_EQ(judge.Judge(others, kNow + absl::Hours(1)).step, LeaseStep::kHedge) << lie;
  }
  // Guards that do not parse, symbols that are not the key's, nothing at all.
  EXPECT_EQ(Step(Sizes({9}), Propagated(LeaseOf(Sizes({8})), {"s0 ==="})), LeaseStep::kTake);
  HeldLease strange = Propagated(LeaseOf(Sizes({8})), {});
  strange.says.add_symbols("s7");
  EXPECT_EQ(Step(Sizes({9}), strange), LeaseStep::kTake);
  const LeaseVerdict verdict = Judge(request, {{FlightIdentity(request), ""}});
  EXPECT_EQ(verdict.step, LeaseStep::kWait);
  EXPECT_FALSE(verdict.is_served);
  EXPECT_THAT(verdict.pass_over, IsEmpty());
}

}  // namespace
}  // namespace kiln
