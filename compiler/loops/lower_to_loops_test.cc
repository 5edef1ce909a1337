// Each family of lowerings on plain memory, against expectations in plain C++.
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "compiler/loops/testing/lower_text.h"
#include "compiler/loops/testing/tensor_literals.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Pointwise;

using Doubles = std::vector<double>;
using Symbols = std::map<std::string, int64_t>;

// The first output's elements.
Doubles FirstOutput(absl::string_view text, const std::vector<PlainTensor>& inputs, Symbols symbols = {}) {
  absl::StatusOr<std::vector<PlainTensor>> out = RunText(text, inputs, std::move(symbols));
  EXPECT_TRUE(out.ok()) << out.status() << "\n" << text;
  return out.ok() && !out->empty() ? (*out)[0].Values() : Doubles{};
}

void ExpectNear(const Doubles& got, const Doubles& want, absl::string_view what, double tolerance = 1e-5) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(want[i])) {
      EXPECT_TRUE(std::isnan(got[i])) << what << " at " << i;
    } else {
      EXPECT_NEAR(got[i], want[i], tolerance * (1 + std::abs(want[i]))) << what << " at " << i;
    }
  }
}

// A graph of one node over %x: f32[4] (and %y).
Doubles Unary(const std::string& call, const Doubles& x) {
  int64_t n = static_cast<int64_t>(x.size());
  return FirstOutput(absl::StrCat("graph g(%x: f32[", n, "]) { %r = ", call, " return (%r) }"), {F32({n}, x)});
}

TEST(LowerPointwiseTest, UnaryOperatorsOfFloats) {
  const Doubles kX = {-2.5, -1, -0.25, 0, 0.25, 0.5, 1, 2.5, 3.5};
  struct Case {
    const char* call;
    std::function<double(double)> want;
  };
  const Case kCases[] = {
      {"aten.abs.default(%x)", [](double x) { return std::abs(x); }},
      {"aten.neg.default(%x)", [](double x) { return -x; }},
      {"aten.exp.default(%x)", [](double x) { return std::exp(x); }},
      {"aten.relu.default(%x)", [](double x) { return std::max(x, 0.0); }},
      {"aten.sigmoid.default(%x)", [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"aten.tanh.default(%x)", [](double x) { return std::tanh(x); }},
      {"aten.asinh.default(%x)", [](double x) { return std::asinh(x); }},
      {"aten.round.default(%x)", [](double x) { return std::nearbyint(x); }},
      {"aten.pow.Tensor_Scalar(%x, 3)", [](double x) { return x * x * x; }},
      {"aten.clamp.default(%x, -1, 2)", [](double x) { return std::min(std::max(x, -1.0), 2.0); }},
      {"aten.gelu.default(%x)", [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }},
      {"aten.silu.default(%x)", [](double x) { return x / (1 + std::exp(-x)); }},
      {"aten.leaky_relu.default(%x, 0.1)", [](double x) { return x > 0 ? x : 0.1 * x; }},
      {"aten.hardswish.default(%x)", [](double x) { return x * std::min(std::max(x + 3, 0.0), 6.0) / 6; }},
      {"aten.rsub.Scalar(%x, 2, 3)", [](double x) { return 2 - 3 * x; }},
      {"aten.add.Tensor(%x, 2.5)", [](double x) { return x + 2.5; }},
      {"aten.div.Tensor_mode(%x, 0.75, rounding_mode=\"floor\")", [](double x) { return std::floor(x / 0.75); }},
      {"aten.remainder.Scalar(%x, 2)", [](double x) { return x - 2 * std::floor(x / 2); }},
      {"aten.le.Scalar(%x, 0.25)", [](double x) { return x <= 0.25; }},
      {"aten.isnan.default(%x)", [](double x) { return 0; }},
      {"aten._to_copy.default(%x, dtype=i64)", [](double x) { return std::trunc(x); }},
      {"aten.logical_not.default(%x)", [](double x) { return x == 0; }},
  };
  for (const Case& c : kCases) {
    Doubles want;
    for (double x : kX) want.push_back(c.want(x));
    ExpectNear(Unary(c.call, kX), want, c.call);
  }
}

TEST(LowerPointwiseTest, OperandsBroadcastWithSymbolicSizes) {
  Doubles got = FirstOutput("graph g(%a: f32[s0, 1], %b: f32[s1]) { %r = aten.mul.Tensor(%a, %b) return (%r) }",
                    {F32({2, 1}, {2, 3}), F32({3}, {1, 10, 100})}, {{"s0", 2}, {"s1", 3}});
  EXPECT_THAT(got, ElementsAre(2, 20, 200, 3, 30, 300));
}

TEST(LowerPointwiseTest, AComparisonPromotesItsOperands) {
  Doubles got = FirstOutput("graph g(%a: i64[3]) { %r = aten.gt.Scalar(%a, 1.5) return (%r) }", {I64({3}, {1, 2, 3})});
  EXPECT_THAT(got, ElementsAre(0, 1, 1));
}

TEST(LowerPointwiseTest, WhereTakesTheConditionAsBool) {
  Doubles got = FirstOutput(
      "graph g(%c: bool[3], %a: f32[3], %b: f32[]) { %r = aten.where.self(%c, %a, %b) return (%r) }",
      {PlainTensor::Of(DType::kBool, {3}, {1, 0, 1}), F32({3}, {1, 2, 3}), F32({}, {9})});
  EXPECT_THAT(got, ElementsAre(1, 9, 3));
}

TEST(LowerPointwiseTest, NarrowFloatsComputeInFloat32AndRoundAtTheStore) {
  Doubles got = FirstOutput("graph g(%a: bf16[2]) { %r = aten.add.Tensor(%a, 0.001) return (%r) }",
                    {PlainTensor::Of(DType::kBFloat16, {2}, {1, 2})});
  EXPECT_THAT(got, ElementsAre(1, 2));
}

TEST(LowerReductionsTest, OverDimensions) {
  const Doubles kX = {1, 5, 3, 4, 2, 6};  // [2, 3]
  struct Case {
    const char* call;
    Doubles want;
  };
  const Case kCases[] = {
      {"aten.sum.default(%x)", {21}},
      {"aten.sum.dim_IntList(%x, [0], true)", {5, 7, 9}},
      {"aten.sum.dim_IntList(%x, [-1])", {9, 12}},
      {"aten.mean.dim(%x, [1])", {3, 4}},
      {"aten.mean.default(%x)", {3.5}},
      {"aten.amax.default(%x, [1])", {5, 6}},
      {"aten.amin.default(%x, [0, 1])", {1}},
      {"aten.argmax.default(%x)", {5}},
      {"aten.argmax.default(%x, 1)", {1, 2}},
      {"aten.argmin.default(%x, 0, true)", {0, 1, 0}},
      {"aten.prod.default(%x)", {720}},
      {"aten.prod.dim_int(%x, 0)", {4, 10, 18}},
      {"aten.var.correction(%x, [1], correction=1)", {4, 4}},
      {"aten.std.correction(%x, [1], correction=0)", {std::sqrt(8.0 / 3), std::sqrt(8.0 / 3)}},
      {"aten.any.dim(%x, 1)", {1, 1}},
      {"aten.all.default(%x)", {1}},
      {"aten.linalg_vector_norm.default(%x)", {std::sqrt(91.0)}},
      {"aten.cumsum.default(%x, 1)", {1, 6, 9, 4, 6, 12}},
      {"aten.cumsum.default(%x, 0)", {1, 5, 3, 5, 7, 9}},
      {"aten.logsumexp.default(%x, [1])",
       {std::log(std::exp(1) + std::exp(5) + std::exp(3)), std::log(std::exp(4) + std::exp(2) + std::exp(6))}},
  };
  for (const Case& c : kCases) {
    std::string text = absl::StrCat("graph g(%x: f32[s0, 3]) { %r = ", c.call, " return (%r) }");
    ExpectNear(FirstOutput(text, {F32({2, 3}, kX)}, {{"s0", 2}}), c.want, c.call);
  }
}

TEST(LowerReductionsTest, OfNothingIsWhatTheyStartWith) {
  const PlainTensor none = F32({0, 3}, {});
  const std::string graph = "graph g(%x: f32[0, 3]) { ";
  EXPECT_THAT(FirstOutput(graph + "%r = aten.sum.dim_IntList(%x, [0]) return (%r) }", {none}), ElementsAre(0, 0, 0));
  EXPECT_THAT(FirstOutput(graph + "%r = aten.prod.dim_int(%x, 0) return (%r) }", {none}), ElementsAre(1, 1, 1));
  EXPECT_THAT(FirstOutput(graph + "%r = aten.all.dim(%x, 0) return (%r) }", {none}), ElementsAre(1, 1, 1));
  EXPECT_THAT(FirstOutput(graph + "%r = aten.sum.dim_IntList(%x, [1]) return (%r) }", {none}), ElementsAre());
}

TEST(LowerReductionsTest, MaxOverADimensionGivesValuesAndIndices) {
  absl::StatusOr<std::vector<PlainTensor>> out =
      RunText("graph g(%x: f32[2, 3]) { %v, %i = aten.max.dim(%x, 1) return (%v, %i) }",
              {F32({2, 3}, {1, 5, 3, 4, 2, 6})});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT((*out)[0].Values(), ElementsAre(5, 6));
  EXPECT_THAT((*out)[1].Values(), ElementsAre(1, 2));
}

TEST(LowerReductionsTest, SoftmaxIsDecomposed) {
  double e = std::exp(1.0);
  ExpectNear(FirstOutput("graph g(%x: f32[1, 2]) { %r = aten._softmax.default(%x, 1, false) return (%r) }",
                 {F32({1, 2}, {0, 1})}),
             {1 / (1 + e), e / (1 + e)}, "softmax");
}

TEST(LowerReductionsTest, LayerNormIsDecomposed) {
  Doubles got = FirstOutput(
      "graph g(%x: f32[1, 4], %w: f32[4], %b: f32[4]) {"
      " %r, %m, %s = aten.native_layer_norm.default(%x, [4], %w, %b, 0.0) return (%r) }",
      {F32({1, 4}, {1, 2, 3, 4}), F32({4}, {1, 1, 2, 1}), F32({4}, {0, 0, 0, 10})});
  double unit = 1 / std::sqrt(1.25);
  ExpectNear(got, {-1.5 * unit, -0.5 * unit, 1 * unit, 1.5 * unit + 10}, "layer norm");
}

TEST(LowerViewsTest, AViewIsAWindowAndCostsNoKernel) {
  auto lowered = LowerText("graph g(%x: f32[2, 3]) { %t = aten.t.default(%x) %r = aten.neg.default(%t) return (%r) }");
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  EXPECT_EQ((*lowered)->program.steps.size(), 1);
  EXPECT_THAT(FirstOutput("graph g(%x: f32[2, 3]) { %t = aten.t.default(%x) %r = aten.neg.default(%t) return (%r) }",
                  {F32({2, 3}, {1, 2, 3, 4, 5, 6})}),
              ElementsAre(-1, -4, -2, -5, -3, -6));
}

TEST(LowerViewsTest, SlicesAndExpandsAreAffine) {
  EXPECT_THAT(FirstOutput("graph g(%x: f32[4, 3]) { %s = aten.slice.Tensor(%x, 0, 1, 4, 2) %u = aten.select.int(%s, 1, -1)"
                  " %w = aten.unsqueeze.default(%u, 0) %e = aten.expand.default(%w, [2, 2])"
                  " %r = aten.clone.default(%e, memory_format=contiguous) return (%r) }",
                  {F32({4, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})}),
              ElementsAre(5, 11, 5, 11));
}

TEST(LowerAssemblyTest, PartsAreCopiedIntoPlace) {
  const Doubles kX = {1, 2, 3, 4};  // [2, 2]
  struct Case {
    const char* call;
    Doubles want;
  };
  const Case kCases[] = {
      {"aten.cat.default([%x, %y, %x], 0)", {1, 2, 3, 4, 5, 6, 1, 2, 3, 4}},
      {"aten.stack.default([%x, %x], 1)", {1, 2, 1, 2, 3, 4, 3, 4}},
      {"aten.constant_pad_nd.default(%x, [1, -1, 0, 1], 9.0)", {9, 1, 9, 3, 9, 9}},
      {"aten.slice_scatter.default(%x, %y, 0, 1, 2)", {1, 2, 5, 6}},
      {"aten.slice_backward.default(%y, [3, 2], 0, -2, -1, 1)", {0, 0, 5, 6, 0, 0}},
      {"aten.select_backward.default(%z, [2, 2], 1, -1)", {0, 7, 0, 8}},
      {"aten.select_scatter.default(%x, %z, 0, 0)", {7, 8, 3, 4}},
      {"aten.flip.default(%x, [0, 1])", {4, 3, 2, 1}},
      {"aten.roll.default(%x, [1], [1])", {2, 1, 4, 3}},
      {"aten.repeat.default(%z, [2, 2])", {7, 8, 7, 8, 7, 8, 7, 8}},
      {"aten.tril.default(%x)", {1, 0, 3, 4}},
      {"aten.triu.default(%x, 1)", {0, 2, 0, 0}},
  };
  for (const Case& c : kCases) {
    std::string text =
        absl::StrCat("graph g(%x: f32[2, 2], %y: f32[1, 2], %z: f32[2]) { %r = ", c.call, " return (%r) }");
    ExpectNear(FirstOutput(text, {F32({2, 2}, kX), F32({1, 2}, {5, 6}), F32({2}, {7, 8})}), c.want, c.call);
  }
}

TEST(LowerIndexingTest, GathersAndScatters) {
  struct Case {
    const char* call;
    Doubles want;
  };
  const Case kCases[] = {
      {"aten.embedding.default(%w, %i)", {5, 6, 1, 2}},
      {"aten.embedding_dense_backward.default(%g, %d, 3, -1, false)", {0, 0, 0, 0, 4, 6}},
      {"aten.embedding_dense_backward.default(%g, %i, 3, 0, false)", {0, 0, 0, 0, 1, 2}},
      {"aten.index_select.default(%w, 0, %i)", {5, 6, 1, 2}},
      {"aten.gather.default(%w, 1, %k)", {2, 3, 5}},
      {"aten.index.Tensor(%w, [%i])", {5, 6, 1, 2}},
      {"aten.index.Tensor(%w, [none, %j])", {2, 1, 4, 3, 6, 5}},
      {"aten.index.Tensor(%w, [%i, %j])", {6, 1}},
      {"aten.index_put.default(%w, [%d], %g, true)", {1, 2, 3, 4, 9, 12}},
      {"aten.index_put.default(%w, [%i], %g)", {3, 4, 3, 4, 1, 2}},
      {"aten.scatter.value(%w, 1, %k, 0.0)", {1, 0, 0, 4, 0, 6}},
      {"aten.scatter_add.default(%w, 1, %k, %s)", {1, 12, 23, 4, 35, 6}},
  };
  for (const Case& c : kCases) {
    std::string text = absl::StrCat(
        "graph g(%w: f32[3, 2], %i: i64[2], %j: i64[2], %k: i64[3, 1], %g: f32[2, 2], %d: i64[2], %s: f32[3, 1]) {"
        " %r = ", c.call, " return (%r) }");
    ExpectNear(FirstOutput(text, {F32({3, 2}, {1, 2, 3, 4, 5, 6}), I64({2}, {2, 0}), I64({2}, {1, -2}), I64({3, 1}, {1, 0, 0}),
                          F32({2, 2}, {1, 2, 3, 4}), I64({2}, {2, 2}), F32({3, 1}, {10, 20, 30})}),
               c.want, c.call);
  }
}

// Kernels of a graph of %w: f32[3, 2], %i: i64[2], %g: f32[2, 2] and %k: i64[3, 1]; `body` makes what is returned.
size_t NumKernels(const std::string& body) {
  auto lowered = LowerText(absl::StrCat("graph g(%w: f32[3, 2], %i: i64[2], %g: f32[2, 2], %k: i64[3, 1]) { ", body, " }"));
  EXPECT_TRUE(lowered.ok()) << lowered.status() << body;
  return lowered.ok() ? (*lowered)->program.steps.size() : 0;
}

TEST(LowerIndexingTest, AScatterWritesIntoWhatNobodyElseLooksAt) {
  const std::string put = "%a = aten.exp.default(%w) %r = aten.index_put.default(%a, [%i], %g, true) ";
  EXPECT_EQ(NumKernels(put + "return (%r)"), 2);
  // Each of these looks at %a afterwards, or at the same time.
  EXPECT_EQ(NumKernels(put + "return (%r, %a)"), 3);
  EXPECT_EQ(NumKernels(put + "%t = aten.t.default(%a) return (%r, %t)"), 3);
  EXPECT_EQ(NumKernels(put + "%s = aten.add.Tensor(%a, %r) return (%s)"), 4);
  EXPECT_EQ(NumKernels("%a = aten.exp.default(%w) %v = aten.slice.Tensor(%a, 0, 0, 2) "
                       "%r = aten.index_put.default(%a, [%i], %v, true) return (%r)"),
            3);
  // An input is the caller's.
  EXPECT_EQ(NumKernels("%r = aten.index_put.default(%w, [%i], %g, true) return (%r)"), 2);
}

TEST(LowerIndexingTest, WhatAScatterTookOverHoldsItsResult) {
  const Doubles got = FirstOutput(
      "graph g(%w: f32[3, 2], %i: i64[2], %g: f32[2, 2]) { %a = aten.add.Tensor(%w, 10) "
      "%r = aten.index_put.default(%a, [%i], %g, true) %s = aten.mul.Tensor(%r, 2) return (%s) }",
      {F32({3, 2}, {1, 2, 3, 4, 5, 6}), I64({2}, {2, 2}), F32({2, 2}, {1, 2, 3, 4})});
  EXPECT_THAT(got, ElementsAre(22, 24, 26, 28, 38, 44));
}

TEST(LowerIndexingTest, AScatterOfOneElementARowIsOneKernel) {
  EXPECT_EQ(NumKernels("%r = aten.scatter.value(%w, 1, %k, 0.0) return (%r)"), 1);
  // Several may meet, or the index does not reach every row.
  EXPECT_EQ(NumKernels("%r = aten.scatter.value(%w, 0, %k, 0.0) return (%r)"), 2);
  EXPECT_EQ(NumKernels("%s = aten.slice.Tensor(%k, 0, 0, 2) %r = aten.scatter.value(%w, 1, %s, 0.0) return (%r)"), 2);
}

TEST(LowerIndexingTest, AScatterOutOfRangeIsAnError) {
  absl::StatusOr<std::vector<PlainTensor>> out =
      RunText("graph g(%w: f32[1, 2], %k: i64[1, 1]) { %r = aten.scatter.value(%w, 1, %k, 0.0) return (%r) }",
              {F32({1, 2}, {1, 2}), I64({1, 1}, {2})});
  EXPECT_THAT(std::string(out.status().message()), HasSubstr("index 2 is out of [0, 2)"));
}

TEST(LowerIndexingTest, AnIndexOutOfRangeIsAnError) {
  absl::StatusOr<std::vector<PlainTensor>> out =
      RunText("graph g(%w: f32[3, 2], %i: i64[1]) { %r = aten.embedding.default(%w, %i) return (%r) }",
              {F32({3, 2}, {1, 2, 3, 4, 5, 6}), I64({1}, {3})});
  EXPECT_THAT(std::string(out.status().message()), HasSubstr("index 3 is out of [0, 3)"));
}

TEST(LowerCreationTest, ConstantsAndCounters) {
  struct Case {
    const char* call;
    Doubles want;
  };
  const Case kCases[] = {
      {"aten.full.default([3], 2.5)", {2.5, 2.5, 2.5}},
      {"aten.ones.default([2])", {1, 1}},
      {"aten.zeros_like.default(%x)", {0, 0}},
      {"aten.arange.default(4)", {0, 1, 2, 3}},
      {"aten.arange.start_step(1, 8, 3)", {1, 4, 7}},
      {"aten.arange.start_step(0.5, 2.5, 0.5)", {0.5, 1, 1.5, 2}},
      {"aten.eye.default(2)", {1, 0, 0, 1}},
      {"aten.scalar_tensor.default(7.0)", {7}},
      {"aten.new_full.default(%x, [1], 3)", {3}},
  };
  for (const Case& c : kCases) {
    std::string text = absl::StrCat("graph g(%x: f32[2]) { %r = ", c.call, " return (%r) }");
    ExpectNear(FirstOutput(text, {F32({2}, {1, 2})}), c.want, c.call);
  }
}

TEST(LowerPoolingTest, WindowsAreCutAtThePadding) {
  const Doubles kX = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  ExpectNear(FirstOutput("graph g(%x: f32[1, 1, 3, 3]) { %r = aten.avg_pool2d.default(%x, [2, 2], [1, 1]) return (%r) }",
                 {F32({1, 1, 3, 3}, kX)}),
             {3, 4, 6, 7}, "avg_pool2d");
  ExpectNear(FirstOutput("graph g(%x: f32[1, 1, 3, 3]) {"
                 " %r = aten.avg_pool2d.default(%x, [3, 3], [2, 2], [1, 1], false, false) return (%r) }",
                 {F32({1, 1, 3, 3}, kX)}),
             {3, 4, 6, 7}, "padded avg_pool2d");
  ExpectNear(FirstOutput("graph g(%x: f32[1, 1, 3, 3]) { %r = aten._adaptive_avg_pool2d.default(%x, [1, 1]) return (%r) }",
                 {F32({1, 1, 3, 3}, kX)}),
             {5}, "adaptive");
}

TEST(LowerPoolingTest, AMaximumsPlaceIsEagers) {
  // Of equals the first, of NaNs the last.
  const Doubles kNans = {NAN, 1, NAN, 2};
  const std::string kWhole = "graph g(%x: f32[1, 1, 2, 2]) { %v, %i = ";
  ExpectNear(FirstOutput(kWhole + "aten.max_pool2d_with_indices.default(%x, [2, 2]) return (%i) }",
                 {F32({1, 1, 2, 2}, kNans)}),
             {2}, "NaNs");
  ExpectNear(FirstOutput(kWhole + "aten.adaptive_max_pool2d.default(%x, [1, 1]) return (%i) }",
                 {F32({1, 1, 2, 2}, kNans)}),
             {2}, "NaNs of a cell");
  ExpectNear(FirstOutput(kWhole + "aten.max_pool2d_with_indices.default(%x, [2, 2]) return (%i) }",
                 {F32({1, 1, 2, 2}, {0, 3, 3, 1})}),
             {1}, "equals");
  // Where all are the least: the first that lies inside, which the window's gaps may pass over.
  ExpectNear(FirstOutput("graph g(%x: f32[1, 1, 3, 1]) { %v, %i = "
                 "aten.max_pool2d_with_indices.default(%x, [2, 1], [1, 1], [1, 0], [2, 1]) return (%i) }",
                 {F32({1, 1, 3, 1}, {-INFINITY, -INFINITY, -INFINITY})}),
             {1, 0, 1}, "gaps");
}

TEST(LowerMatmulTest, OperandsGoAsWindows) {
  const char* kText =
      "graph g(%a: f32[2, 3], %b: f32[2, 3], %c: f32[2]) {"
      " %t = aten.t.default(%b) %r = aten.addmm.default(%c, %a, %t) return (%r) }";
  auto lowered = LowerText(kText);
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  EXPECT_EQ((*lowered)->program.steps.size(), 1);
  EXPECT_THAT(FirstOutput(kText, {F32({2, 3}, {1, 2, 3, 4, 5, 6}), F32({2, 3}, {1, 0, 0, 0, 1, 0}), F32({2}, {10, 20})}),
              ElementsAre(11, 22, 14, 25));
}

TEST(LowerMatmulTest, ASumThatALoopReadsIsApartFromItsProduct) {
  const char* kText =
      "graph g(%a: f32[2, 3], %b: f32[2, 3], %c: f32[2]) {"
      " %t = aten.t.default(%b) %r = aten.addmm.default(%c, %a, %t) %v = aten.view.default(%r, [4])"
      " %n = aten.neg.default(%v) return (%n) }";
  auto lowered = LowerText(kText);
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  EXPECT_THAT(PrintLoopProgram((*lowered)->program), HasSubstr("extern aten.mm.out into"));
  EXPECT_THAT(FirstOutput(kText, {F32({2, 3}, {1, 2, 3, 4, 5, 6}), F32({2, 3}, {1, 0, 0, 0, 1, 0}), F32({2}, {10, 20})}),
              ElementsAre(-11, -22, -14, -25));
}

TEST(LowerMatmulTest, ASumOfBatchesIsApartToo) {
  const char* kText =
      "graph g(%a: f32[1, 1, 3], %b: f32[1, 3, 2], %c: f32[1, 1, 2]) {"
      " %r = aten.baddbmm.default(%c, %a, %b) %n = aten.neg.default(%r) return (%n) }";
  auto lowered = LowerText(kText);
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  EXPECT_THAT(PrintLoopProgram((*lowered)->program), HasSubstr("extern aten.bmm.out into"));
  EXPECT_THAT(FirstOutput(kText, {F32({1, 1, 3}, {1, 2, 3}), F32({1, 3, 2}, {1, 0, 0, 1, 0, 0}), F32({1, 1, 2}, {10, 20})}),
              ElementsAre(-11, -22));
}

TEST(LowerMatmulTest, ASumWithFactorsOrOfRoundedTypesStaysOneCall) {
  for (const char* text :
       {"graph g(%a: f32[2, 3], %b: f32[3, 2], %c: f32[2]) {"
        " %r = aten.addmm.default(%c, %a, %b, beta=2) %n = aten.neg.default(%r) return (%n) }",
        "graph g(%a: bf16[2, 3], %b: bf16[3, 2], %c: bf16[2]) {"
        " %r = aten.addmm.default(%c, %a, %b) %n = aten.neg.default(%r) return (%n) }",
        "graph g(%a: f32[2, 3], %b: f32[3, 2], %c: f32[2]) {"
        " %r = aten.addmm.default(%c, %a, %b) %v, %i = aten.sort.default(%r) return (%v) }"}) {
    auto lowered = LowerText(text);
    ASSERT_TRUE(lowered.ok()) << lowered.status();
    EXPECT_THAT(PrintLoopProgram((*lowered)->program), HasSubstr("extern aten.addmm.out into")) << text;
  }
}

TEST(LowerEpiloguesTest, ByItselfAnActivationOfAConvolutionInChannelsLast) {
  struct Case {
    const char* strides;
    const char* after;
    const char* call;
  };
  for (const Case& c : {Case{"strides=[192, 1, 24, 3]", "aten.silu.default(%c)", "extern mkldnn._convolution_pointwise.default"},
                        Case{"strides=[192, 64, 8, 1]", "aten.silu.default(%c)", "extern aten.convolution.default"},
                        Case{"strides=[192, 1, 24, 3]", "aten.relu.default(%c)", "extern aten.convolution.default"},
                        Case{"strides=[192, 1, 24, 3]", "aten.add.Tensor(%c, %z)", "extern aten.convolution.default"}}) {
    const std::string text =
        absl::StrCat("graph g(%x: f32[2, 3, 8, 8] ", c.strides, ", %w: f32[5, 3, 3, 3],"
                     " %z: f32[2, 5, 8, 8] strides=[320, 1, 40, 5]) {"
                     " %c = aten.convolution.default(%x, %w, none, [1, 1], [1, 1], [1, 1], false, [0, 0], 1)"
                     " %y = ", c.after, " return (%y) }");
    auto lowered = LowerText(text, {}, {.library_epilogues = true});
    ASSERT_TRUE(lowered.ok()) << lowered.status();
    EXPECT_THAT(PrintLoopProgram((*lowered)->program), HasSubstr(c.call)) << text;
  }
}

TEST(LowerEpiloguesTest, OnlyWhatTheGraphLeavesAloneIsAPackedWeight) {
  struct Case {
    const char* text;
    const char* op;
  };
  for (const Case& c :
       {Case{"graph g(%x: bf16[8, 16], %w: bf16[4, 16] parameter) {"
             " %t = aten.t.default(%w) %r = aten.mm.default(%x, %t) return (%r) }",
             "extern mkldnn._linear_pointwise.default node=1 (b0: bf16[8, 16] strides=[16, 1] offset=0,"
             " b1: bf16[4, 16] strides=[16, 1] offset=0, none, \"none\", [], \"\")"},
        Case{"graph g(%x: bf16[8, 16], %w: bf16[16, 4]) { %r = aten.mm.default(%x, %w) return (%r) }",
             "extern aten.mm.out into"},
        Case{"graph g(%x: f32[8, 16], %w: f32[16, 4] parameter) { %r = aten.mm.default(%x, %w) return (%r) }",
             "extern aten.mm.out into"},
        Case{"graph g(%x: bf16[8, 16], %w: bf16[16, 4] buffer) { %r = aten.mm.default(%x, %w) %n = aten.neg.default(%w)"
             " %c = aten.copy_.default(%w, %n) return (%r) }",
             "extern aten.mm.out into"}}) {
    auto lowered = LowerText(c.text, {}, {.pack_weights = true, .library_bfloat16 = true});
    ASSERT_TRUE(lowered.ok()) << lowered.status();
    EXPECT_THAT(PrintLoopProgram((*lowered)->program), HasSubstr(c.op)) << c.text;
  }
}

TEST(LowerEpiloguesTest, BFloat16IsTheLibrarysOnlyWhereItHasIt) {
  const char* kText =
      "graph g(%x: bf16[8, 16], %w: bf16[16, 4]) {"
      " %r = aten.mm.default(%x, %w) %y = aten.relu.default(%r) return (%y) }";
  for (bool has_bfloat16 : {false, true}) {
    auto lowered = LowerText(kText, {}, {.all_epilogues = true, .library_bfloat16 = has_bfloat16});
    ASSERT_TRUE(lowered.ok()) << lowered.status();
    EXPECT_THAT(PrintLoopProgram((*lowered)->program),
                HasSubstr(has_bfloat16 ? "extern mkldnn._linear_pointwise.default" : "extern aten.mm.out"));
  }
}

TEST(LowerOutputsTest, EachOutputIsBoundAsItAliases) {
  auto lowered = LowerText(
      "graph g(%x: f32[2, 3], %n: int = s0) {"
      " %t = aten.t.default(%x) %y = aten.neg.default(%x) %v = aten.view.default(%y, [6])"
      " %z = aten.exp.default(%x) %p = aten.select.int(%z, 0, 1)"
      " return (%x, %t, %y, %v, %p, %n, none, 3) }",
      {{"s0", 5}});
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  std::string text = PrintLoopProgram((*lowered)->program);
  EXPECT_THAT(text, HasSubstr("return input 0\n"));
  EXPECT_THAT(text, HasSubstr("return view of 0 b0: f32[3, 2] strides=[1, 3] offset=0"));
  EXPECT_THAT(text, HasSubstr("return new b1: f32[2, 3] strides=[3, 1] offset=0"));
  EXPECT_THAT(text, HasSubstr("return output_view of 2 b1: f32[6] strides=[1] offset=0"));
  EXPECT_THAT(text, HasSubstr("return new b3: f32[3] strides=[1] offset=0"));
  EXPECT_THAT(text, HasSubstr("return scalar s0\n"));
  EXPECT_THAT(text, HasSubstr("return none\n"));
  EXPECT_THAT(text, HasSubstr("return scalar 3\n"));
}

TEST(LowerOutputsTest, AnExternResultIsTheHosts) {
  auto lowered = LowerText(
      "graph g(%x: f32[4]) { %v, %i = aten.sort.default(%x) %r = aten.neg.default(%v) return (%i, %r) }");
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  std::string text = PrintLoopProgram((*lowered)->program);
  EXPECT_THAT(text, HasSubstr("extern aten.sort.default node=0 (b0: f32[4] strides=[1] offset=0, -1, false)"));
  EXPECT_THAT(text, HasSubstr("return view of -1 b2: i64[4] strides=[1] offset=0"));
}

TEST(LowerToLoopsTest, AMissingExternOpNamesTheNode) {
  auto lowered = LowerText("graph g(%x: f32[4]) { %r = aten.neg.default(%x) return (%r) }");
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  auto sorted = LowerText("graph g(%x: f32[4]) { %v, %i = aten.sort.default(%x) return (%v) }");
  ASSERT_TRUE(sorted.ok()) << sorted.status();
  absl::StatusOr<LoopProgram> program = LowerToLoops((*sorted)->fake, {});
  EXPECT_EQ(GetErrorReason(program.status()), ErrorReason::kExternOpMissing);
  EXPECT_THAT(std::string(program.status().message()), HasSubstr("node 0 (aten.sort.default)"));
}

TEST(LowerToLoopsTest, ACopyIntoAnInputWritesItsMemory) {
  PlainTensor x = F32({2}, {1, 2});
  Doubles got = FirstOutput("graph g(%x: f32[2]) { %y = aten.add.Tensor(%x, 1) %c = aten.copy_.default(%x, %y) return (%y) }",
                    {x});
  EXPECT_THAT(got, ElementsAre(2, 3));
  EXPECT_THAT(x.Values(), ElementsAre(2, 3));
}

TEST(LowerToLoopsTest, AnInPlaceOperatorWritesItsArgument) {
  PlainTensor x = F32({2}, {1, 2});
  Doubles got = FirstOutput("graph g(%x: f32[2]) { %y = aten.add_.Tensor(%x, 1) %z = aten.mul.Tensor(%x, 10) return (%z) }",
                            {x});
  EXPECT_THAT(got, ElementsAre(20, 30));
  EXPECT_THAT(x.Values(), ElementsAre(2, 3));
}

TEST(LowerToLoopsTest, WhatNothingUsesMakesNoCode) {
  auto lowered = LowerText("graph g(%x: f32[4]) { %y = aten.exp.default(%x) return (%x) }");
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  EXPECT_TRUE((*lowered)->program.steps.empty());
}

}  // namespace
}  // namespace kiln
