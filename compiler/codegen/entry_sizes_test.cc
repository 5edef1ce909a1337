// Size expressions in compiled code: Python's numbers, or an error, or no code at all.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "compiler/codegen/testing/compile_or_fail.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

// A program that returns `scalar`, over s0 and s1.
std::string ReturnOf(absl::string_view scalar) {
  return absl::StrCat("program symbols=[s0, s1] inputs=0 {\n  inputs []\n  return scalar ", scalar, "\n}\n");
}

TEST(EntrySizesTest, SizesAreWhatPythonComputes) {
  const std::vector<std::pair<int64_t, int64_t>> places = {{0, 0},  {1, 3},   {2, 5},   {-3, 2},  {7, 2},
                                                           {-7, 3}, {-1, 64}, {-1, 65}, {0, 100}, {5, 27},
                                                           {3, 0},  {9, -2},  {-8, -1}, {2, 62},  {2, 63}};
  TestHost host;
  for (const char* text : {"BitAnd(s0, s1)", "BitAnd(s0, 6)", "IntPow(s0, s1)", "IntPow(2, s1)", "s0**2", "s0**9",
                           "RoundToInt(s0 / 2)", "RoundToInt(s0 / 4)", "CeilToInt(s0 / 4)", "FloorToInt(s0 / 4)",
                           "TruncToInt(s0 / 4)", "s0 // IntPow(2, s1)", "Where(s0 < s1, s0, s1)"}) {
    Compiled compiled = Compile(ReturnOf(text));
    ASSERT_NE(compiled, nullptr) << text;
    ExprPool pool;
    Expr e = *pool.Parse(text);
    for (auto [s0, s1] : places) {
      auto value_of = [&](Expr s) -> std::optional<int64_t> { return s.symbol_name() == "s0" ? s0 : s1; };
      std::optional<int64_t> expected = EvaluateInt(e, value_of);
      auto out = host.Run(compiled->artifact, compiled->signature, {}, {{"s0", s0}, {"s1", s1}});
      ASSERT_EQ(out.ok(), expected.has_value()) << text << " at " << s0 << ", " << s1 << ": " << out.status();
      if (!out.ok()) continue;
      EXPECT_EQ((*out)[0].scalar.i, *expected) << text << " at " << s0 << ", " << s1;
    }
  }
}

// Places in an arena: each is one before and a size, whose terms stay apart.
std::vector<std::string> Places(int count) {
  std::vector<std::string> places;
  std::string sum = "s1";
  for (int i = 1; i <= count; ++i) {
    absl::StrAppend(&sum, " + 64*((", 2 * i + 1, "*s0 + 15)//16)");
    places.push_back(sum);
    // A hole that was free before, and one with a coefficient of another term.
    if (i % 5 == 0) places.push_back(absl::StrCat(sum, " - 64*((3*s0 + 15)//16)"));
    if (i % 7 == 0) places.push_back(absl::StrCat(sum, " + 128*((", 2 * i + 1, "*s0 + 15)//16) + s0*s1"));
  }
  return places;
}

std::string ReturnOfAll(const std::vector<std::string>& sizes) {
  return absl::StrCat("program symbols=[s0, s1] inputs=0 {\n  inputs []\n  return scalar ",
                      absl::StrJoin(sizes, "\n  return scalar "), "\n}\n");
}

TEST(EntrySizesTest, LongSumsThatAreComputedFromOneAnother) {
  const std::vector<std::string> texts = Places(40);
  Compiled compiled = Compile(ReturnOfAll(texts));
  ASSERT_NE(compiled, nullptr);
  TestHost host;
  for (auto [s0, s1] : std::vector<std::pair<int64_t, int64_t>>{{1, 0}, {128, 7}, {-5, 1000}, {1 << 20, -1}}) {
    auto out = host.Run(compiled->artifact, compiled->signature, {}, {{"s0", s0}, {"s1", s1}});
    ASSERT_TRUE(out.ok()) << out.status();
    ASSERT_EQ(out->size(), texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      ExprPool pool;
      auto value_of = [&](Expr s) -> std::optional<int64_t> { return s.symbol_name() == "s0" ? s0 : s1; };
      EXPECT_EQ((*out)[i].scalar.i, *EvaluateInt(*pool.Parse(texts[i]), value_of)) << texts[i] << " at " << s0;
    }
  }
  // What does not fit is an error, though only the last of them overflows.
  EXPECT_FALSE(host.Run(compiled->artifact, compiled->signature, {}, {{"s0", INT64_MAX / 5000}, {"s1", 0}}).ok());
}

// Each place written out has as many terms as there are places before it.
TEST(EntrySizesTest, CodeOfLongSumsGrowsWithTheirNumberAlone) {
  const Compiled few = Compile(ReturnOfAll(Places(40)));
  const Compiled many = Compile(ReturnOfAll(Places(160)));
  ASSERT_TRUE(few != nullptr && many != nullptr);
  EXPECT_LT(many->elf.size(), 6 * few->elf.size());
}

TEST(EntrySizesTest, SizesWithoutAValueAreAnErrorAndNoTrap) {
  TestHost host;
  auto fails = [&](absl::string_view text, int64_t s0, int64_t s1) {
    Compiled compiled = Compile(ReturnOf(text));
    if (compiled == nullptr) return false;
    return !host.Run(compiled->artifact, compiled->signature, {}, {{"s0", s0}, {"s1", s1}}).ok();
  };
  EXPECT_TRUE(fails("s0 // s1", INT64_MIN, -1));
  EXPECT_TRUE(fails("FloorToInt(s0 / s1)", 4, 0));
  EXPECT_TRUE(fails("FloorToInt(ToFloat(s0)*1e12)", 1 << 30, 0));
  EXPECT_TRUE(fails("FloorToInt(sqrt(ToFloat(s0)))", -4, 0));
  EXPECT_FALSE(fails("FloorToInt(sqrt(ToFloat(s0)))", 4, 0));
}

TEST(EntrySizesTest, ExpressionsWithoutCodeAreRefusedByName) {
  for (const char* text : {"sin(ToFloat(s0))", "RoundDecimal(ToFloat(s0), 2)", "ToFloat(s0)**0.3", "zf0", "u7"}) {
    absl::StatusOr<Compiled> compiled = CompileProgram(ReturnOf(text), {});
    ASSERT_FALSE(compiled.ok()) << text;
    EXPECT_EQ(GetErrorReason(compiled.status()), ErrorReason::kUnsupportedGraph) << compiled.status();
    EXPECT_THAT(std::string(compiled.status().message()), HasSubstr("compiled code cannot compute ")) << text;
    ExprPool pool;
    EXPECT_THAT(std::string(compiled.status().message()), HasSubstr(pool.Parse(text)->ToString()));
  }
}

TEST(EntrySizesTest, AnExpressionWithoutCodeInAKernelNamesItsNode) {
  absl::Status status = CompileProgram(R"(program symbols=[s0] inputs=0 {
  buffer b0 output 0 f64[8]
  inputs []
  kernel fill nodes=[5] {
    vector i0 < 8 {
      %0 = expr f64 cos(ToFloat(s0))
      store b0[i0], %0
    }
  }
  return new b0: f64[8] strides=[1] offset=0
}
)", {}).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnsupportedGraph) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("of node 5"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("cos(ToFloat("));
}

}  // namespace
}  // namespace kiln
