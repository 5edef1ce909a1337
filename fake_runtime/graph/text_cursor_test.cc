#include "fake_runtime/graph/text_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

TEST(TextCursorTest, SpaceAndCommentsStandBetweenTokens) {
  TextCursor in("  a # b\n\t c", "_");
  EXPECT_TRUE(in.TryWord("a"));
  EXPECT_TRUE(in.TryWord("c"));
  EXPECT_TRUE(in.AtEnd());
  EXPECT_EQ(in.Peek(), '\0');
}

TEST(TextCursorTest, WordsEndWhereTheirMarksEnd) {
  EXPECT_EQ(TextCursor("aten.mm:f32", "_.").PeekWord(), "aten.mm");
  EXPECT_EQ(TextCursor("aten.mm:f32", "_.:").PeekWord(), "aten.mm:f32");
  EXPECT_EQ(TextCursor("%x", "_.").PeekWord(), "");
}

TEST(TextCursorTest, AWordIsTakenWholeOrNotAtAll) {
  TextCursor in("input", "_");
  EXPECT_TRUE(in.At("in"));
  EXPECT_FALSE(in.TryWord("in"));
  EXPECT_EQ(in.pos(), 0u);
}

TEST(TextCursorTest, ErrorsNameLineAndColumnOfTheNextToken) {
  TextCursor in("one\n  two", "_");
  ASSERT_TRUE(in.TryWord("one"));
  absl::Status status = in.Expect(")");
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kParseError);
  EXPECT_THAT(std::string(status.message()), HasSubstr("2:3: expected ')'"));
}

TEST(TextCursorTest, IntegersAreSigned64Bit) {
  EXPECT_EQ(*TextCursor("-9223372036854775808]", "_").Integer("n"), INT64_MIN);
  for (absl::string_view bad : {"", "-", "x", "9223372036854775808"}) {
    TextCursor in(bad, "_");
    EXPECT_FALSE(in.Integer("n").ok()) << bad;
    EXPECT_EQ(in.pos(), 0u) << bad;
  }
}

TEST(TextCursorTest, StringsHaveTheEscapesOfC) {
  TextCursor in(R"("a\"b\n" rest)", "_");
  EXPECT_EQ(*in.String(), "a\"b\n");
  EXPECT_TRUE(in.TryWord("rest"));
  for (absl::string_view bad : {"", "x", "\"", "\"abc", "\"abc\\", "\"abc\\\"", "\"\\q\""}) {
    EXPECT_FALSE(TextCursor(bad, "_").String().ok()) << bad;
  }
}

TEST(TextCursorTest, AnExpressionEndsWhereItsPlaceEnds) {
  struct {
    absl::string_view text, expr;
    bool stops_at_space;
  } rows[] = {
      {"s0 + 1, s1", "s0 + 1", false},   {"Max(s0, 1))", "Max(s0, 1)", false}, {"s0] x", "s0", false},
      {"s0 {", "s0", false},             {"s0 }", "s0", false},                {"s0\ns1", "s0", false},
      {"s0 + 1 donated", "s0 + 1", true}, {"s0 donated", "s0", true},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(TextCursor(row.text, "_").ExprText(row.stops_at_space), row.expr) << row.text;
  }
}

TEST(TextCursorTest, DimsAreExpressionsUpToTheRankLimit) {
  ExprPool pool;
  absl::StatusOr<Dims> dims = TextCursor("[s0, 4*s1]", "_").ParseDims(&pool);
  ASSERT_TRUE(dims.ok()) << dims.status();
  ASSERT_EQ(dims->size(), 2u);
  EXPECT_EQ((*dims)[1].ToString(), "4*s1");
  std::string many = "[1";
  for (int i = 0; i < 64; ++i) many += ",1";
  EXPECT_EQ(GetErrorReason(TextCursor(many + "]", "_").ParseDims(&pool).status()), ErrorReason::kLimitExceeded);
  EXPECT_EQ(GetErrorReason(TextCursor("[s0 +]", "_").ParseDims(&pool).status()), ErrorReason::kParseError);
}

}  // namespace
}  // namespace kiln
