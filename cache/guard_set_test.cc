#include "cache/guard_set.h"

#include "base/error.h"
#include "cache/testing/make_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

absl::StatusOr<GuardSet> Parse(std::vector<std::string> guards, ExprPool* pool) {
  return GuardSet::Parse(MakeRecord({.num_symbols = 3, .guards = std::move(guards)}), pool);
}

TEST(GuardSetTest, TellsPinsFromResiduals) {
  ExprPool pool;
  absl::StatusOr<GuardSet> set = Parse({"s2 == 1", "s0 == 8", "s1 % 16 == 0", "s0 != s1"}, &pool);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->pins(), ElementsAre(Pin{0, 8}, Pin{2, 1}));
  EXPECT_EQ(set->num_residuals(), 2);
  EXPECT_TRUE(set->Holds({8, 32, 1}));
  EXPECT_FALSE(set->Holds({8, 33, 1}));
  EXPECT_FALSE(set->Holds({9, 32, 1}));
}

TEST(GuardSetTest, ConjunctionsFallApart) {
  ExprPool pool;
  absl::StatusOr<GuardSet> set = Parse({"And(s0 == 8, s1 < s2)"}, &pool);
  ASSERT_TRUE(set.ok());
  EXPECT_THAT(set->pins(), ElementsAre(Pin{0, 8}));
  EXPECT_EQ(set->num_residuals(), 1);
}

TEST(GuardSetTest, ContradictionsNeverHold) {
  ExprPool pool;
  absl::StatusOr<GuardSet> set = Parse({"s0 == 8", "s0 == 9"}, &pool);
  ASSERT_TRUE(set.ok());
  EXPECT_FALSE(set->Holds({8, 0, 0}));
  EXPECT_FALSE(set->Holds({9, 0, 0}));
}

TEST(GuardSetTest, APredicateWithoutAValueDoesNotHold) {
  ExprPool pool;
  absl::StatusOr<GuardSet> set = Parse({"s0 % s1 == 0"}, &pool);
  ASSERT_TRUE(set.ok());
  EXPECT_TRUE(set->Holds({4, 2, 0}));
  EXPECT_FALSE(set->Holds({4, 0, 0}));
}

TEST(GuardSetTest, BitsPowersRoundingAndFunctionsAreDecided) {
  ExprPool pool;
  absl::StatusOr<GuardSet> set = Parse({"BitAnd(s0, 7) == 0", "IntPow(2, s1) <= s0", "RoundToInt(s0 / 16) == 2",
                                        "exp(ToFloat(s2)) < 3.0"},
                                       &pool);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_TRUE(set->Holds({40, 5, 1}));
  EXPECT_FALSE(set->Holds({41, 5, 1}));
  EXPECT_FALSE(set->Holds({40, 6, 1}));
  EXPECT_FALSE(set->Holds({48, 5, 1}));
  EXPECT_FALSE(set->Holds({40, 5, 2}));
  EXPECT_FALSE(set->Holds({40, -1, 1}));
}

TEST(GuardSetTest, SymbolsThatAreFloatsAreRefused) {
  ExprPool pool;
  v1::Guard guard;
  guard.set_condition("zf0 < 2.0");
  absl::Status status = GuardSet::Parse({"zf0"}, {&guard}, &pool).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kArtifactCorrupt);
  EXPECT_NE(status.message().find("zf0"), absl::string_view::npos) << status;
}

TEST(GuardSetTest, CorruptGuardsAreRefusedByName) {
  for (const char* guard : {"s0 ==", "s0 + 1", "s9 == 1", ""}) {
    ExprPool pool;
    absl::Status status = Parse({guard}, &pool).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kArtifactCorrupt) << guard;
    EXPECT_NE(status.message().find(guard), absl::string_view::npos) << status;
  }
}

TEST(GuardSetTest, CorruptRepeatedSymbolIsRefused) {
  ExprPool pool;
  v1::VariantRecord record = MakeRecord({.num_symbols = 1});
  record.add_symbols("s0");
  EXPECT_EQ(GetErrorReason(GuardSet::Parse(record, &pool).status()), ErrorReason::kArtifactCorrupt);
}

}  // namespace
}  // namespace kiln
