#include "compiler/decompose/decompose.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<Decomposed> DecomposeText(absl::string_view text, ExprPool* pool, bool eager_random = false) {
  KILN_ASSIGN_OR_RETURN(Graph graph, ParseGraph(text, pool, FindOpSchema));
  KILN_ASSIGN_OR_RETURN(FakeGraph fake, Propagate(std::move(graph), pool));
  return Decompose(std::move(fake), eager_random);
}

TEST(DecomposeTest, SoftmaxBecomesReductionsAndPointwiseOperators) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d =
      DecomposeText("graph g(%x: f32[4, 8]) { %y = aten._softmax.default(%x, 1, false) return (%y) }", &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_EQ(PrintGraph(d->fake.graph), R"(graph g(%x: f32[4, 8]) {
  %_1 = aten.amax.default(%x, [1], true)
  %_2 = aten.sub.Tensor(%x, %_1)
  %_3 = aten.exp.default(%_2)
  %_4 = aten.sum.dim_IntList(%_3, [1], true)
  %y = aten.div.Tensor(%_3, %_4)
  return (%y)
}
)");
  EXPECT_THAT(d->origins, ElementsAre(0, 0, 0, 0, 0));
}

TEST(DecomposeTest, RandomOperatorsStayWhereTheHostDraws) {
  constexpr absl::string_view kText =
      "graph g(%x: f32[4]) { %r, %m = aten.native_dropout.default(%x, 0.5, true) %y = aten.silu.default(%r) "
      "%n = aten.normal.float_float(1.0, 2.0, [4]) return (%n, %m) }";
  ExprPool pool;
  absl::StatusOr<Decomposed> ours = DecomposeText(kText, &pool);
  ASSERT_TRUE(ours.ok()) << ours.status();
  EXPECT_THAT(PrintGraph(ours->fake.graph), Not(HasSubstr("native_dropout")));
  ExprPool another;
  absl::StatusOr<Decomposed> hosts = DecomposeText(kText, &another, /*eager_random=*/true);
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  EXPECT_THAT(PrintGraph(hosts->fake.graph), HasSubstr("%r, %m = aten.native_dropout.default(%x, 0.5, true)"));
  EXPECT_THAT(PrintGraph(hosts->fake.graph), HasSubstr("%n = aten.normal.float_float(1.0, 2.0, [4]"));
}

TEST(DecomposeTest, TheGradientOfAnEmbeddingIsAddedRowByRow) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d = DecomposeText(R"(graph g(%x: f32[100, 8], %g: f32[2, 5, 8], %i: i64[2, 5]) {
    %e = aten.embedding_dense_backward.default(%g, %i, 100, -1, false)
    %y = aten.add.Tensor(%x, %e)
    return (%y)
  })",
                                               &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_THAT(PrintGraph(d->fake.graph), HasSubstr("%y = aten.index_put.default(%x, [%i], %g, true)"));
  EXPECT_EQ(d->fake.graph.nodes.size(), 1);
}

TEST(DecomposeTest, RowsOfPaddingAddNothing) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d = DecomposeText(R"(graph g(%x: f32[100, 8], %g: f32[2, 5, 8], %i: i64[2, 5]) {
    %e = aten.embedding_dense_backward.default(%g, %i, 100, 3, false)
    %y = aten.add.Tensor(%e, %x)
    return (%y)
  })",
                                               &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_THAT(PrintGraph(d->fake.graph), HasSubstr("aten.eq.Scalar(%i, 3)"));
  EXPECT_THAT(PrintGraph(d->fake.graph), HasSubstr("aten.masked_fill.Scalar(%g"));
}

TEST(DecomposeTest, SumsOfOtherShapesAreSums) {
  ExprPool pool;
  for (const char* sum : {"aten.add.Tensor(%x, %e, alpha=2)", "aten.add.Tensor(%row, %e)", "aten.add.Tensor(%wide, %e)"}) {
    absl::StatusOr<Decomposed> d = DecomposeText(
        absl::StrCat("graph g(%x: f32[100, 8], %row: f32[8], %wide: f64[100, 8], %g: f32[2, 5, 8], %i: i64[2, 5]) {\n"
                     "%e = aten.embedding_dense_backward.default(%g, %i, 100, -1, false)\n%y = ",
                     sum, "\nreturn (%y)\n}"),
        &pool);
    ASSERT_TRUE(d.ok()) << d.status();
    EXPECT_THAT(PrintGraph(d->fake.graph), Not(HasSubstr("index_put"))) << sum;
  }
}

TEST(DecomposeTest, ViewsOfADecomposedResultFollowItsStorage) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d = DecomposeText(
      "graph g(%x: f32[4, 8]) { %y = aten._softmax.default(%x, 1, false) %t = aten.t.default(%y) return (%y, %t) }",
      &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  const Graph& graph = d->fake.graph;
  const FakeTensor& y = d->fake.tensor(*graph.outputs[0].get_if<ValueId>());
  const FakeTensor& t = d->fake.tensor(*graph.outputs[1].get_if<ValueId>());
  EXPECT_EQ(y.storage, t.storage);
}

TEST(DecomposeTest, TheStridesThatPropagationPromisedAreKept) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d = DecomposeText(
      "graph g(%x: f32[4, 8] strides=[1, 4]) { %y = aten._softmax.default(%x, 1, false) return (%y) }", &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  const FakeTensor& y = d->fake.tensor(*d->fake.graph.outputs[0].get_if<ValueId>());
  ExprPool other;
  absl::StatusOr<Graph> graph = ParseGraph(
      "graph g(%x: f32[4, 8] strides=[1, 4]) { %y = aten._softmax.default(%x, 1, false) return (%y) }", &other,
      FindOpSchema);
  ASSERT_TRUE(graph.ok());
  absl::StatusOr<FakeGraph> fake = Propagate(*std::move(graph), &other);
  ASSERT_TRUE(fake.ok());
  EXPECT_EQ(y.ToString(), fake->tensor(ValueId{1}).ToString());
}

TEST(DecomposeTest, NarrowFloatsAreWidenedInside) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d =
      DecomposeText("graph g(%x: bf16[4, 8]) { %y = aten._softmax.default(%x, 1, false) return (%y) }", &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  std::string text = PrintGraph(d->fake.graph);
  EXPECT_THAT(text, HasSubstr("aten._to_copy.default(%x, dtype=f32)"));
  EXPECT_EQ(d->fake.tensor(*d->fake.graph.outputs[0].get_if<ValueId>()).dtype, DType::kBFloat16);
}

TEST(DecomposeTest, WhatNothingUsesIsDropped) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d = DecomposeText(
      "graph g(%x: f32[4], %w: f32[4]) {"
      " %y, %m, %r = aten.native_layer_norm.default(%x, [4], none, none, 1e-05) %z = aten.exp.default(%w)"
      " return (%m) }",
      &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  std::string text = PrintGraph(d->fake.graph);
  EXPECT_THAT(text, HasSubstr("aten.var_mean.correction"));
  EXPECT_THAT(text, Not(HasSubstr("rsqrt")));
  EXPECT_THAT(text, Not(HasSubstr("exp")));
  EXPECT_THAT(d->origins, ElementsAre(0));
}

TEST(DecomposeTest, AGradientThatIsNotWantedIsNone) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d = DecomposeText(
      "graph g(%g: f32[2, 4], %x: f32[2, 4], %m: f32[2, 1], %r: f32[2, 1]) {"
      " %a, %b, %c = aten.native_layer_norm_backward.default(%g, %x, [4], %m, %r, none, none, [true, false, false])"
      " return (%a, %b) }",
      &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_TRUE(d->fake.graph.outputs[1].is_none());
}

TEST(DecomposeTest, AViewInAnotherDTypeIsACopyAndViewsOfItFollow) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d = DecomposeText(
      "graph g(%x: c64[4, 8]) { %y = aten.view_as_real.default(%x) %z = aten.select.int(%y, 2, 1)"
      " %a, %b = aten.split.Tensor(%z, 2) %s = aten.sin.default(%b) return (%s) }",
      &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  const Graph& graph = d->fake.graph;
  EXPECT_EQ(graph.nodes[0].op->name, "aten.view_as_real_copy.default");
  const FakeTensor& copy = d->fake.tensor(graph.nodes[0].outputs[0].values[0]);
  const FakeTensor& z = d->fake.tensor(graph.nodes[1].outputs[0].values[0]);
  const FakeTensor& b = d->fake.tensor(*graph.nodes[3].args[0].get_if<ValueId>());
  EXPECT_NE(copy.storage, d->fake.tensor(ValueId{0}).storage);
  EXPECT_EQ(z.storage, copy.storage);
  EXPECT_EQ(b.storage, copy.storage);
  EXPECT_TRUE(b.storage_offset.IsInt(1 + 2 * 16)) << b.ToString();
}

TEST(DecomposeTest, ALazilyConjugatedViewIsConjugated) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d = DecomposeText(
      "graph g(%x: c64[4, 8]) { %y = aten._conj.default(%x) %z = aten.t.default(%y) return (%z) }", &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  const FakeTensor& z = d->fake.tensor(*d->fake.graph.outputs[0].get_if<ValueId>());
  EXPECT_EQ(d->fake.graph.nodes[0].op->name, "aten._conj_physical.default");
  EXPECT_FALSE(z.conj_bit);
  EXPECT_EQ(z.storage, d->fake.tensor(d->fake.graph.nodes[0].outputs[0].values[0]).storage);
}

TEST(DecomposeTest, AViewInAnotherDTypeOfWhatIsWrittenStaysAView) {
  ExprPool pool;
  absl::StatusOr<Decomposed> d = DecomposeText(
      "graph g(%x: c64[4], %v: f32[4, 2]) { %y = aten.view_as_real.default(%x)"
      " %w = aten.copy_.default(%y, %v) %s = aten.sin.default(%x) return (%s) }",
      &pool);
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_EQ(d->fake.graph.nodes[0].op->name, "aten.view_as_real.default");
}

TEST(DecomposeTest, EveryRuleIsListedOnce) {
  std::vector<std::string> ops = DecomposedOps();
  for (size_t i = 0; i < ops.size(); ++i) {
    EXPECT_TRUE(HasDecomposition(ops[i]));
    if (i > 0) {
      EXPECT_LT(ops[i - 1], ops[i]);
    }
  }
}

}  // namespace
}  // namespace kiln
