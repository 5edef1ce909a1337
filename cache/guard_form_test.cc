#include "cache/guard_form.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/testing/make_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// "s0 = 8; s1 % 16 = 0; s2 in [-oo, 64]", sorted by text.
std::string FormOf(const std::vector<std::string>& guards) {
  ExprPool pool;
  absl::StatusOr<GuardSet> set = GuardSet::Parse(MakeRecord({.num_symbols = 3, .guards = guards}), &pool);
  if (!set.ok()) return std::string(set.status().message());
  const GuardForm form = TakeApart(*set, {pool.Symbol("s0"), pool.Symbol("s1"), pool.Symbol("s2")});
  std::vector<std::string> lines;
  for (const GuardForm::Exact& e : form.exact) lines.push_back(absl::StrCat(e.term.ToString(), " = ", e.value));
  const auto end = [](int64_t value) {
    if (value == Interval().lower) return std::string("-oo");
    return value == Interval().upper ? std::string("oo") : absl::StrCat(value);
  };
  for (const GuardForm::Bound& b : form.bounds) {
    lines.push_back(
        absl::StrCat(b.term.ToString(), " in [", end(b.interval.lower), ", ", end(b.interval.upper), "]"));
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, text.empty() ? "" : "; ", line);
  return text;
}

TEST(GuardFormTest, TakesGuardsApart) {
  const struct {
    std::vector<std::string> guards;
    std::string form;
  } cases[] = {
      {{}, ""},
      {{"s0 == 8"}, "s0 = 8"},
      {{"s1 % 16 == 3"}, "s1 % 16 = 3"},
      {{"s0*s1 == 12"}, "s0*s1 = 12"},
      {{"s0 <= 64"}, "s0 in [-oo, 64]"},
      {{"s0 < 64", "s0 > 2"}, "s0 in [3, 63]"},
      {{"s0 >= 64", "s0 <= 2"}, "s0 in [64, 2]"},
      {{"2 <= s0", "s0*s1 <= 4096"}, "s0 in [2, oo]; s0*s1 in [-oo, 4096]"},
      {{"s0 <= s1"}, "s0 <= s1 = 1"},
      {{"s0 != 1"}, "s0 != 1 = 1"},
      {{"s0 == 8", "s0 == 9"}, "s0 = 8; s0 == 9 = 1"},
      {{"And(s0 == 8, s1 <= 4)"}, "s0 = 8; s1 in [-oo, 4]"},
  };
  for (const auto& c : cases) EXPECT_EQ(FormOf(c.guards), c.form);
}

// On every point of a small grid the form says what the set says.
TEST(GuardFormTest, HoldsWhereTheSetHolds) {
  const std::vector<std::vector<std::string>> sets = {
      {"s0 % 3 == 1", "s1 <= 2"}, {"s0 // s1 <= 1"},          {"s0 + s1 == 3", "s0 != 2"},
      {"s0 == 1", "s0 == 2"},     {"s0 < s1", "2 <= s1"},     {"s0 % s1 == 0"},
      {"Max(s0, s1) <= 2"},       {"Or(s0 == 1, s1 == 3)"},   {"s0 <= -1"},
  };
  for (const std::vector<std::string>& guards : sets) {
    ExprPool pool;
    absl::StatusOr<GuardSet> set = GuardSet::Parse(MakeRecord({.num_symbols = 2, .guards = guards}), &pool);
    ASSERT_TRUE(set.ok()) << set.status();
    const GuardForm form = TakeApart(*set, {pool.Symbol("s0"), pool.Symbol("s1")});
    for (int64_t a = -1; a < 5; ++a) {
      for (int64_t b = -1; b < 5; ++b) {
        const auto value_of = [&](Expr symbol) -> std::optional<int64_t> { return symbol == pool.Symbol("s0") ? a : b; };
        bool holds = true;
        for (const GuardForm::Exact& e : form.exact) holds &= EvaluateInt(e.term, value_of) == e.value;
        for (const GuardForm::Bound& bound : form.bounds) {
          const std::optional<int64_t> value = EvaluateInt(bound.term, value_of);
          holds &= value.has_value() && bound.interval.Contains(*value);
        }
        EXPECT_EQ(holds, set->Holds({a, b})) << guards[0] << " at " << a << ", " << b;
      }
    }
  }
}

}  // namespace
}  // namespace kiln
