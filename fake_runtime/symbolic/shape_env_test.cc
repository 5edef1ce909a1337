#include "fake_runtime/symbolic/shape_env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr ValueRange kSize{0, ValueRange::kMax};

class ShapeEnvTest : public ::testing::Test {
 protected:
  // Sizes s0 = 8, s1 = 16, s2 = 8, s3 = 24, nothing assumed.
  void SetUp() override {
    Declare("s0", 8);
    Declare("s1", 16);
    Declare("s2", 8);
    Declare("s3", 24);
  }
  void Declare(const char* name, int64_t hint, ValueRange range = kSize, DimPolicy policy = DimPolicy::kAutomatic) {
    absl::Status status = env_.AddBackedSymbol(pool_.Symbol(name), hint, range, kSize, policy);
    ASSERT_TRUE(status.ok()) << status;
  }
  Expr E(absl::string_view text) { return pool_.Parse(text).value(); }
  bool Test(absl::string_view text) { return env_.Test(E(text), "a test").value(); }
  std::optional<bool> Known(absl::string_view text) { return env_.StaticallyKnown(E(text)); }
  std::string Simple(absl::string_view text) { return env_.Simplify(E(text)).ToString(); }
  std::vector<std::string> Guards() {
    std::vector<std::string> texts;
    for (const Guard& g : env_.Guards()) texts.push_back(g.condition.ToString());
    return texts;
  }

  ExprPool pool_;
  ShapeEnv env_{&pool_};
};

TEST_F(ShapeEnvTest, NatureDecidesWithoutAGuard) {
  EXPECT_EQ(Known("s0 >= 0"), true);
  EXPECT_EQ(Known("s0 + s1 < 0"), false);
  EXPECT_EQ(Known("s0*s1 >= 0"), true);
  EXPECT_EQ(Known("s0 == 1"), std::nullopt);
  EXPECT_TRUE(Test("s0 >= 0"));
  EXPECT_THAT(Guards(), IsEmpty());
}

TEST_F(ShapeEnvTest, TestReadsTheHintAndLeavesAGuardWithItsReason) {
  env_.SetReason({3, "aten.add.Tensor", "", "model.py:41"});
  EXPECT_EQ(env_.Test(E("s0 == s2"), "broadcast of dim 0").value(), true);
  ASSERT_EQ(env_.Guards().size(), 1u);
  EXPECT_EQ(env_.Guards()[0].ToString(),
            "s0 == s2  [shape] node 3 (aten.add.Tensor): broadcast of dim 0, model.py:41");
}

TEST_F(ShapeEnvTest, AFalseOutcomeIsGuardedToo) {
  EXPECT_FALSE(Test("s0 == 1"));
  EXPECT_FALSE(Test("s1 < s0"));
  EXPECT_THAT(Guards(), ElementsAre("s0 != 1", "s0 <= s1"));
  EXPECT_EQ(Known("s0 == 1"), false);
  EXPECT_EQ(Known("s0 != 1"), true);
}

TEST_F(ShapeEnvTest, EqualityBecomesAReplacement) {
  EXPECT_TRUE(Test("s0 == s2"));
  EXPECT_EQ(Simple("s2*s1 + 1"), "s0*s1 + 1");
  EXPECT_EQ(Known("s2*s1 == s0*s1"), true);
  EXPECT_TRUE(Test("s2 == 8"));
  EXPECT_EQ(Simple("s0"), "8");
  EXPECT_THAT(Guards(), ElementsAre("s0 == s2", "s0 == 8"));
}

TEST_F(ShapeEnvTest, EqualityIsSolvedForAUnitCoefficient) {
  EXPECT_TRUE(Test("2*s0 == s1"));
  EXPECT_EQ(Simple("s1 // 2"), "s0");
  EXPECT_EQ(Known("s1 % 2 == 0"), true);
  EXPECT_TRUE(Test("s0 + s1 == s3"));
  EXPECT_EQ(Simple("s3"), "3*s0");
}

TEST_F(ShapeEnvTest, ReplacementsChain) {
  EXPECT_TRUE(Test("s3 == s1 + s2"));
  EXPECT_TRUE(Test("s2 == s0"));
  EXPECT_EQ(Simple("s3"), "s0 + s1");
  EXPECT_TRUE(Test("s1 == 16"));
  EXPECT_EQ(Simple("s3"), "s0 + 16");
}

TEST_F(ShapeEnvTest, WhatIsKnownOfAReplacedSymbolIsKnownOfItsReplacement) {
  EXPECT_TRUE(Test("s2 >= 2"));
  EXPECT_TRUE(Test("s0 == s2"));
  EXPECT_EQ(Known("s0 >= 2"), true);
  EXPECT_EQ(Known("s0 == 1"), false);
}

TEST_F(ShapeEnvTest, InequalitiesTightenRanges) {
  EXPECT_TRUE(Test("s0 > 4"));
  EXPECT_EQ(env_.RangeOf(E("s0")).ToString(), "[5, oo]");
  EXPECT_TRUE(Test("s0 < 100"));
  EXPECT_EQ(env_.RangeOf(E("2*s0")).ToString(), "[10, 198]");
  EXPECT_EQ(Known("s0 != 3"), true);
  EXPECT_EQ(Known("s0*s0 >= 25"), true);
}

TEST_F(ShapeEnvTest, ARangeOfOneValueIsAReplacement) {
  EXPECT_TRUE(Test("s0 >= 8"));
  EXPECT_TRUE(Test("s0 <= 8"));
  EXPECT_EQ(Simple("s0 + 1"), "9");
  EXPECT_THAT(Guards(), ElementsAre("8 <= s0", "s0 <= 8"));
}

TEST_F(ShapeEnvTest, ExcludedEndsMoveTheRange) {
  EXPECT_FALSE(Test("s0 == 0"));
  EXPECT_EQ(Known("s0 >= 1"), true);
  EXPECT_FALSE(Test("s0 == 1"));
  EXPECT_EQ(Known("s0 >= 2"), true);
  EXPECT_FALSE(Test("s1 == 1"));
  EXPECT_FALSE(Test("s1 == 0"));
  EXPECT_EQ(Known("s1 >= 2"), true);
}

TEST_F(ShapeEnvTest, DivisibilityMakesDivisionsExact) {
  EXPECT_TRUE(Test("s0 % 8 == 0"));
  EXPECT_EQ(Simple("s0//8*8"), "s0");
  EXPECT_EQ(Simple("s1*(s0//8)*16"), "2*s0*s1");
  EXPECT_EQ(Known("s0 % 4 == 0"), true);
  EXPECT_EQ(Known("s0*s1 % 8 == 0"), true);
  EXPECT_EQ(Known("(s0 + 4) % 8 == 0"), false);
  EXPECT_EQ(Known("s0 == 4"), false);
  EXPECT_EQ(Known("s0 % 16 == 0"), std::nullopt);
}

TEST_F(ShapeEnvTest, DivisibilityBySymbols) {
  EXPECT_TRUE(Test("s1 % s0 == 0"));
  EXPECT_EQ(Simple("s0*(s1//s0)"), "s1");
}

TEST_F(ShapeEnvTest, OtherRemaindersAreKnown) {
  EXPECT_FALSE(Test("s3 % 16 == 0"));
  EXPECT_EQ(Known("s3 % 16 == 0"), false);
  EXPECT_TRUE(Test("s3 % 16 == 8"));
  EXPECT_EQ(Simple("s3 % 16 + 1"), "9");
}

TEST_F(ShapeEnvTest, ComparisonsAreTransitive) {
  EXPECT_TRUE(Test("s0 <= s1"));
  EXPECT_TRUE(Test("s1 <= s3"));
  EXPECT_EQ(Known("s0 <= s3"), true);
  EXPECT_EQ(Known("s0 < s3 + 1"), true);
  EXPECT_EQ(Known("s3 < s0"), false);
  EXPECT_EQ(Known("s0 < s3"), std::nullopt);
}

TEST_F(ShapeEnvTest, MaxAndMinAreDecidedByCases) {
  EXPECT_EQ(Known("Max(1, s0) >= s0"), true);
  EXPECT_EQ(Known("Min(s0, s1) <= s1"), true);
  EXPECT_EQ(Known("Max(s0, s1) < 0"), false);
  EXPECT_TRUE(Test("s0 >= 1"));
  EXPECT_EQ(Simple("Max(1, s0)*s1"), "s0*s1");
  EXPECT_EQ(Known("s0//2 <= s0"), true);
  EXPECT_EQ(Known("2*(s0//2) <= s0"), true);
}

TEST_F(ShapeEnvTest, PositiveFactorsAreDividedOut) {
  EXPECT_TRUE(Test("s1 >= 1"));
  EXPECT_TRUE(Test("s0*s1 == s1*s2"));
  EXPECT_EQ(Simple("s2"), "s0");
  EXPECT_THAT(Guards(), ElementsAre("1 <= s1", "s0 == s2"));
}

TEST_F(ShapeEnvTest, ConjunctionsAreSplit) {
  EXPECT_TRUE(Test("And(s0 == 8, s1 > 2, s0 < 100)"));
  EXPECT_THAT(Guards(), ElementsAre("s0 == 8", "3 <= s1"));
}

TEST_F(ShapeEnvTest, AFailedConjunctionStaysADisjunction) {
  EXPECT_FALSE(Test("And(s0 == 7, s1 == 7)"));
  EXPECT_EQ(Known("And(s0 == 7, s1 == 7)"), false);
  EXPECT_THAT(Guards(), ElementsAre("Or(s0 != 7, s1 != 7)"));
}

TEST_F(ShapeEnvTest, GuardsImpliedByOthersAreDropped) {
  EXPECT_TRUE(Test("s0 >= 2"));
  EXPECT_TRUE(Test("s0 >= 4"));
  EXPECT_FALSE(Test("s0 == 64"));
  EXPECT_TRUE(Test("s0 <= 32"));
  EXPECT_THAT(Guards(), ElementsAre("4 <= s0", "s0 <= 32"));
  EXPECT_EQ(env_.recorded_guards().size(), 4u);
  EXPECT_TRUE(Test("s0 == 8"));
  EXPECT_THAT(Guards(), ElementsAre("s0 == 8"));
}

TEST_F(ShapeEnvTest, AssumedRangesCostAGuardWhenTheyDecide) {
  Declare("s4", 8, {2, 64});
  EXPECT_THAT(Guards(), IsEmpty());
  EXPECT_EQ(Known("s4 >= 0"), true);
  EXPECT_THAT(Guards(), IsEmpty());
  EXPECT_EQ(Known("s4 == 1"), false);
  EXPECT_THAT(Guards(), ElementsAre("2 <= s4"));
  EXPECT_EQ(Known("s4 <= 100"), true);
  EXPECT_THAT(Guards(), ElementsAre("2 <= s4", "s4 <= 64"));
  EXPECT_EQ(env_.Guards()[0].kind, GuardKind::kAssumption);
}

TEST_F(ShapeEnvTest, AssumptionsCostAGuardWhenTheyDecide) {
  ASSERT_TRUE(env_.AddAssumption(E("s0 == s2"), "duck shaping").ok());
  ASSERT_TRUE(env_.AddAssumption(E("s1 % 8 == 0"), "").ok());
  ASSERT_TRUE(env_.AddAssumption(E("s0 <= s3"), "").ok());
  EXPECT_EQ(Known("s0 >= 0"), true);
  EXPECT_THAT(Guards(), IsEmpty());
  EXPECT_EQ(Known("s2 == s0"), true);
  EXPECT_THAT(Guards(), ElementsAre("s0 == s2"));
  EXPECT_EQ(env_.Guards()[0].reason.what, "duck shaping");
  EXPECT_EQ(Simple("s2"), "s0");
  EXPECT_EQ(Known("s1 % 4 == 0"), true);
  EXPECT_EQ(Known("s2 < s3 + 1"), true);
  EXPECT_THAT(Guards(), ElementsAre("s0 == s2", "s1 % 8 == 0", "s0 <= s3"));
}

TEST_F(ShapeEnvTest, RefusesAssumptionsThatTheHintsRefute) {
  absl::Status status = env_.AddAssumption(E("s0 == s1"), "");
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadInputMetadata);
  EXPECT_THAT(status.message(), HasSubstr("s0 == s1"));
  EXPECT_EQ(GetErrorReason(env_.AddAssumption(E("s0"), "")), ErrorReason::kBadInputMetadata);
}

TEST_F(ShapeEnvTest, RefusesHintsOutsideTheRangeAndSecondDeclarations) {
  absl::Status status = env_.AddBackedSymbol(pool_.Symbol("s9"), 1, {2, 8}, kSize, DimPolicy::kAutomatic);
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadInputMetadata);
  EXPECT_THAT(status.message(), HasSubstr("hint 1, outside its range [2, 8]"));
  status = env_.AddBackedSymbol(pool_.Symbol("s0"), 1, kSize, kSize, DimPolicy::kAutomatic);
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadInputMetadata);
}

TEST_F(ShapeEnvTest, DynamicDimensionsAreNeverSpecialized) {
  Declare("s4", 8, kSize, DimPolicy::kDynamic);
  absl::Status status = env_.Test(E("s4 == 8"), "a test").status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kSpecializedDynamic);
  EXPECT_THAT(status.message(), HasSubstr("s4 is marked dynamic, but the graph needs s4 == 8"));
  EXPECT_TRUE(Test("s4 == s0"));
  EXPECT_EQ(GetErrorReason(env_.Test(E("s0 == 8"), "a test").status()), ErrorReason::kSpecializedDynamic);
  EXPECT_EQ(GetErrorReason(env_.Specialize(E("s4"), "a test").status()), ErrorReason::kSpecializedDynamic);
  EXPECT_FALSE(Test("s4 == 1"));
}

TEST_F(ShapeEnvTest, BoundedDynamicDimensionsKeepAllOfTheirRange) {
  Declare("s4", 8, {2, 64}, DimPolicy::kDynamic);
  absl::Status status = env_.Test(E("s4 <= 32"), "a test").status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kSpecializedDynamic);
  EXPECT_THAT(status.message(), HasSubstr("s4 is marked dynamic in [2, 64], but the graph needs s4 <= 32"));
  EXPECT_EQ(GetErrorReason(env_.Test(E("s4 % 8 == 0"), "a test").status()), ErrorReason::kSpecializedDynamic);
  EXPECT_FALSE(Test("s4 == 1"));
  EXPECT_TRUE(Test("s4 <= 64"));
  EXPECT_TRUE(Test("s4 == s0"));
}

TEST_F(ShapeEnvTest, UnboundedDynamicDimensionsMayBeGuarded) {
  Declare("s4", 8, {2, ValueRange::kMax}, DimPolicy::kDynamic);
  EXPECT_TRUE(Test("s4 <= 32"));
  EXPECT_TRUE(Test("s4 % 8 == 0"));
}

TEST_F(ShapeEnvTest, FloatsAreTestedByTheirHints) {
  Expr scale = pool_.Symbol("zf0");
  ASSERT_TRUE(env_.AddBackedFloatSymbol(scale, 1.5).ok());
  EXPECT_FALSE(env_.AddBackedFloatSymbol(pool_.Symbol("s9"), 1.5).ok());
  EXPECT_TRUE(Test("FloorToInt(zf0*ToFloat(s0)) == 12"));
  EXPECT_THAT(Guards(), ElementsAre("FloorToInt(zf0*ToFloat(s0)) == 12"));
  EXPECT_EQ(env_.HintOf(E("FloorToInt(zf0*ToFloat(s1))")), 24);
  EXPECT_EQ(Known("2.0*ToFloat(s0) >= 0.0"), true);
  EXPECT_EQ(env_.FreshUnbackedFloat().ToString(), "zuf0");
  EXPECT_EQ(GetErrorReason(env_.Test(E("zuf0 < 1.0"), "x").status()), ErrorReason::kDataDependentSize);
}

TEST_F(ShapeEnvTest, SpecializePinsToTheHint) {
  EXPECT_EQ(env_.Specialize(E("s0 + 1"), "a test").value(), 9);
  EXPECT_THAT(Guards(), ElementsAre("s0 == 8"));
  EXPECT_EQ(env_.Specialize(E("2*s0"), "a test").value(), 16);
}

TEST_F(ShapeEnvTest, UnbackedTestsAreErrorsOrDefaults) {
  Expr u0 = env_.FreshUnbacked({0, 100});
  EXPECT_EQ(u0.ToString(), "u0");
  EXPECT_EQ(env_.FreshUnbacked({0, 1}).ToString(), "u1");
  EXPECT_EQ(Known("u0 <= 100"), true);
  absl::Status status = env_.Test(E("u0 == s0"), "broadcast").status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kDataDependentSize);
  EXPECT_THAT(status.message(), HasSubstr("broadcast: s0 == u0 hangs on u0"));
  EXPECT_EQ(env_.TestOr(E("u0 == 1"), false, "x").value(), false);
  EXPECT_EQ(env_.TestOr(E("u0 == 1"), true, "x").value(), true);
  EXPECT_EQ(env_.TestOr(E("u0 >= 0"), false, "x").value(), true);
  EXPECT_THAT(Guards(), IsEmpty());
  EXPECT_THAT(env_.runtime_asserts(), IsEmpty());
}

TEST_F(ShapeEnvTest, UnbackedChecksBecomeRuntimeAsserts) {
  env_.FreshUnbacked({0, ValueRange::kMax});
  ASSERT_TRUE(env_.Check(E("u0 == s0"), "sizes agree", "no").ok());
  ASSERT_EQ(env_.runtime_asserts().size(), 1u);
  EXPECT_EQ(env_.runtime_asserts()[0].condition.ToString(), "s0 == u0");
  EXPECT_EQ(Simple("u0"), "s0");
  EXPECT_THAT(Guards(), IsEmpty());
}

TEST_F(ShapeEnvTest, VisibleSizesAreNotReplacedByUnbackedOnes) {
  env_.FreshUnbacked({0, ValueRange::kMax});
  ASSERT_TRUE(env_.Check(E("s0 == 2*u0"), "x", "no").ok());
  EXPECT_EQ(Simple("s0"), "s0");
  EXPECT_EQ(Known("s0 == 2*u0"), true);
  EXPECT_TRUE(Test("s0 == 8"));
}

TEST_F(ShapeEnvTest, CheckSaysWhatIsWrongInsteadOfGuarding) {
  absl::Status status = env_.Check(E("s0 == s1"), "x", "lhs dim 1 is 8 but rhs dim 0 is 16");
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kShapeMismatch);
  EXPECT_EQ(status.message(), "lhs dim 1 is 8 but rhs dim 0 is 16");
  EXPECT_THAT(Guards(), IsEmpty());
  EXPECT_TRUE(env_.Check(E("s0 == s2"), "x", "").ok());
  EXPECT_THAT(Guards(), ElementsAre("s0 == s2"));
}

TEST_F(ShapeEnvTest, OverflowIsATypedError) {
  Declare("s4", int64_t{1} << 40);
  EXPECT_EQ(GetErrorReason(env_.Test(E("s4*s4 == 3"), "x").status()), ErrorReason::kSizeOverflow);
  EXPECT_EQ(GetErrorReason(env_.Test(Expr::Poison(), "x").status()), ErrorReason::kSizeOverflow);
  EXPECT_EQ(env_.HintOf(E("s4*s4")), std::nullopt);
}

TEST_F(ShapeEnvTest, LoopVariablesHaveNoHint) {
  EXPECT_EQ(Known("i0 < 4"), std::nullopt);
  EXPECT_FALSE(env_.Test(E("i0 < 4"), "x").ok());
  ASSERT_TRUE(env_.AddUnbackedSymbol(pool_.Symbol("i1"), {0, 7}).ok());
  EXPECT_EQ(Simple("(8*i0 + i1)//8"), "i0 + i1//8");
}

TEST_F(ShapeEnvTest, PerformanceGuardsKeepTheirKind) {
  ASSERT_TRUE(env_.Test(E("s1 % 16 == 0"), "inner size divisible by 16", GuardKind::kPerformance).ok());
  EXPECT_EQ(env_.Guards()[0].kind, GuardKind::kPerformance);
  EXPECT_EQ(env_.Guards()[0].ToString(), "s1 % 16 == 0  [performance] inner size divisible by 16");
}

}  // namespace
}  // namespace kiln
