#include "compiler/layout/choose_layouts.h"

#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

// The operators of the result, each with "nhwc" if its first result lies so.
// `convolve(%x, %w)` in the text is a convolution that keeps an image's size.
absl::StatusOr<std::vector<std::string>> Laid(const std::string& text,
                                             const LayoutOptions& options = {.move_weights = false}) {
  static const std::regex convolve("convolve\\((%\\w+), (%\\w+)\\)");
  const std::string whole = std::regex_replace(
      text, convolve, "aten.convolution.default($1, $2, none, [1, 1], [1, 1], [1, 1], false, [0, 0], 1)");
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, ParseGraph(whole, &pool, FindOpSchema));
  KILN_ASSIGN_OR_RETURN(FakeGraph fake, Propagate(std::move(graph), &pool));
  const size_t guards = fake.env->Guards().size();
  KILN_ASSIGN_OR_RETURN(Decomposed decomposed, Decompose(std::move(fake), options.eager_random));
  KILN_ASSIGN_OR_RETURN(Decomposed laid, ChooseLayouts(std::move(decomposed), options));
  EXPECT_EQ(laid.fake.env->Guards().size(), guards);
  EXPECT_EQ(laid.origins.size(), laid.fake.graph.nodes.size());
  std::vector<std::string> ops;
  for (const Node& node : laid.fake.graph.nodes) {
    const FakeTensor* t = std::get_if<FakeTensor>(&laid.fake.values[node.outputs[0].values[0].value]);
    const bool is_moved = t != nullptr && t->rank() == 4 && KnownChannelsLast(*laid.fake.env, *t);
    ops.push_back(absl::StrCat(node.op->name, is_moved ? " nhwc" : ""));
  }
  return ops;
}

TEST(ChooseLayoutsTest, AChainOfConvolutionsKeepsItsChannelsTogether) {
  auto ops = Laid(R"(graph g(%x: f32[2, 8, 12, 12], %w: f32[8, 8, 3, 3], %v: f32[8, 8, 3, 3]) {
    %a = convolve(%x, %w)
    %b = aten.relu.default(%a)
    %c = convolve(%b, %v)
    %d = aten.add.Tensor(%c, %b)
    %e = aten.mean.dim(%d, [2, 3])
    return (%e)
  })");
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_THAT(*ops, ElementsAre("aten.clone.default nhwc", "aten.convolution.default nhwc", "aten.relu.default nhwc",
                                "aten.convolution.default nhwc", "aten.add.Tensor nhwc", "aten.mean.dim"));
}

TEST(ChooseLayoutsTest, WhatTheHostDrawsForLiesAsItWas) {
  const std::string text = R"(graph g(%x: f32[2, 8, 12, 12], %w: f32[8, 8, 3, 3]) {
    %a = convolve(%x, %w)
    %b = aten.rand_like.default(%a)
    %c = aten.amax.default(%b, [2, 3])
    return (%c)
  })";
  auto ours = Laid(text);
  ASSERT_TRUE(ours.ok()) << ours.status();
  EXPECT_THAT(*ours, ElementsAre("aten.clone.default nhwc", "aten.convolution.default nhwc", "aten.rand_like.default nhwc",
                                 "aten.amax.default"));
  auto hosts = Laid(text, {.eager_random = true, .move_weights = false});
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  EXPECT_THAT(*hosts, ElementsAre("aten.convolution.default", "aten.rand_like.default", "aten.amax.default"));
}

TEST(ChooseLayoutsTest, WeightsOfWindowsAreMovedUnlessTheHostPacksThem) {
  auto ops = Laid(R"(graph g(%x: f32[2, 8, 12, 12], %w: f32[8, 8, 3, 3], %v: f32[8, 8, 1, 1]) {
    %a = convolve(%x, %w)
    %b = convolve(%a, %v)
    %c = convolve(%b, %w)
    %d = aten.amax.default(%c, [1])
    return (%d)
  })",
                  {.move_weights = true});
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_THAT(*ops, ElementsAre("aten.clone.default nhwc", "aten.clone.default nhwc", "aten.convolution.default nhwc",
                                "aten.convolution.default nhwc", "aten.convolution.default nhwc", "aten.amax.default"));
}

TEST(ChooseLayoutsTest, SymbolicSizesAreLaidOutToo) {
  auto ops = Laid(R"(graph g(%x: f32[s0=2, 8, s1=12, s1], %w: f32[8, 8, 3, 3]) {
    %a = convolve(%x, %w)
    %b = aten.relu.default(%a)
    %c = aten.amax.default(%b, [2, 3])
    return (%c)
  })");
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_THAT(*ops, ElementsAre("aten.clone.default nhwc", "aten.convolution.default nhwc", "aten.relu.default nhwc",
                                "aten.amax.default"));
}

TEST(ChooseLayoutsTest, ConvolutionsOfOneImageShareItsClone) {
  auto ops = Laid(R"(graph g(%x: f32[2, 8, 12, 12], %w: f32[8, 8, 3, 3], %v: f32[8, 8, 3, 3]) {
    %a = convolve(%x, %w)
    %b = convolve(%x, %v)
    %c = aten.mul.Tensor(%a, %b)
    %d = aten.amax.default(%c, [1])
    return (%d)
  })");
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_THAT(*ops, ElementsAre("aten.clone.default nhwc", "aten.convolution.default nhwc",
                                "aten.convolution.default nhwc", "aten.mul.Tensor nhwc", "aten.amax.default"));
}

TEST(ChooseLayoutsTest, AnImageThatIsWrittenInBetweenIsClonedAgain) {
  auto ops = Laid(R"(graph g(%x: f32[2, 8, 12, 12], %w: f32[8, 8, 3, 3], %v: f32[8, 8, 3, 3]) {
    %a = convolve(%x, %w)
    %n = aten.relu_.default(%x)
    %b = convolve(%x, %v)
    %c = aten.mul.Tensor(%a, %b)
    %d = aten.amax.default(%c, [1])
    return (%d)
  })");
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_THAT(*ops, ElementsAre("aten.clone.default nhwc", "aten.convolution.default nhwc", "aten.relu.default",
                                "aten.copy_.default", "aten.clone.default nhwc", "aten.convolution.default nhwc",
                                "aten.mul.Tensor nhwc", "aten.amax.default"));
}

TEST(ChooseLayoutsTest, WhatSpeaksOfStorageStays) {
  auto ops = Laid(R"(graph g(%x: f32[2, 8, 12, 12], %w: f32[8, 8, 3, 3], %s: f32[4]) {
    %a = convolve(%x, %w)
    %b = aten.relu.default(%a)
    %c = aten.as_strided_scatter.default(%b, %s, [4], [2], 1)
    %d = aten.amax.default(%c, [1])
    return (%d)
  })");
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_THAT(*ops, ElementsAre("aten.clone.default nhwc", "aten.convolution.default nhwc", "aten.relu.default",
                                "aten.as_strided_scatter.default", "aten.amax.default"));
}

TEST(ChooseLayoutsTest, WhatOthersWerePromisedStays) {
  // Outputs, as activations that training saves are.
  auto outputs = Laid(R"(graph g(%x: f32[2, 8, 12, 12], %w: f32[8, 8, 3, 3]) {
    %a = convolve(%x, %w)
    %b = aten.relu.default(%a)
    return (%a, %b)
  })");
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT(*outputs, ElementsAre("aten.convolution.default", "aten.relu.default"));
  // Views.
  auto views = Laid(R"(graph g(%x: f32[2, 8, 12, 12], %w: f32[8, 8, 3, 3]) {
    %a = convolve(%x, %w)
    %b = aten.view.default(%a, [2, 1152])
    %c = aten.exp.default(%b)
    return (%c)
  })");
  ASSERT_TRUE(views.ok()) << views.status();
  EXPECT_THAT(*views, ElementsAre("aten.convolution.default", "aten.view.default", "aten.exp.default"));
}

TEST(ChooseLayoutsTest, AResultThatWasPromisedIsCopiedOutOfAChain) {
  auto ops = Laid(R"(graph g(%x: f32[2, 8, 12, 12], %w: f32[8, 8, 3, 3], %v: f32[8, 8, 3, 3]) {
    %a = convolve(%x, %w)
    %b = aten.relu.default(%a)
    %c = convolve(%b, %v)
    return (%c)
  })");
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_THAT(*ops, ElementsAre("aten.clone.default nhwc", "aten.convolution.default nhwc", "aten.relu.default nhwc",
                                "aten.convolution.default nhwc", "aten.clone.default"));
}

TEST(ChooseLayoutsTest, OthersThanConvolutionsOfImagesAreLeftAlone) {
  auto transposed = Laid(R"(graph g(%x: f32[2, 8, 12, 12], %w: f32[8, 8, 3, 3]) {
    %a = aten.convolution.default(%x, %w, none, [1, 1], [1, 1], [1, 1], true, [0, 0], 1)
    %b = aten.amax.default(%a, [1])
    return (%b)
  })");
  ASSERT_TRUE(transposed.ok()) << transposed.status();
  EXPECT_THAT(*transposed, ElementsAre("aten.convolution.default", "aten.amax.default"));
  auto line = Laid(R"(graph g(%x: f32[2, 8, 12], %w: f32[8, 8, 3]) {
    %a = aten.convolution.default(%x, %w, none, [1], [1], [1], false, [0], 1)
    %b = aten.amax.default(%a, [1])
    return (%b)
  })");
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_THAT(*line, ElementsAre("aten.convolution.default", "aten.amax.default"));
}

}  // namespace
}  // namespace kiln
