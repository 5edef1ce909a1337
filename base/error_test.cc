#include "base/error.h"

#include <set>

#include "base/limits.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

TEST(ErrorTest, NamesAreUniqueAndParse) {
  std::set<std::string> names;
  for (const ErrorReasonRow& row : ErrorReasons()) {
    EXPECT_TRUE(names.insert(std::string(row.name)).second) << row.name;
    EXPECT_EQ(ParseErrorReason(row.name), row.reason);
    EXPECT_EQ(&GetErrorReasonRow(row.reason), &row);
    EXPECT_FALSE(row.next_step.empty()) << row.name;
    EXPECT_NE(row.code, absl::StatusCode::kOk) << row.name;
  }
}

TEST(ErrorTest, WhatMayPassIsNotTheGraphs) {
  std::set<std::string> passing;
  for (const ErrorReasonRow& row : ErrorReasons()) {
    if (row.cause == ErrorCause::kMachine) passing.insert(std::string(row.name));
    // Codes by which clients ask again cannot stand for a graph's own fault.
    if (row.code == absl::StatusCode::kUnavailable || row.code == absl::StatusCode::kDeadlineExceeded) {
      EXPECT_EQ(row.cause, ErrorCause::kMachine) << row.name;
    }
    if (row.code == absl::StatusCode::kUnimplemented) {
      EXPECT_NE(row.cause, ErrorCause::kMachine) << row.name;
    }
  }
  EXPECT_EQ(passing, (std::set<std::string>{"ARTIFACT_CORRUPT", "ARTIFACT_NOT_FOUND", "DEADLINE_EXCEEDED",
                                            "GRAPH_NOT_FOUND", "OVERLOADED", "SHUTTING_DOWN", "STORAGE",
                                            "WORKER_CRASHED", "WORKER_PROTOCOL"}));
}

TEST(ErrorTest, CarriesReasonAndCode) {
  const absl::Status s = MakeError(ErrorReason::kShapeMismatch, "2 vs 3");
  EXPECT_EQ(s.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(s.message(), "2 vs 3");
  EXPECT_EQ(GetErrorReason(s), ErrorReason::kShapeMismatch);
}

TEST(ErrorTest, ContextKeepsTheReason) {
  const absl::Status s =
      AddContext(MakeError(ErrorReason::kUnknownOp, "foo"), "node 3");
  EXPECT_EQ(s.message(), "node 3: foo");
  EXPECT_EQ(GetErrorReason(s), ErrorReason::kUnknownOp);
}

TEST(ErrorTest, ForeignStatusHasNoReason) {
  EXPECT_EQ(GetErrorReason(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(GetErrorReason(absl::InternalError("x")), std::nullopt);
}

TEST(ErrorTest, LongMessagesAreCut) {
  const absl::Status s =
      MakeError(ErrorReason::kUnknownOp, std::string(10000, 'x'));
  EXPECT_EQ(s.message().size(), 4096u);
}

TEST(LimitsTest, AtTheLimitPassesOneMoreFails) {
  for (const LimitRow& row : Limits()) {
    EXPECT_TRUE(CheckLimit(row.limit, row.value, "x").ok()) << row.name;
    const absl::Status s = CheckLimit(row.limit, row.value + 1, "input 3");
    EXPECT_EQ(GetErrorReason(s), ErrorReason::kLimitExceeded) << row.name;
    EXPECT_NE(std::string(s.message()).find("input 3"), std::string::npos);
  }
}

}  // namespace
}  // namespace kiln
