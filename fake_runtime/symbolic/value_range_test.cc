#include "fake_runtime/symbolic/value_range.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

// Symbols: a in [2, 5], b in [-3, 4], n in [0, oo], z in [-oo, oo].
ValueRange RangeOf(Expr s) {
  if (s.symbol_name() == "a") return {2, 5};
  if (s.symbol_name() == "b") return {-3, 4};
  if (s.symbol_name() == "n") return {0, ValueRange::kMax};
  return {};
}

struct Case {
  const char* text;
  const char* range;
};

TEST(ValueRangeTest, BoundsEveryKindOfNode) {
  const Case cases[] = {
      {"7", "[7, 7]"},
      {"a + b", "[-1, 9]"},
      {"a - b", "[-2, 8]"},
      {"2*n + 3", "[3, oo]"},
      {"-n", "[-oo, 0]"},
      {"a*b", "[-15, 20]"},
      {"b**2", "[0, 16]"},
      {"n*z", "[-oo, oo]"},
      {"n//a", "[0, oo]"},
      {"b//2", "[-2, 2]"},
      {"a//n", "[0, 5]"},
      {"b//a", "[-2, 2]"},
      {"z % 8", "[0, 7]"},
      {"a % 8", "[2, 5]"},
      {"n % a", "[0, 4]"},
      {"a % z", "[-oo, 5]"},
      {"Max(1, n)", "[1, oo]"},
      {"Min(a, n)", "[0, 5]"},
      {"Where(a < 6, a, 100)", "[2, 5]"},
      {"Where(n < 6, a, 100)", "[2, 100]"},
      {"a < 6", "[1, 1]"},
      {"a == 9", "[0, 0]"},
      {"n == 9", "[0, 1]"},
      {"And(a < 6, n == 9)", "[0, 1]"},
      {"Or(a < 6, n == 9)", "[1, 1]"},
      {"FloorToInt(n / 2)", "[0, oo]"},
      {"FloorToInt(2.5*ToFloat(a))", "[5, 12]"},
      {"CeilToInt(ToFloat(b)*1.5)", "[-4, 6]"},
      {"RoundToInt(a / 2)", "[1, 2]"},
      {"TruncToInt(sqrt(ToFloat(n)))", "[0, oo]"},
      {"TruncToInt(ToFloat(a) / 2.0 + 1.0)", "[2, 3]"},
      {"FloorToInt(RoundDecimal(a / 3, 1)*10.0)", "[7, 17]"},
      {"FloorToInt(zf0)", "[-oo, oo]"},
      {"FloorToInt(a / n)", "[-oo, oo]"},
      {"FloorToInt(sin(ToFloat(a)))", "[-oo, oo]"},
      {"ToFloat(a) < 5.5", "[1, 1]"},
      {"ToFloat(n)*2.0 < 0.0", "[0, 0]"},
      {"zf0 < inf", "[0, 1]"},
      {"BitAnd(a, z)", "[0, 5]"},
      {"BitAnd(b, z)", "[-oo, oo]"},
      {"IntPow(2, a)", "[4, 32]"},
      {"IntPow(n, a)", "[0, oo]"},
      {"9223372036854775807", "[9223372036854775806, oo]"},
      {"a*4611686018427387904", "[9223372036854775806, oo]"},
  };
  ExprPool pool;
  for (const Case& c : cases) {
    EXPECT_EQ(BoundOf(pool.Parse(c.text).value(), RangeOf).ToString(), c.range) << c.text;
  }
}

TEST(ValueRangeTest, IntervalsKnowTheirShape) {
  EXPECT_TRUE(ValueRange::Exactly(3).singleton());
  EXPECT_TRUE((ValueRange{3, 2}).empty());
  EXPECT_TRUE(ValueRange::AtLeast(2).Contains(100));
  EXPECT_TRUE(ValueRange().Contains(ValueRange::AtLeast(2)));
  EXPECT_EQ(ValueRange::AtLeast(2).Intersect({0, 5}), (ValueRange{2, 5}));
  EXPECT_EQ(ValueRange().ToString(), "[-oo, oo]");
}

}  // namespace
}  // namespace kiln
