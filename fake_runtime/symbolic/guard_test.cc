#include "fake_runtime/symbolic/guard.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(GuardTest, PrintsConditionKindAndReason) {
  ExprPool pool;
  Guard guard{pool.Parse("s0 == s2").value(), GuardKind::kShape,
              {3, "aten.add.Tensor", "broadcast of dim 0", "model.py:41"}};
  EXPECT_EQ(guard.ToString(), "s0 == s2  [shape] node 3 (aten.add.Tensor): broadcast of dim 0, model.py:41");
  guard.kind = GuardKind::kAssumption;
  guard.reason = {-1, "", "range of s0", ""};
  EXPECT_EQ(guard.ToString(), "s0 == s2  [assumption] range of s0");
}

TEST(GuardTest, SignatureIsThatOfTheSetOfConditions) {
  ExprPool pool, other;
  auto guard = [](ExprPool& p, const char* text, const char* what) {
    return Guard{p.Parse(text).value(), GuardKind::kShape, {1, "op", what, ""}};
  };
  other.Symbol("s2");
  Digest a = GuardSignature({guard(pool, "s0 == s2", "x"), guard(pool, "s1 > 3", "y")});
  Digest b = GuardSignature(
      {guard(other, "s1 > 3", "z"), guard(other, "s2 == s0", "x"), guard(other, "4 <= s1", "")});
  EXPECT_EQ(a, b);
  EXPECT_NE(a, GuardSignature({guard(pool, "s0 == s2", "x")}));
  EXPECT_NE(GuardSignature({}), Digest());
}

TEST(GuardTest, PrintsALineAsPeopleWriteIt) {
  ExprPool pool;
  Guard guard{pool.Parse("s0 % 8 == 0").value(), GuardKind::kShape, {3, "aten.view.default", "", "model.py:41"}};
  EXPECT_EQ(guard.ToLine(), "s0 % 8 == 0   # aten.view at model.py:41");
  guard.condition = pool.Parse("8 <= s0").value();
  guard.kind = GuardKind::kAssumption;
  guard.reason = {-1, "", "range of s0", ""};
  EXPECT_EQ(guard.ToLine(), "s0 >= 8   # inputs: range of s0 [assumption]");
}

TEST(GuardTest, TextForPeopleParsesBack) {
  ExprPool pool;
  const std::pair<const char*, const char*> cases[] = {
      {"8 <= s0", "s0 >= 8"}, {"s0 <= 8", "s0 <= 8"}, {"s0 < s1", "s0 < s1"}, {"9 <= s0*s1", "s0*s1 >= 9"},
      {"Or(s0 != 7, s1 != 7)", "Or(s0 != 7, s1 != 7)"},
  };
  for (const auto& [condition, text] : cases) {
    Expr e = pool.Parse(condition).value();
    EXPECT_EQ(ConditionText(e), text);
    EXPECT_EQ(pool.Parse(text).value(), e);
  }
}

}  // namespace
}  // namespace kiln
