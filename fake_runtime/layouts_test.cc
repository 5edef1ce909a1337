// Layouts that real models showed: copies that keep gaps and offsets, dimensions of
// size 1, and products of groups on CUDA. Expected values are PyTorch 2.13's.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

// "[4, 3] strides [8, 1] offset 2" of the value %r, or the error.
std::string Layout(const std::string& inputs, const std::string& node) {
  ExprPool pool;
  absl::StatusOr<Graph> graph =
      ParseGraph(absl::StrCat("graph g(", inputs, ") { %r = ", node, " return () }"), &pool, FindOpSchema);
  if (!graph.ok()) return std::string(graph.status().message());
  absl::StatusOr<FakeGraph> fake = Propagate(*std::move(graph), &pool);
  if (!fake.ok()) return std::string(fake.status().message());
  const FakeTensor& t = std::get<FakeTensor>(fake->values.back());
  return absl::StrCat(DimsText(t.sizes), " strides ", DimsText(t.strides), " offset ", t.storage_offset.ToString());
}

TEST(LayoutsTest, CopiesOfAWholeMemoryKeepGapsAndOffset) {
  const std::string gaps = "%a: f32[4, 3] strides=[8, 1] offset=2, %b: f32[4, 3], %c: f32[2, 3]";
  EXPECT_EQ(Layout(gaps, "aten.copy.default(%a, %b)"), "[4, 3] strides [8, 1] offset 2");
  EXPECT_EQ(Layout(gaps, "aten.slice_scatter.default(%a, %c, 0, 0, 2)"), "[4, 3] strides [8, 1] offset 2");
}

TEST(LayoutsTest, CopiesOfRepeatedElementsAreDense) {
  EXPECT_EQ(Layout("%a: f32[4, 3] strides=[0, 1], %b: f32[4, 3]", "aten.copy.default(%a, %b)"),
            "[4, 3] strides [3, 1] offset 0");
  EXPECT_EQ(Layout("%a: f32[1, 3] strides=[0, 1], %b: f32[1, 3]", "aten.copy.default(%a, %b)"),
            "[1, 3] strides [0, 1] offset 0");
}

TEST(LayoutsTest, ScattersLayTheirResultsOutAnewWhereFillsKeepStrides) {
  const std::string transposed = "%x: f32[5, 2] strides=[1, 5], %i: i64[3, 2], %v: f32[3, 2], %rows: i64[3]";
  const char* anew = "[5, 2] strides [2, 1] offset 0";
  EXPECT_EQ(Layout(transposed, "aten.scatter_add.default(%x, 0, %i, %v)"), anew);
  EXPECT_EQ(Layout(transposed, "aten.scatter.value(%x, 0, %i, 1.0)"), anew);
  EXPECT_EQ(Layout(transposed, "aten.index_add.default(%x, 0, %rows, %v)"), anew);
  EXPECT_EQ(Layout(transposed, "aten.index_copy.default(%x, 0, %rows, %v)"), anew);
  EXPECT_EQ(Layout(transposed, "aten.index_fill.int_Scalar(%x, 0, %rows, 1.0)"), "[5, 2] strides [1, 5] offset 0");
}

TEST(LayoutsTest, StridesOfDimensionsOfSizeOneHaveASayInTheOrder) {
  EXPECT_EQ(Layout("%a: f32[2, 3, 1, 4] strides=[12, 1, 99, 3], %b: f32[2, 3, 1, 4] strides=[12, 4, 4, 1]",
                   "aten.add.Tensor(%a, %b)"),
            "[2, 3, 1, 4] strides [12, 1, 24, 3] offset 0");
  EXPECT_EQ(Layout("%a: f32[2, 1, 4] strides=[4, 9, 1], %b: f32[2, 1, 4] strides=[1, 1, 2]", "aten.add.Tensor(%a, %b)"),
            "[2, 1, 4] strides [4, 8, 1] offset 0");
}

TEST(LayoutsTest, DimensionsThatAreRepeatedHaveNone) {
  EXPECT_EQ(Layout("%a: f32[2, 1, 4] strides=[1, 50, 2], %b: f32[2, 3, 4]", "aten.add.Tensor(%a, %b)"),
            "[2, 3, 4] strides [12, 4, 1] offset 0");
  EXPECT_EQ(Layout("%a: f32[2, 1, 4] strides=[1, 8, 2], %b: f32[1, 1, 4] strides=[1, 1, 1]", "aten.add.Tensor(%a, %b)"),
            "[2, 1, 4] strides [1, 8, 2] offset 0");
}

TEST(LayoutsTest, WhatIsKeptBesideAnEmptyDimensionHasNoStrideWhereTheFakeModeUnsqueezes) {
  const std::string input = "%a: f32[5, 0, 3]";
  EXPECT_EQ(Layout(input, "aten.amax.default(%a, [0], true)"), "[1, 0, 3] strides [0, 3, 1] offset 0");
  EXPECT_EQ(Layout(input, "aten.linalg_vector_norm.default(%a, 1, [0], true)"), "[1, 0, 3] strides [0, 3, 1] offset 0");
  EXPECT_EQ(Layout(input, "aten.linalg_vector_norm.default(%a, 2, [0], true)"), "[1, 0, 3] strides [3, 3, 1] offset 0");
  EXPECT_EQ(Layout("%a: f32[1, 0, 3]", "aten.linalg_vector_norm.default(%a, 1, [0], true)"),
            "[1, 0, 3] strides [3, 3, 1] offset 0");
}

TEST(LayoutsTest, OfAMatrixWithoutRowsWhatWasAddedKeepsItsSizes) {
  const std::string operands = ", %m: f32[0, 3], %v: f32[3]";
  EXPECT_EQ(Layout("%a: f32[]" + operands, "aten.addmv.default(%a, %m, %v)"), "[] strides [] offset 0");
  EXPECT_EQ(Layout("%a: f32[1]" + operands, "aten.addmv.default(%a, %m, %v)"), "[1] strides [1] offset 0");
  EXPECT_EQ(Layout("%a: f32[]" + operands, "aten.addmv.default(%a, %m, %v, beta=0)"), "[0] strides [1] offset 0");
  EXPECT_EQ(Layout("%a: f32[], %m: f32[4, 0], %v: f32[0]", "aten.addmv.default(%a, %m, %v)"), "[4] strides [1] offset 0");
}

TEST(LayoutsTest, WhatIsTurnedWasLaidOutBefore) {
  const std::string empty = "%a: f32[1, 0, 3]";
  EXPECT_EQ(Layout(empty, "aten.rot90.default(%a, 1, [1, 2])"), "[1, 3, 0] strides [3, 1, 3] offset 0");
  EXPECT_EQ(Layout(empty, "aten.rot90.default(%a, -5, [1, -1])"), "[1, 3, 0] strides [3, 1, 3] offset 0");
  EXPECT_EQ(Layout(empty, "aten.rot90.default(%a, 2, [1, 2])"), "[1, 0, 3] strides [3, 3, 1] offset 0");
  EXPECT_EQ(Layout("%a: f32[2, 3] strides=[1, 2]", "aten.rot90.default(%a, 4)"), "[2, 3] strides [3, 1] offset 0");
}

TEST(LayoutsTest, SomeOperatorsForgetTheOrderOfTheirInput) {
  EXPECT_EQ(Layout("%a: f32[2, 5, 5] strides=[25, 1, 5]", "aten.renorm.default(%a, 2, 2, 0.5)"),
            "[2, 5, 5] strides [25, 5, 1] offset 0");
  const std::string weight = ", %w: f32[2, 2, 3] strides=[6, 1, 2]";
  EXPECT_EQ(Layout("%a: f32[3, 4, 8]" + weight,
                   "aten.convolution.default(%a, %w, none, [3], [1], [2], false, [0], 2)"),
            "[3, 2, 2] strides [4, 1, 2] offset 0");
  EXPECT_EQ(Layout("%a: f32[0, 4, 8]" + weight,
                   "aten.convolution.default(%a, %w, none, [3], [1], [2], false, [0], 2)"),
            "[0, 2, 2] strides [4, 2, 1] offset 0");
}

TEST(LayoutsTest, ProductsOfGroupsHavePaddedRowsOnCuda) {
  const std::string cuda = " device=cuda:0";
  const std::string inputs = absl::StrCat("%a: bf16[32, 16]", cuda, ", %b: bf16[4, 16, 20] strides=[384, 24, 1]", cuda,
                                          ", %o: i32[4]", cuda);
  EXPECT_EQ(Layout(inputs, "aten._grouped_mm.default(%a, %b, %o)"), "[32, 20] strides [24, 1] offset 0");
}

}  // namespace
}  // namespace kiln
