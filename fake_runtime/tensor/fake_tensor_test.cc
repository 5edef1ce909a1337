#include "fake_runtime/tensor/fake_tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ValueRange kSize{0, ValueRange::kMax};

// Sizes: s0 = 4, s1 = 8, free; p = 3 in [2, oo] by assumption.
class FakeTensorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Add("s0", 4, kSize);
    Add("s1", 8, kSize);
    Add("p", 3, {2, ValueRange::kMax});
  }
  void Add(const char* name, int64_t hint, ValueRange range) {
    ASSERT_TRUE(env_.AddBackedSymbol(pool_.Symbol(name), hint, range, kSize, DimPolicy::kAutomatic).ok());
  }
  Dims D(std::initializer_list<const char*> texts) {
    Dims dims;
    for (const char* t : texts) dims.push_back(pool_.Parse(t).value());
    return dims;
  }
  FakeTensor T(std::initializer_list<const char*> sizes, std::initializer_list<const char*> strides) {
    FakeTensor t;
    t.sizes = D(sizes);
    t.strides = D(strides);
    return t;
  }
  std::vector<std::string> Guards() {
    std::vector<std::string> texts;
    for (const Guard& g : env_.Guards()) texts.push_back(g.condition.ToString());
    return texts;
  }

  ExprPool pool_;
  ShapeEnv env_{&pool_};
};

TEST_F(FakeTensorTest, PrintsEverythingThatIsKnown) {
  FakeTensor t = T({"s0", "128"}, {"128", "1"});
  EXPECT_EQ(t.ToString(), "f32[s0, 128] strides=[128, 1] offset=0 cpu");
  t.requires_grad = true;
  t.constant = ScalarValue{ExprType::kInt, 3, 0};
  EXPECT_EQ(t.ToString(), "f32[s0, 128] strides=[128, 1] offset=0 cpu requires_grad value=3");
}

TEST_F(FakeTensorTest, NumelIsTheProductOrPoison) {
  EXPECT_EQ(Numel(pool_, D({"s0", "2", "s1"})).ToString(), "2*s0*s1");
  EXPECT_EQ(Numel(pool_, {}), Expr(1));
  EXPECT_TRUE(Numel(pool_, D({"4294967296", "4294967296"})).is_poison());
}

TEST_F(FakeTensorTest, ContiguousStridesCountEmptyDimensionsAsOne) {
  EXPECT_EQ(ContiguousStrides(env_, D({"2", "3", "4"})), D({"12", "4", "1"}));
  EXPECT_EQ(ContiguousStrides(env_, D({"2", "0", "4"})), D({"4", "4", "1"}));
  EXPECT_EQ(ContiguousStrides(env_, D({"2", "s0"})), D({"Max(1, s0)", "1"}));
  EXPECT_THAT(Guards(), IsEmpty());
  EXPECT_EQ(ContiguousStrides(env_, D({"2", "p"})), D({"p", "1"}));
  EXPECT_THAT(Guards(), ElementsAre("2 <= p"));
}

TEST_F(FakeTensorTest, ChannelsLastStridesPutChannelsInnermost) {
  EXPECT_EQ(ChannelsLastStrides(env_, D({"2", "3", "4", "5"})), D({"60", "1", "15", "3"}));
  EXPECT_EQ(ChannelsLastStrides(env_, D({"2", "3", "4", "5", "6"})), D({"360", "1", "90", "18", "3"}));
}

TEST_F(FakeTensorTest, ContiguityIsKnownWithoutGuards) {
  EXPECT_TRUE(KnownContiguous(env_, T({"s0", "s1"}, {"s1", "1"})));
  EXPECT_TRUE(KnownContiguous(env_, T({"s0", "s1"}, {"Max(1, s1)", "1"})));
  EXPECT_TRUE(KnownContiguous(env_, T({"1", "s1"}, {"77", "1"})));
  EXPECT_TRUE(KnownContiguous(env_, T({"s0", "0"}, {"5", "9"})));
  EXPECT_TRUE(KnownContiguous(env_, T({}, {})));
  EXPECT_FALSE(KnownContiguous(env_, T({"s0", "s1"}, {"1", "s0"})));
  EXPECT_FALSE(KnownContiguous(env_, T({"s0", "4"}, {"s1", "1"})));
  EXPECT_THAT(Guards(), IsEmpty());
}

TEST_F(FakeTensorTest, TestingContiguityGuardsTheOutcome) {
  EXPECT_EQ(TestContiguous(env_, T({"s0", "s1"}, {"1", "s0"})).value(), false);
  // Two by hint: not empty, not ones, and the stride does not match.
  EXPECT_FALSE(Guards().empty());
  size_t before = env_.recorded_guards().size();
  EXPECT_EQ(TestContiguous(env_, T({"s0", "s1"}, {"1", "s0"})).value(), false);
  EXPECT_EQ(env_.recorded_guards().size(), before);
}

TEST_F(FakeTensorTest, ATestedStrideBecomesAFact) {
  EXPECT_EQ(TestContiguous(env_, T({"s1", "8"}, {"2*s0", "1"})).value(), true);
  EXPECT_TRUE(KnownContiguous(env_, T({"s1", "8"}, {"2*s0", "1"})));
}

TEST_F(FakeTensorTest, ChannelsLastIsToldFromContiguous) {
  FakeTensor t = T({"p", "3", "8", "8"}, {"192", "1", "24", "3"});
  EXPECT_TRUE(KnownChannelsLast(env_, t));
  EXPECT_FALSE(KnownContiguous(env_, t));
  EXPECT_TRUE(KnownNonOverlappingAndDense(env_, t));
  EXPECT_FALSE(KnownChannelsLast(env_, T({"p", "3", "8", "8"}, {"192", "64", "8", "1"})));
  EXPECT_FALSE(KnownChannelsLast(env_, T({"p", "3"}, {"3", "1"})));
}

TEST_F(FakeTensorTest, DenseInAnyOrderIsKnown) {
  EXPECT_TRUE(KnownNonOverlappingAndDense(env_, T({"s0", "s1", "3"}, {"3", "3*s0", "1"})));
  EXPECT_FALSE(KnownNonOverlappingAndDense(env_, T({"s0", "8"}, {"0", "1"})));
  EXPECT_FALSE(KnownNonOverlappingAndDense(env_, T({"s0", "8"}, {"16", "1"})));
}

TEST_F(FakeTensorTest, TestingDensityGuardsTheOrderOfStridesToo) {
  EXPECT_EQ(TestNonOverlappingAndDense(env_, T({"4", "8"}, {"s0*8", "1"})).value(), false);
  EXPECT_EQ(TestNonOverlappingAndDense(env_, T({"4", "8"}, {"2*s0", "1"})).value(), true);
}

}  // namespace
}  // namespace kiln
