#include "clients/cpp/varying_sizes.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fake_runtime/graph/testing/test_schemas.h"
#include "fake_runtime/graph/text_form.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

class VaryingSizesTest : public ::testing::Test {
 protected:
  // A graph that adds inputs of these types to themselves.
  Graph Adding(const std::string& inputs) {
    absl::StatusOr<Graph> graph =
        ParseGraph(absl::StrCat("graph g(", inputs, ") {\n  %y = aten.add.Tensor(%x, %x)\n  return (%y)\n}"), &pool_,
                   FindTestSchema);
    EXPECT_TRUE(graph.ok()) << graph.status();
    return *std::move(graph);
  }

  Digest Skeleton(const std::string& inputs) {
    absl::StatusOr<Digest> skeleton = SkeletonOf(Adding(inputs), &pool_);
    EXPECT_TRUE(skeleton.ok()) << skeleton.status();
    return *skeleton;
  }

  // The first line of the graph when dimension `dim` of input 0 varies.
  std::string Varying(const std::string& inputs, int dim) {
    v1::ProfileShapesResponse::Subject shapes;
    auto& noted = *shapes.add_dims();
    noted.set_source("input 0");
    noted.set_dim(dim);
    noted.set_varies(true);
    absl::StatusOr<Graph> graph = MakeVaryingSymbolic(Adding(inputs), shapes, &pool_);
    EXPECT_TRUE(graph.ok()) << graph.status();
    for (const SymbolDeclaration& symbol : graph->symbols) hints_.push_back(symbol.hint.value_or(-1));
    const std::string text = PrintGraph(*graph);
    return text.substr(0, text.find_first_of("{\n"));
  }

  ExprPool pool_;
  // Of the symbols of what Varying() made.
  std::vector<int64_t> hints_;
};

TEST_F(VaryingSizesTest, SkeletonsAreThoseOfOtherSizes) {
  EXPECT_EQ(Skeleton("%x: f32[8, 16]"), Skeleton("%x: f32[9, 300]"));
  EXPECT_EQ(Skeleton("%x: f32[2, 3, 4, 5] strides=[60, 1, 15, 3]"), Skeleton("%x: f32[6, 7, 8, 9] strides=[504, 1, 63, 7]"));
}

TEST_F(VaryingSizesTest, SkeletonsDifferInWhatIsNoSize) {
  const Digest skeleton = Skeleton("%x: f32[8, 16]");
  EXPECT_NE(skeleton, Skeleton("%x: f64[8, 16]"));
  EXPECT_NE(skeleton, Skeleton("%x: f32[8]"));
  EXPECT_NE(skeleton, Skeleton("%x: f32[8, 16] strides=[1, 8]"));
  // One broadcasts: a case of its own.
  EXPECT_NE(skeleton, Skeleton("%x: f32[1, 16]"));
}

TEST_F(VaryingSizesTest, WhatVariesBecomesASymbolWithItsSizeAsHint) {
  EXPECT_EQ(Varying("%x: f32[8, 16]", 0), "graph g(%x: f32[s0, 16])");
  EXPECT_EQ(Varying("%x: f32[8, 16]", 1), "graph g(%x: f32[8, s0])");
  EXPECT_THAT(hints_, ElementsAre(8, 16));
}

TEST_F(VaryingSizesTest, TensorsWithSymbolsStayAsTheyAre) {
  EXPECT_EQ(Varying("%x: f32[8, s0=4]", 0), "graph g(%x: f32[8, s0])");
}

TEST_F(VaryingSizesTest, StaticDimensionsStay) {
  EXPECT_EQ(Varying("%x: f32[8, 16] policies=[static, automatic]", 0),
            "graph g(%x: f32[8, 16] policies=[static, automatic]) ");
}

TEST_F(VaryingSizesTest, ZeroAndOneStayNumbers) {
  EXPECT_EQ(Varying("%x: f32[1, 16]", 0), "graph g(%x: f32[1, 16]) ");
  EXPECT_EQ(Varying("%x: f32[0, 16]", 0), "graph g(%x: f32[0, 16]) ");
}

TEST_F(VaryingSizesTest, StridesOfDenseTensorsFollow) {
  EXPECT_EQ(Varying("%x: f32[8, 16] strides=[1, 8]", 0), "graph g(%x: f32[s0, 16] strides=[1, s0])");
  // A row is wider than what the tensor sees of it.
  EXPECT_EQ(Varying("%x: f32[8, 16] strides=[20, 1]", 1), "graph g(%x: f32[8, s0] strides=[20, 1])");
}

TEST_F(VaryingSizesTest, ParametersAreNotObserved) {
  EXPECT_EQ(ObserveSizes(Adding("%x: f32[8, 16] parameter")).size(), 0);
  EXPECT_EQ(ObserveSizes(Adding("%x: f32[8, 16]")).size(), 1);
}

}  // namespace
}  // namespace kiln
