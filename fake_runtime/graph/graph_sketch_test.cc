#include "fake_runtime/graph/graph_sketch.h"

#include "absl/strings/str_cat.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/graph/testing/random_graph.h"
#include "fake_runtime/graph/testing/test_schemas.h"
#include "fake_runtime/graph/text_form.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

GraphSketch OfText(absl::string_view text) {
  ExprPool pool;
  return SketchGraph(ParseGraph(text, &pool, FindTestSchema).value());
}

GraphSketch OfRandom(uint32_t seed) {
  ExprPool pool;
  return SketchGraph(Canonicalize(RandomGraph(seed, 60, &pool), &pool)->graph);
}

TEST(GraphSketchTest, SizesLiteralsAndNamesDoNotCount) {
  const GraphSketch small = OfText("graph f(%a: f32[8, 4]) { %b = aten.mul.Tensor(%a, 0.5) return (%b) }");
  EXPECT_EQ(small, OfText("graph g(%x: f32[s0, 36]) { %y = aten.mul.Tensor(%x, 7.0)  # x.py:3\n return (%y) }"));
}

TEST(GraphSketchTest, OperatorsEdgesCountsAndInputsCount) {
  const char* const kTexts[] = {
      "graph f(%a: f32[4]) { %b = aten.relu.default(%a) return (%b) }",
      "graph f(%a: f32[4]) { %b = aten.neg.default(%a) return (%b) }",
      "graph f(%a: f32[4]) { %b = aten.relu.default(%a) %c = aten.relu.default(%b) return (%c) }",
      "graph f(%a: f32[4]) { %b = aten.relu.default(%a) %c = aten.relu.default(%a) return (%b, %c) }",
      "graph f(%a: i64[4]) { %b = aten.relu.default(%a) return (%b) }",
      "graph f(%a: f32[4, 4]) { %b = aten.relu.default(%a) return (%b) }",
      "graph f(%a: f32[4] parameter) { %b = aten.relu.default(%a) return (%b) }",
  };
  for (const char* a : kTexts) {
    for (const char* b : kTexts) EXPECT_EQ(OfText(a) == OfText(b), a == b) << a << "\n" << b;
  }
}

TEST(GraphSketchTest, ADisguiseHasTheSameSketch) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    ExprPool pool;
    const Graph graph = RandomGraph(seed, 60, &pool);
    EXPECT_EQ(SketchGraph(Canonicalize(graph, &pool)->graph),
              SketchGraph(Canonicalize(Disguise(graph, seed + 9, &pool), &pool)->graph));
  }
}

// The estimate is held against what it estimates: longer common prefixes of a chain are more alike.
TEST(GraphSketchTest, WhatHasMoreInCommonIsLiker) {
  auto chain = [](int relus, int negs) {
    std::string text = "graph f(%v0: f32[4]) {\n";
    for (int i = 0; i < relus + negs; ++i) {
      absl::StrAppend(&text, "%v", i + 1, " = aten.", i < relus ? "relu" : "neg", ".default(%v", i, ")\n");
    }
    return OfText(absl::StrCat(text, "return (%v", relus + negs, ") }"));
  };
  const GraphSketch whole = chain(100, 0);
  EXPECT_EQ(SketchLikeness(whole, whole), kSketchWords);
  const int near = SketchLikeness(whole, chain(95, 5));
  const int far = SketchLikeness(whole, chain(20, 80));
  EXPECT_GT(near, kSketchWords / 2);
  EXPECT_LT(far, kSketchWords / 2);
}

TEST(GraphSketchTest, WordsAreTheSameInEveryBuild) {
  // Kept in records: a change of these makes the nearest entry of old ones be missed.
  const GraphSketch sketch = OfText("graph f(%a: f32[4]) { %b = aten.relu.default(%a) return (%b) }");
  EXPECT_EQ(sketch, OfText("graph f(%a: f32[4]) { %b = aten.relu.default(%a) return (%b) }"));
  EXPECT_EQ(sketch[0], 0x4036e38au);
  EXPECT_NE(OfRandom(1), OfRandom(2));
}

}  // namespace
}  // namespace kiln
