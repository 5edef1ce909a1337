#include "cache/pin_book.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

class MapPinStore final : public PinStore {
 public:
  absl::Status PutPin(const Row& row) override {
    ++puts;
    rows[{row.job, row.artifact}] = row;
    return absl::OkStatus();
  }
  absl::Status RemovePin(absl::string_view job, const Digest& artifact) override {
    rows.erase({std::string(job), artifact});
    return absl::OkStatus();
  }
  absl::Status VisitPins(const std::function<void(Row)>& visit) override {
    for (const auto& [name, row] : rows) visit(row);
    return absl::OkStatus();
  }

  int puts = 0;
  std::map<std::pair<std::string, Digest>, Row> rows;
};

class PinBookTest : public ::testing::Test {
 protected:
  static PinBook::Options Bounds(int64_t all, int64_t job, int64_t pins = 100) {
    return {.lease = absl::Hours(2), .max_bytes = all, .max_bytes_per_job = job, .max_pins = pins};
  }
  std::unique_ptr<PinBook> Open(PinBook::Options options) {
    return std::make_unique<PinBook>(options, &clock_, store_);
  }

  FakeClock clock_;
  std::shared_ptr<MapPinStore> store_ = std::make_shared<MapPinStore>();
  const Digest a_ = Sha256("a"), b_ = Sha256("b"), c_ = Sha256("c");
};

TEST_F(PinBookTest, PinsForALeaseTime) {
  auto pins = Open(Bounds(100, 100));
  EXPECT_FALSE(pins->IsPinned(a_));
  EXPECT_TRUE(pins->Pin("job", a_, 10));
  EXPECT_TRUE(pins->IsPinned(a_));
  EXPECT_FALSE(pins->IsPinned(b_));
  clock_.Advance(absl::Minutes(119));
  EXPECT_TRUE(pins->IsPinned(a_));
  clock_.Advance(absl::Minutes(2));
  EXPECT_FALSE(pins->IsPinned(a_));
  pins->Expire();
  EXPECT_EQ(pins->Counters().bytes, 0);
  EXPECT_EQ(pins->Counters().jobs, 0);
  EXPECT_TRUE(store_->rows.empty());
}

TEST_F(PinBookTest, UsesRenewAndAreStoredSeldom) {
  auto pins = Open(Bounds(100, 100));
  for (int i = 0; i < 60; ++i) {
    EXPECT_TRUE(pins->Pin("job", a_, 10));
    clock_.Advance(absl::Minutes(4));
  }
  EXPECT_TRUE(pins->IsPinned(a_));
  EXPECT_EQ(pins->Counters().pins, 1);
  EXPECT_LE(store_->puts, 5);
}

TEST_F(PinBookTest, WhatTwoJobsUseIsPinnedUntilTheLastEnds) {
  auto pins = Open(Bounds(100, 100));
  pins->Pin("one", a_, 10);
  clock_.Advance(absl::Hours(1));
  pins->Pin("two", a_, 10);
  EXPECT_EQ(pins->Counters().bytes, 10);
  EXPECT_EQ(pins->Counters().pins, 2);
  clock_.Advance(absl::Minutes(61));
  pins->Expire();
  EXPECT_TRUE(pins->IsPinned(a_));
  EXPECT_EQ(pins->Counters().jobs, 1);
  clock_.Advance(absl::Hours(1));
  EXPECT_FALSE(pins->IsPinned(a_));
}

TEST_F(PinBookTest, BoundsRefuseNewPinsAndKeepOldOnes) {
  auto pins = Open(Bounds(100, 60, 4));
  EXPECT_TRUE(pins->Pin("one", a_, 50));
  EXPECT_FALSE(pins->Pin("one", b_, 20));  // over the job's
  EXPECT_TRUE(pins->Pin("two", b_, 50));
  EXPECT_FALSE(pins->Pin("three", c_, 1));  // over all jobs'
  EXPECT_TRUE(pins->Pin("three", a_, 50));  // held already
  EXPECT_TRUE(pins->Pin("one", a_, 50));    // renewed
  EXPECT_TRUE(pins->Pin("four", b_, 50));
  EXPECT_FALSE(pins->Pin("five", b_, 50));  // too many
  EXPECT_EQ(pins->Counters().refused, 3);
  EXPECT_EQ(pins->Counters().bytes, 100);
  EXPECT_TRUE(pins->IsPinned(a_));
  EXPECT_FALSE(pins->IsPinned(c_));
}

TEST_F(PinBookTest, ARestartForgetsNone) {
  Open(Bounds(100, 100))->Pin("job", a_, 10);
  clock_.Advance(absl::Hours(1));
  auto pins = Open(Bounds(100, 100));
  EXPECT_TRUE(pins->IsPinned(a_));
  EXPECT_EQ(pins->Counters().bytes, 10);
  clock_.Advance(absl::Minutes(61));
  EXPECT_FALSE(pins->IsPinned(a_));
  EXPECT_FALSE(Open(Bounds(100, 100))->IsPinned(a_));
  EXPECT_TRUE(store_->rows.empty());
}

TEST_F(PinBookTest, ALowerBoundKeepsThoseThatEndLast) {
  {
    auto pins = Open(Bounds(100, 100));
    pins->Pin("job", a_, 50);
    clock_.Advance(absl::Minutes(1));
    pins->Pin("job", b_, 50);
  }
  auto pins = Open(Bounds(60, 60));
  EXPECT_FALSE(pins->IsPinned(a_));
  EXPECT_TRUE(pins->IsPinned(b_));
  EXPECT_EQ(pins->Counters().refused, 1);
}

TEST_F(PinBookTest, AClockThatWasAheadPinsNothingForEver) {
  ASSERT_TRUE(store_->PutPin({"job", a_, 10, clock_.Now() + absl::Hours(24 * 365)}).ok());
  auto pins = Open(Bounds(100, 100));
  EXPECT_TRUE(pins->IsPinned(a_));
  clock_.Advance(absl::Hours(3));
  EXPECT_FALSE(pins->IsPinned(a_));
}

}  // namespace
}  // namespace kiln
