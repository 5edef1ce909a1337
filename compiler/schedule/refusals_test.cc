#include "compiler/schedule/refusals.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace kiln::schedule {
namespace {

using Attempt = Refusals::Attempt;

std::string Text(const Refusals& refusals) {
  std::string text;
  for (const Refusal& r : refusals.Remaining()) {
    absl::StrAppend(&text, r.later, " from ", r.earlier, " ", ApartReasonName(r.reason), "\n");
  }
  return text;
}

TEST(RefusalsTest, TheLastOfAPairCounts) {
  Refusals refusals(3);
  refusals.Note(0, 2, Attempt::kJoin, ApartReason::kFewRows);
  refusals.Note(0, 1, Attempt::kJoin, ApartReason::kLarge);
  refusals.Note(0, 2, Attempt::kJoin, ApartReason::kOtherRows);
  EXPECT_EQ(Text(refusals), "1 from 0 large\n2 from 0 other_rows\n");
}

TEST(RefusalsTest, BothAttemptsCountUnlessTheySayTheSame) {
  Refusals refusals(4);
  refusals.Note(0, 1, Attempt::kInline, ApartReason::kCostly);
  refusals.Note(0, 1, Attempt::kJoin, ApartReason::kOtherRows);
  refusals.Note(2, 3, Attempt::kInline, ApartReason::kOtherLoops);
  refusals.Note(2, 3, Attempt::kJoin, ApartReason::kOtherLoops);
  EXPECT_EQ(Text(refusals), "1 from 0 costly\n1 from 0 other_rows\n3 from 2 other_loops\n");
}

TEST(RefusalsTest, WhatBecameOneIsNotApart) {
  Refusals refusals(4);
  refusals.Note(0, 1, Attempt::kInline, ApartReason::kCostly);
  refusals.Note(1, 3, Attempt::kJoin, ApartReason::kFewRows);
  refusals.Merge(1, 0);
  // A chain: 2 into 1, which is 0's already.
  refusals.Note(2, 3, Attempt::kJoin, ApartReason::kBetween);
  refusals.Merge(2, 1);
  EXPECT_EQ(Text(refusals), "3 from 0 between\n");
  refusals.Merge(3, 0);
  EXPECT_EQ(Text(refusals), "");
}

}  // namespace
}  // namespace kiln::schedule
