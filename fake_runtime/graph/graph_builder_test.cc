#include "fake_runtime/graph/graph_builder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/limits.h"
#include "fake_runtime/graph/testing/test_schemas.h"

namespace kiln {
namespace {

class GraphBuilderTest : public ::testing::Test {
 protected:
  GraphInput Tensor(std::string name, std::vector<Expr> sizes,
                    std::vector<Expr> strides) {
    GraphInput input;
    input.name = std::move(name);
    FakeTensor t;
    t.sizes.assign(sizes.begin(), sizes.end());
    t.strides.assign(strides.begin(), strides.end());
    input.value = std::move(t);
    return input;
  }
  std::optional<ErrorReason> ReasonOf(GraphInput input) {
    return GetErrorReason(
        GraphBuilder(&pool_, FindTestSchema).AddInput(std::move(input)));
  }

  ExprPool pool_;
  GraphBuilder builder_{&pool_, FindTestSchema};
};

TEST_F(GraphBuilderTest, NumbersStoragesOfInputs) {
  ASSERT_TRUE(builder_.AddInput(Tensor("a", {Expr(2)}, {Expr(1)})).ok());
  ASSERT_TRUE(builder_.AddInput(Tensor("b", {Expr(2)}, {Expr(1)})).ok());
  GraphInput alias = Tensor("c", {Expr(2)}, {Expr(1)});
  std::get<FakeTensor>(alias.value).storage.value = 0;
  ASSERT_TRUE(builder_.AddInput(alias).ok());
  const Graph& g = builder_.graph();
  EXPECT_EQ(std::get<FakeTensor>(g.inputs[1].value).storage.value, 1);
  EXPECT_EQ(std::get<FakeTensor>(g.inputs[2].value).storage.value, 0);
}

TEST_F(GraphBuilderTest, RefusesBadSizes) {
  int64_t huge = int64_t{1} << 40;
  EXPECT_EQ(ReasonOf(Tensor("a", {Expr(-1)}, {Expr(1)})),
            ErrorReason::kBadInputMetadata);
  EXPECT_EQ(ReasonOf(Tensor("a", {Expr(1)}, {Expr(-1)})),
            ErrorReason::kBadInputMetadata);
  EXPECT_EQ(ReasonOf(Tensor("a", {Expr(1), Expr(1)}, {Expr(1)})),
            ErrorReason::kBadInputMetadata);
  EXPECT_EQ(
      ReasonOf(Tensor("a", {Expr(huge), Expr(huge)}, {Expr(huge), Expr(1)})),
      ErrorReason::kSizeOverflow);
  EXPECT_EQ(ReasonOf(Tensor("a", {Expr(huge)}, {Expr(huge)})),
            ErrorReason::kSizeOverflow);
  EXPECT_EQ(ReasonOf(Tensor("a", {Expr::Poison()}, {Expr(1)})),
            ErrorReason::kSizeOverflow);
  EXPECT_EQ(ReasonOf(Tensor("a", {Expr::Bool(true)}, {Expr(1)})),
            ErrorReason::kBadExpression);
  EXPECT_EQ(ReasonOf(Tensor("a", {pool_.Symbol("s0")}, {Expr(1)})),
            ErrorReason::kBadExpression);
  std::vector<Expr> many(GetLimit(Limit::kRank) + 1, Expr(1));
  EXPECT_EQ(ReasonOf(Tensor("a", many, many)), ErrorReason::kLimitExceeded);
}

TEST_F(GraphBuilderTest, AnEmptyTensorReachesNothing) {
  int64_t huge = int64_t{1} << 40;
  EXPECT_TRUE(
      builder_
          .AddInput(Tensor("a", {Expr(), Expr(huge)}, {Expr(huge), Expr(huge)}))
          .ok());
}

TEST_F(GraphBuilderTest, RefusesBadNames) {
  EXPECT_EQ(ReasonOf(Tensor("a b", {}, {})), ErrorReason::kMalformedMessage);
  EXPECT_EQ(ReasonOf(Tensor("_", {}, {})), ErrorReason::kMalformedMessage);
  EXPECT_EQ(ReasonOf(Tensor(std::string(5000, 'a'), {}, {})),
            ErrorReason::kLimitExceeded);
  ASSERT_TRUE(builder_.AddInput(Tensor("a", {}, {})).ok());
  EXPECT_EQ(GetErrorReason(builder_.AddInput(Tensor("a", {}, {}))),
            ErrorReason::kDuplicateName);
}

TEST_F(GraphBuilderTest, RefusesBadSymbols) {
  SymbolDeclaration s;
  s.symbol = pool_.Symbol("s0");
  ASSERT_TRUE(builder_.DeclareSymbol(s).ok());
  EXPECT_EQ(GetErrorReason(builder_.DeclareSymbol(s)),
            ErrorReason::kDuplicateName);
  s.symbol = pool_.Symbol("s1");
  s.range = {5, 4};
  EXPECT_EQ(GetErrorReason(builder_.DeclareSymbol(s)),
            ErrorReason::kBadInputMetadata);
  s.symbol = pool_.Symbol("s2");
  s.range = {5, 9};
  s.hint = 4;
  EXPECT_EQ(GetErrorReason(builder_.DeclareSymbol(s)),
            ErrorReason::kBadInputMetadata);
  s.symbol = pool_.Symbol("u0");
  s.hint = 5;
  s.policy = DimPolicy::kUnbacked;
  EXPECT_EQ(GetErrorReason(builder_.DeclareSymbol(s)),
            ErrorReason::kBadInputMetadata);
  s.symbol = pool_.Symbol("u1");
  s.policy = DimPolicy::kAutomatic;
  EXPECT_EQ(GetErrorReason(builder_.DeclareSymbol(s)),
            ErrorReason::kBadInputMetadata);
}

TEST_F(GraphBuilderTest, TellsACycleFromADanglingValue) {
  builder_.Announce("later");
  EXPECT_EQ(GetErrorReason(builder_.Find("later").status()),
            ErrorReason::kGraphCycle);
  EXPECT_EQ(GetErrorReason(builder_.Find("never").status()),
            ErrorReason::kDanglingValue);
}

TEST_F(GraphBuilderTest, ErrorsOfNodesNameTheNode) {
  ASSERT_TRUE(builder_.AddInput(Tensor("a", {}, {})).ok());
  absl::Status status =
      builder_.AddNode("aten.relu.default", {}, {{{"b"}}}, "model.py:41");
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadArgumentCount);
  EXPECT_EQ(status.message().substr(0, 44),
            "node 0 (aten.relu.default) at model.py:41: a");
}

TEST_F(GraphBuilderTest, RefusesAWrongNumberOfResults) {
  ASSERT_TRUE(builder_.AddInput(Tensor("a", {}, {})).ok());
  std::vector<NamedArgument> args = {{"", Argument(ValueId{0})}};
  EXPECT_EQ(GetErrorReason(builder_.AddNode("aten.relu.default", args, {}, "")),
            ErrorReason::kBadArgumentCount);
  EXPECT_EQ(GetErrorReason(builder_.AddNode("aten.relu.default", args,
                                            {{{"b"}, true}}, "")),
            ErrorReason::kBadArgumentType);
  EXPECT_EQ(GetErrorReason(builder_.AddNode("aten.relu.default", args,
                                            {{{"b", "c"}}}, "")),
            ErrorReason::kBadArgumentType);
  EXPECT_EQ(GetErrorReason(
                builder_.AddNode("aten.nothing.default", args, {{{"b"}}}, "")),
            ErrorReason::kUnknownOp);
}

}  // namespace
}  // namespace kiln
