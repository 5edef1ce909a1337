#include "fake_runtime/symbolic/expr.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "fake_runtime/symbolic/value_range.h"

namespace kiln {
namespace {

class ExprTest : public ::testing::Test {
 protected:
  Expr E(absl::string_view text) {
    absl::StatusOr<Expr> e = pool_.Parse(text);
    EXPECT_TRUE(e.ok()) << e.status();
    return e.ok() ? *e : Expr::Poison();
  }
  std::string Text(absl::string_view text) { return E(text).ToString(); }

  ExprPool pool_;
};

struct Canonical {
  const char* written;
  const char* printed;
};

TEST_F(ExprTest, PrintsCanonicalForms) {
  const Canonical cases[] = {
      // Sums and products.
      {"3 + s0*2", "2*s0 + 3"},
      {"s1 + s0", "s0 + s1"},
      {"s10 + s2", "s2 + s10"},
      {"-s55", "-s55"},
      {"s70 + s55", "s55 + s70"},
      {"s0 - s0", "0"},
      {"s0 - 3 - s1", "s0 - s1 - 3"},
      {"s0*0", "0"},
      {"s0*(i1 + 2)", "i1*s0 + 2*s0"},
      {"(s0 + 1)*(s0 - 1)", "s0**2 - 1"},
      {"s0*s0*s1", "s0**2*s1"},
      {"(s0 + s1)**2", "s0**2 + 2*s0*s1 + s1**2"},
      {"2**10", "1024"},
      {"-2**2", "-4"},
      {"s0**0", "1"},
      {"Abs(s0)", "Max(-s0, s0)"},
      // Division.
      {"(8*i0 + i1)//8", "i0 + i1//8"},
      {"(8*i0 + i1) % 8", "i1 % 8"},
      {"(s0*i0 + i1)//s0", "i0 + i1//s0"},
      {"(s0*i0 + i1) % s0", "i1 % s0"},
      {"s0*s1//s0", "s1"},
      {"(s0*s1 + s0)//(s1 + 1)", "s0"},
      {"s0*s1//(s0*s2)", "s1//s2"},
      {"6*s0//4", "(3*s0)//2"},
      {"(4*s0 + 3)//8", "s0//2"},
      {"s0//2//3", "s0//6"},
      {"(s0//2 + 1)//4", "(s0 + 2)//8"},
      {"(s0 + 9)//8", "(s0 + 1)//8 + 1"},
      {"(s0 - 1)//2 + 1", "(s0 + 1)//2"},
      {"s0//-3", "(-s0)//3"},
      {"s0//1", "s0"},
      {"s0//s0", "1"},
      {"CeilDiv(s0, 4)", "(s0 + 3)//4"},
      {"CeilDiv(8*s0, 4)", "2*s0"},
      {"-7//2", "-4"},
      {"-7 % 3", "2"},
      {"7 % -3", "-2"},
      {"(s0 % 16) % 8", "s0 % 8"},
      {"(s0 % 4)//8", "0"},
      {"(s0 % 4) % 8", "s0 % 4"},
      {"(2*s0) % 8", "2*(s0 % 4)"},
      {"(13*s0) % 8", "(-3*s0) % 8"},
      {"8*(s0//8) + s0 % 8", "s0"},
      {"s1*8*(s0//8) + s1*(s0 % 8)", "s0*s1"},
      {"ModularIndexing(s0, 4, 8)", "(s0//4) % 8"},
      {"(s0//8)*8", "8*(s0//8)"},
      // Extrema.
      {"Max(1, s0, 1)", "Max(1, s0)"},
      {"Max(s0, s0 + 2)", "s0 + 2"},
      {"Min(s0, Min(s1, 3), 5)", "Min(3, s0, s1)"},
      {"Max(3)", "3"},
      // Conditions.
      {"Eq(2*s0, 6)", "s0 == 3"},
      {"2*s0 == 7", "False"},
      {"s0 == s0", "True"},
      {"s1 == s0", "s0 == s1"},
      {"s0 - s1 == 3", "s0 == s1 + 3"},
      {"s0 > 5", "6 <= s0"},
      {"s0 >= s1", "s1 <= s0"},
      {"s0 + 1 <= s1", "s0 < s1"},
      {"2*s0 <= 7", "s0 <= 3"},
      {"s0 % 8 == 9", "False"},
      {"2*s0 % 8 == 0", "s0 % 4 == 0"},
      {"Not(s0 < s1)", "s1 <= s0"},
      {"Not(And(s0 == 1, s1 < 2))", "Or(s0 != 1, 2 <= s1)"},
      {"And(s0 < s1, s1 <= s0)", "False"},
      {"Or(s0 == 1, Ne(s0, 1))", "True"},
      {"Where(s0 < 2, s1, s1)", "s1"},
      {"Where(s0 < 2, s1, 3)", "Where(s0 <= 1, s1, 3)"},
      // Floats.
      {"s0 / 2", "s0 / 2"},
      {"7 / 2", "3.5"},
      {"ToFloat(s0)*0.5", "0.5*ToFloat(s0)"},
      {"s0 + 2.5", "2.5 + ToFloat(s0)"},
      {"TruncToInt(s0*1.5)", "TruncToInt(1.5*ToFloat(s0))"},
      {"FloorToInt(2.7)", "2"},
      {"2.0", "2.0"},
      {"1e-05", "1e-05"},
      {"sqrt(ToFloat(s0))", "sqrt(ToFloat(s0))"},
      {"Not(ToFloat(s0) < 1.5)", "Not(ToFloat(s0) < 1.5)"},
      {"FloatTrueDiv(s0, 2)", "ToFloat(s0) / 2.0"},
      {"s0**-1", "ToFloat(s0)**(-1.0)"},
      {"ToFloat(s0)*1.0", "ToFloat(s0)"},
      {"-1.0*(2.5*ToFloat(s0))", "-2.5*ToFloat(s0)"},
      {"zf0 / 1.0 + zuf1", "zf0 + zuf1"},
      {"RoundToInt(2.5)", "2"},
      {"RoundToInt(-3.5)", "-4"},
      {"RoundDecimal(2.675, 2)", "2.67"},
      {"RoundDecimal(1250.0, -2)", "1200.0"},
      {"RoundDecimal(zf0, 1)", "RoundDecimal(zf0, 1)"},
      {"OpaqueUnaryFn_sin(s0)", "sin(ToFloat(s0))"},
      {"log2(8.0)", "3.0"},
      {"TruncToFloat(zf0)", "ToFloat(TruncToInt(zf0))"},
      // Bits and powers.
      {"2**s0", "IntPow(2, s0)"},
      {"1**s0", "1"},
      {"s0**true", "s0"},
      {"true**s0", "1"},
      {"IntPow(s0, 2)", "s0**2"},
      {"LShift(s0, 3)", "8*s0"},
      {"RShift(s0, s1)", "s0//IntPow(2, s1)"},
      {"BitAnd(s1, s0)", "BitAnd(s0, s1)"},
      {"BitAnd(s0, 7)", "s0 % 8"},
      {"BitAnd(6, -3)", "4"},
      {"BitAnd(s0, 6)", "BitAnd(6, s0)"},
      {"BitwiseFn_bitwise_or(s0, 0)", "s0"},
      {"BitwiseFn_bitwise_xor(s0, s0)", "0"},
      {"BitwiseFn_bitwise_or(s0, s1)", "s0 + s1 - BitAnd(s0, s1)"},
  };
  for (const Canonical& c : cases) EXPECT_EQ(Text(c.written), c.printed) << c.written;
  for (const Canonical& c : cases) EXPECT_EQ(E(c.printed), E(c.written)) << c.printed;
}

TEST_F(ExprTest, EqualExpressionsAreTheSameBits) {
  Expr s0 = pool_.Symbol("s0"), s1 = pool_.Symbol("s1");
  EXPECT_EQ(pool_.Add(s0, s1), pool_.Add(s1, s0));
  EXPECT_EQ(pool_.Mul(pool_.Add(s0, Expr(1)), s1), pool_.Add(pool_.Mul(s0, s1), s1));
  EXPECT_EQ(pool_.Symbol("s0"), s0);
  EXPECT_NE(pool_.Add(s0, s1), pool_.Sub(s0, s1));
}

TEST_F(ExprTest, AccessorsSayWhatAnExpressionIs) {
  EXPECT_EQ(Expr().AsInt(), 0);
  EXPECT_EQ(Expr(-5).AsInt(), -5);
  EXPECT_EQ(Expr::Bool(true).AsBool(), true);
  EXPECT_EQ(pool_.Float(0.5).AsFloat(), 0.5);
  EXPECT_EQ(E("s0").symbol_name(), "s0");
  EXPECT_EQ(E("s0 + 1").symbol_name(), "");
  EXPECT_TRUE(E("s0*u1").has_unbacked());
  EXPECT_FALSE(E("s0*s1").has_unbacked());
  EXPECT_FALSE(Expr(3).has_symbols());
  EXPECT_TRUE(E("s0//s1").Mentions(E("s1")));
  EXPECT_FALSE(E("s0//s1").Mentions(E("s2")));
  EXPECT_EQ(E("s0 < 3").type(), ExprType::kBool);
  EXPECT_EQ(E("s0 / 3").type(), ExprType::kFloat);
}

TEST_F(ExprTest, LargeIntegersAreKept) {
  for (int64_t v : {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(), int64_t{1} << 62,
                    (int64_t{1} << 62) - 1, -(int64_t{1} << 62), -(int64_t{1} << 62) - 1}) {
    EXPECT_EQ(pool_.Int(v).AsInt(), v);
    EXPECT_EQ(pool_.Int(v), pool_.Int(v));
    EXPECT_EQ(E(std::to_string(v)), pool_.Int(v));
    EXPECT_EQ(pool_.Int(v).ToString(), std::to_string(v));
  }
  EXPECT_EQ(Expr(std::numeric_limits<int64_t>::max()), pool_.Int(std::numeric_limits<int64_t>::max()));
}

TEST_F(ExprTest, OverflowPoisonsWhateverIsBuiltOnIt) {
  Expr big = pool_.Int(int64_t{1} << 62);
  Expr poison = pool_.Add(big, big);
  EXPECT_TRUE(poison.is_poison());
  EXPECT_EQ(poison.poison_reason(), "overflow");
  EXPECT_TRUE(pool_.Mul(pool_.Mul(big, E("s0")), Expr(4)).is_poison());
  EXPECT_TRUE(pool_.Eq(pool_.Max(poison, Expr(1)), Expr(2)).is_poison());
  EXPECT_TRUE(pool_.Where(E("s0 < 1"), poison, Expr(2)).is_poison());
  EXPECT_TRUE(pool_.ToFloat(poison).is_poison());
  EXPECT_EQ(pool_.FloorDiv(E("s0"), Expr(0)).poison_reason(), "division by zero");
}

TEST_F(ExprTest, ExpressionsOverTheLimitsArePoison) {
  Expr wide(1), deep = E("s0");
  for (int i = 0; i < 20; ++i) wide = pool_.Mul(wide, pool_.Add(pool_.Symbol("a" + std::to_string(i)), Expr(1)));
  EXPECT_EQ(wide.poison_reason(), "over expr_nodes");
  for (int i = 0; i < 300; ++i) deep = pool_.Max(pool_.Min(deep, E("s1")), pool_.Symbol("s" + std::to_string(i)));
  EXPECT_EQ(deep.poison_reason(), "over expr_depth");
}

TEST_F(ExprTest, EvaluatesAsPythonDoes) {
  auto value_of = [](Expr s) -> std::optional<int64_t> {
    if (s.symbol_name() == "n") return -7;
    if (s.symbol_name() == "p") return 3;
    return std::nullopt;
  };
  EXPECT_EQ(EvaluateInt(E("n//p"), value_of), -3);
  EXPECT_EQ(EvaluateInt(E("n % p"), value_of), 2);
  EXPECT_EQ(EvaluateInt(E("p % n"), value_of), -4);
  EXPECT_EQ(EvaluateInt(E("n**2"), value_of), 49);
  EXPECT_EQ(EvaluateInt(E("Max(n, p)"), value_of), 3);
  EXPECT_EQ(EvaluateInt(E("TruncToInt(n / 2)"), value_of), -3);
  EXPECT_EQ(EvaluateInt(E("FloorToInt(n / 2)"), value_of), -4);
  EXPECT_EQ(Evaluate(E("n / 2"), value_of)->f, -3.5);
  EXPECT_EQ(Evaluate(E("n < p"), value_of)->i, 1);
  EXPECT_EQ(EvaluateInt(E("s0 + 1"), value_of), std::nullopt);
  EXPECT_EQ(EvaluateInt(E("p//(n + 7)"), value_of), std::nullopt);
  EXPECT_EQ(EvaluateInt(E("n**40"), value_of), std::nullopt);
  EXPECT_EQ(Evaluate(E("And(s0 == 1, n == 1)"), value_of)->i, 0);
}

struct BadText {
  const char* text;
  ErrorReason reason;
};

TEST_F(ExprTest, RefusesBadTextWithAReason) {
  std::string deep(300, '('), wide = "s0";
  for (int i = 0; i < 12000; ++i) wide += "+s0";
  const BadText cases[] = {
      {"", ErrorReason::kParseError},
      {"s0 +", ErrorReason::kParseError},
      {"s0 s1", ErrorReason::kParseError},
      {"(s0", ErrorReason::kParseError},
      {"Foo(s0)", ErrorReason::kParseError},
      {"Max()", ErrorReason::kParseError},
      {"Mod(s0)", ErrorReason::kParseError},
      {"3x", ErrorReason::kParseError},
      {"log(-1.0)", ErrorReason::kParseError},
      {"RoundDecimal(zf0, s0)", ErrorReason::kParseError},
      {"BitAnd(zf0, 1)", ErrorReason::kParseError},
      {"s0//0", ErrorReason::kParseError},
      {"(s0 < 1) + 2", ErrorReason::kParseError},
      {"And(s0, s1)", ErrorReason::kParseError},
      {"s0 $ 1", ErrorReason::kParseError},
      {"9223372036854775808", ErrorReason::kSizeOverflow},
      {"9223372036854775807*2", ErrorReason::kSizeOverflow},
      {"s0*9223372036854775807*2", ErrorReason::kSizeOverflow},
      {"s0*-9223372036854775808 == 3", ErrorReason::kSizeOverflow},
      {"s0 - 9223372036854775807 - 1 <= 0", ErrorReason::kSizeOverflow},
      {"-9223372036854775808//-1", ErrorReason::kSizeOverflow},
      {deep.c_str(), ErrorReason::kLimitExceeded},
      {wide.c_str(), ErrorReason::kLimitExceeded},
  };
  for (const BadText& c : cases) {
    EXPECT_EQ(GetErrorReason(pool_.Parse(c.text).status()), c.reason) << std::string(c.text).substr(0, 40);
  }
  EXPECT_THAT(std::string(pool_.Parse("s0 + $").status().message()), ::testing::HasSubstr("column 6: expected an operand"));
}

TEST_F(ExprTest, MixedSignsAreSigns) {
  EXPECT_EQ(Text("-+-s0"), "s0");
  EXPECT_EQ(Text("- -3"), "3");
  EXPECT_EQ(Text("-9223372036854775808"), "-9223372036854775808");
}

TEST_F(ExprTest, SubstitutionIsCanonical) {
  Expr s0 = E("s0");
  auto by = [&](const char* text) {
    Expr to = E(text);
    return [=](Expr s) { return s == s0 ? std::optional<Expr>(to) : std::nullopt; };
  };
  EXPECT_EQ(pool_.Substitute(E("s0*s1 + s0//2"), by("2*s2")).ToString(), "2*s1*s2 + s2");
  EXPECT_EQ(pool_.Substitute(E("s0 < 3"), by("4")).ToString(), "False");
  EXPECT_EQ(pool_.Substitute(E("s1 + 1"), by("4")), E("s1 + 1"));
}

TEST_F(ExprTest, NansAreOneExpressionWhateverTheirBits) {
  EXPECT_EQ(pool_.Float(-std::nan("")), pool_.Float(std::nan("7")));
  EXPECT_EQ(E("inf*0"), E("nan"));
}

TEST_F(ExprTest, FloatSymbolsAreNamedAsPyTorchNamesThem) {
  EXPECT_EQ(E("zf3").type(), ExprType::kFloat);
  EXPECT_FALSE(E("zf3").has_unbacked());
  EXPECT_EQ(E("zuf0").type(), ExprType::kFloat);
  EXPECT_TRUE(E("zuf0 + 1").has_unbacked());
  for (const char* integer : {"zf", "zuf", "zfoo", "zu0", "z0"}) {
    EXPECT_EQ(E(integer).type(), ExprType::kInt) << integer;
    EXPECT_FALSE(E(integer).has_unbacked()) << integer;
  }
}

TEST_F(ExprTest, FloatsEvaluateAsInterpolationNeedsThem) {
  Expr size = E("FloorToInt(zf0*ToFloat(s0))");
  auto value_of = [&](Expr s) -> std::optional<ScalarValue> {
    if (s.type() == ExprType::kFloat) return ScalarValue{ExprType::kFloat, 0, 1.7};
    return ScalarValue{ExprType::kInt, 9, 0};
  };
  EXPECT_EQ(EvaluateScalar(size, value_of)->i, 15);
  // Without a value for the float there is none for the size.
  EXPECT_EQ(EvaluateInt(size, [](Expr) { return 9; }), std::nullopt);
}

TEST_F(ExprTest, FloatErrorsOfPythonHaveNoValue) {
  auto at = [&](const char* text, int64_t s0) { return Evaluate(E(text), [=](Expr) { return s0; }).has_value(); };
  EXPECT_FALSE(at("log(ToFloat(s0))", 0));
  EXPECT_TRUE(at("log(ToFloat(s0))", 1));
  EXPECT_FALSE(at("exp(ToFloat(s0))", 1000));
  EXPECT_FALSE(at("acos(ToFloat(s0))", 2));
  EXPECT_FALSE(at("IntPow(2, s0)", -1));
  EXPECT_FALSE(at("IntPow(2, s0)", 63));
  EXPECT_TRUE(at("IntPow(2, s0)", 62));
}

TEST_F(ExprTest, VisitsSymbolsInTheOrderOfPrinting) {
  std::string names;
  VisitSymbols(E("Max(s3, s1*s2) + s1 + u0 % s4"), [&](Expr s) { names += std::string(s.symbol_name()) + " "; });
  EXPECT_EQ(Text("Max(s3, s1*s2) + s1 + u0 % s4"), "s1 + u0 % s4 + Max(s1*s2, s3)");
  EXPECT_EQ(names, "s1 u0 s4 s2 s3 ");
}

TEST_F(ExprTest, SplitsLinearForms) {
  Expr i0 = E("i0");
  LinearForm form = SplitLinear(pool_, E("s1*s2*i0 + 3*i0 + s1 + 2"), i0).value();
  EXPECT_EQ(form.coefficient.ToString(), "s1*s2 + 3");
  EXPECT_EQ(form.rest.ToString(), "s1 + 2");
  EXPECT_EQ(SplitLinear(pool_, E("s1"), i0)->coefficient, Expr(0));
  EXPECT_EQ(SplitLinear(pool_, i0, i0)->rest, Expr(0));
  EXPECT_EQ(SplitLinear(pool_, E("i0*i0"), i0), std::nullopt);
  EXPECT_EQ(SplitLinear(pool_, E("i0//2 + i0"), i0), std::nullopt);
  EXPECT_EQ(SplitLinear(pool_, E("s1*(i0 % 3)"), i0), std::nullopt);
}

// Wide but legal input must not cost quadratic time or memory.
TEST_F(ExprTest, WideExpressionsAreCheap) {
  std::string sum = "s0", max = "Max(s0", all = "And(s0 < 7";
  for (int i = 1; i < 2000; ++i) {
    std::string name = "s" + std::to_string(i);
    sum += " + " + name;
    max += ", " + name;
    all += ", " + name + " < 7";
  }
  EXPECT_EQ(E(sum).args().size(), 2000u);
  EXPECT_EQ(E(max + ")").args().size(), 2000u);
  EXPECT_EQ(E(all + ")").args().size(), 2000u);
}

}  // namespace
}  // namespace kiln
