#include "clients/cli/describe_explanation.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

v1::VariantRecord Record() {
  v1::VariantRecord record;
  record.set_artifact_sha256(std::string(32, '\x11'));
  record.set_artifact_bytes(2048);
  record.set_compile_seconds(1.5);
  record.set_requester("job-17/rank-3");
  record.set_compiler_build("kiln-1");
  v1::Guard& guard = *record.add_guards();
  guard.set_condition("s0 <= 64");
  guard.set_kind(v1::Guard::KIND_SHAPE);
  guard.mutable_reason()->set_node(-1);
  v1::KeyPreimage::Option& option = *record.mutable_preimage()->add_options();
  option.set_name("fast");
  option.set_value("true");
  return record;
}

TEST(DescribeExplanationTest, AMissTellsCausesDifferencesAndWhatWouldAvoidThem) {
  v1::ExplainResponse e;
  e.set_outcome(v1::ExplainResponse::OUTCOME_MISS);
  e.set_summary("miss (guard_failed): s0 <= 64 (s0 = 100), from aten.view at model.py:41");
  e.add_symbols("s0");
  e.add_symbol_values(100);
  v1::MissCause& cause = *e.add_causes();
  cause.set_text("no guards hold");
  cause.set_advice("Do this.");
  v1::Difference& guard = *cause.add_differences();
  guard.set_text("s0 <= 64 (s0 = 100), from aten.view at model.py:41");
  guard.set_location("model.py:41");
  guard.set_advice("Mark it dynamic.");
  v1::Difference& node = *cause.add_differences();
  node.set_text("alpha: 2 here, 1 there");
  node.set_location("model.py:7");
  *e.add_entries() = Record();
  EXPECT_EQ(DescribeExplanation(e), R"(miss (guard_failed): s0 <= 64 (s0 = 100), from aten.view at model.py:41
symbols   s0 = 100
because   no guards hold
  s0 <= 64 (s0 = 100), from aten.view at model.py:41
    avoid: Mark it dynamic.
  alpha: 2 here, 1 there, at model.py:7
  avoid: Do this.
nearest   artifact 111111111111, 2.0 KiB, compiled in 1.500 s for job-17/rank-3, by kiln-1
  options fast=true
  s0 <= 64  [shape]
)");
}

TEST(DescribeExplanationTest, EntriesThatWereLeftOutAreCounted) {
  v1::ExplainResponse e;
  e.set_outcome(v1::ExplainResponse::OUTCOME_ENTRY);
  e.set_summary("graph 0123: 40 variants");
  e.set_num_entries(40);
  *e.add_entries() = Record();
  EXPECT_THAT(DescribeExplanation(e), ::testing::HasSubstr("entry     artifact 111111111111"));
  EXPECT_THAT(DescribeExplanation(e), ::testing::EndsWith("and 39 more\n"));
}

}  // namespace
}  // namespace kiln
