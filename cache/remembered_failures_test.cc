#include "cache/remembered_failures.h"

#include <string>

#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/testing/make_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class RememberedFailuresTest : public ::testing::Test {
 protected:
  static FlightRequest Sizes(std::vector<int64_t> values, const std::string& graph = "g") {
    return {.key = MakeKey(graph),
            .symbols = SymbolNames(static_cast<int>(values.size())),
            .symbol_values = std::move(values),
            .host = std::make_shared<const HostClass>(MakeHost())};
  }
  static absl::Status Error(ErrorReason reason) { return MakeError(reason, "node 3 (no.such.op): refused"); }
  // The reason's name, or "OK".
  std::string Recall(const FlightRequest& request) {
    const absl::Status status = failures_.Recall(request);
    return status.ok() ? "OK" : std::string(GetErrorReasonRow(*GetErrorReason(status)).name);
  }

  FakeClock clock_;
  const FailureMemory memory_;
  RememberedFailures failures_{memory_, &clock_};
};

TEST_F(RememberedFailuresTest, TheGraphsOwnFailuresComeBackWithTheirAge) {
  failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kUnknownOp));
  clock_.Advance(absl::Seconds(2));
  const absl::Status status = failures_.Recall(Sizes({8}));
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnknownOp);
  EXPECT_EQ(status.message(),
            "node 3 (no.such.op): refused (remembered: it failed 2s ago, 1 time in all, and is tried again in 3s)");
  EXPECT_EQ(failures_.Counters().failures, 1);
  EXPECT_EQ(failures_.Counters().answered, 1);
}

TEST_F(RememberedFailuresTest, OtherIdentitiesAreTried) {
  failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kUnknownOp));
  EXPECT_EQ(Recall(Sizes({9})), "OK");
  EXPECT_EQ(Recall(Sizes({8}, "h")), "OK");
  FlightRequest again = Sizes({8});
  again.failed_joins = 1;
  EXPECT_EQ(Recall(again), "OK");
}

// Every reason is one or the other by its row.
TEST_F(RememberedFailuresTest, OnlyWhatTheGraphCausesIsRemembered) {
  int64_t size = 0;
  for (const ErrorReasonRow& row : ErrorReasons()) {
    const FlightRequest request = Sizes({++size});
    failures_.NoteFailure(request, Error(row.reason));
    EXPECT_EQ(Recall(request), row.cause == ErrorCause::kGraph ? row.name : "OK");
  }
  failures_.NoteFailure(Sizes({8}, "h"), absl::InternalError("of unknown cause"));
  EXPECT_EQ(Recall(Sizes({8}, "h")), "OK");
}

TEST_F(RememberedFailuresTest, EachFailureDoublesTheTimeUpToTheLongest) {
  absl::Duration expected = memory_.first;
  for (int i = 0; i < 40; ++i) {
    failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kUnknownOp));
    clock_.Advance(expected - absl::Milliseconds(1));
    EXPECT_EQ(Recall(Sizes({8})), "UNKNOWN_OP") << i;
    clock_.Advance(absl::Milliseconds(1));
    EXPECT_EQ(Recall(Sizes({8})), "OK") << i;
    expected = std::min(2 * expected, memory_.longest);
  }
}

TEST_F(RememberedFailuresTest, ALongPeaceForgetsHowOftenItWas) {
  for (int i = 0; i < 3; ++i) failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kUnknownOp));
  clock_.Advance(2 * memory_.longest);
  failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kUnknownOp));
  EXPECT_THAT(std::string(failures_.Recall(Sizes({8})).message()), HasSubstr("1 time in all"));
}

TEST_F(RememberedFailuresTest, ASuccessForgets) {
  failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kUnknownOp));
  failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kWorkerCrashed));
  failures_.NoteSuccess(Sizes({8}));
  EXPECT_EQ(Recall(Sizes({8})), "OK");
  failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kWorkerCrashed));
  EXPECT_EQ(Recall(Sizes({8})), "OK");
}

TEST_F(RememberedFailuresTest, AGraphThatKillsTwiceIsQuarantinedWhateverItsSizes) {
  failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kWorkerCrashed));
  EXPECT_EQ(Recall(Sizes({8})), "OK");
  failures_.NoteFailure(Sizes({9}), Error(ErrorReason::kWorkerCrashed));
  EXPECT_EQ(Recall(Sizes({10})), "GRAPH_QUARANTINED");
  EXPECT_EQ(Recall(Sizes({10}, "h")), "OK");
  EXPECT_EQ(failures_.Counters().quarantined, 1);
  EXPECT_THAT(std::string(failures_.Recall(Sizes({8})).message()), StartsWith("this graph has killed 2 workers"));
  clock_.Advance(memory_.quarantine - absl::Milliseconds(1));
  EXPECT_EQ(Recall(Sizes({8})), "GRAPH_QUARANTINED");
  clock_.Advance(memory_.quarantine / 4 + absl::Milliseconds(1));
  EXPECT_EQ(Recall(Sizes({8})), "OK");
  EXPECT_EQ(failures_.Counters().quarantined, 0);
}

TEST_F(RememberedFailuresTest, KillsFarApartDoNotAddUp) {
  failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kWorkerCrashed));
  clock_.Advance(2 * memory_.quarantine);
  failures_.NoteFailure(Sizes({8}), Error(ErrorReason::kWorkerCrashed));
  EXPECT_EQ(Recall(Sizes({8})), "OK");
}

TEST_F(RememberedFailuresTest, TheOldestGoWhenThereAreTooMany) {
  const int64_t limit = static_cast<int64_t>(memory_.max_entries);
  for (int64_t i = 0; i < limit; ++i) failures_.NoteFailure(Sizes({i}), Error(ErrorReason::kUnknownOp));
  failures_.NoteFailure(Sizes({0}), Error(ErrorReason::kUnknownOp));
  failures_.NoteFailure(Sizes({limit}), Error(ErrorReason::kUnknownOp));
  EXPECT_EQ(failures_.Counters().failures, limit);
  EXPECT_EQ(Recall(Sizes({0})), "UNKNOWN_OP");
  EXPECT_EQ(Recall(Sizes({1})), "OK");
  EXPECT_EQ(Recall(Sizes({limit})), "UNKNOWN_OP");
}

TEST_F(RememberedFailuresTest, LongMessagesLeaveRoomForTheAge) {
  failures_.NoteFailure(Sizes({8}), MakeError(ErrorReason::kUnknownOp, std::string(4096, 'x')));
  EXPECT_THAT(std::string(failures_.Recall(Sizes({8})).message()), HasSubstr("tried again in 5s)"));
}

}  // namespace
}  // namespace kiln
