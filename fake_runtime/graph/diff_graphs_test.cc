#include "fake_runtime/graph/diff_graphs.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/graph/diff_signatures.h"
#include "fake_runtime/graph/graph_builder.h"
#include "fake_runtime/graph/testing/mutate_one.h"
#include "fake_runtime/graph/testing/random_graph.h"
#include "fake_runtime/graph/testing/test_schemas.h"
#include "fake_runtime/graph/text_form.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = GraphDifference::Kind;

constexpr size_t kMany = 16;

std::string Text(const GraphDifference& d) { return absl::StrCat(d.what, ": ", d.yours, " | ", d.theirs); }

std::vector<std::string> Texts(const std::vector<GraphDifference>& differences) {
  std::vector<std::string> texts;
  for (const GraphDifference& d : differences) texts.push_back(Text(d));
  return texts;
}

CanonicalGraph CanonicalOf(const Graph& graph, ExprPool& pool) {
  CanonicalGraph canonical = Canonicalize(graph, &pool).value();
  for (size_t n = 0; n < canonical.graph.nodes.size(); ++n) {
    canonical.graph.nodes[n].location = graph.nodes[canonical.original_node[n]].location;
  }
  return canonical;
}

std::vector<GraphDifference> Diff(const CanonicalGraph& yours, const CanonicalGraph& theirs) {
  return DiffGraphs({&yours.graph, yours.original_node}, {&theirs.graph, {}}, kMany);
}

// Of two bodies over the same inputs.
std::vector<std::string> DiffBodies(absl::string_view yours, absl::string_view theirs) {
  ExprPool pool;
  auto canonical = [&](absl::string_view body) {
    const std::string text = absl::StrCat("graph f(%a: f32[4], %b: f32[4], %n: int = 4) {\n", body, "\n}");
    return CanonicalOf(ParseGraph(text, &pool, FindTestSchema).value(), pool);
  };
  return Texts(Diff(canonical(yours), canonical(theirs)));
}

TEST(DiffGraphsTest, NamesNodeArgumentLineAndBothValues) {
  EXPECT_THAT(DiffBodies("%c = aten.add.Tensor(%a, %b, alpha=2)  # model.py:41\n return (%c)",
                         "%c = aten.add.Tensor(%a, %b)  # other.py:7\n return (%c)"),
              ElementsAre("node 0 (aten.add.Tensor) at model.py:41, alpha: 2 | 1"));
}

TEST(DiffGraphsTest, TellsEachKindOfDifference) {
  struct Case {
    const char *yours, *theirs, *told;
  };
  const Case cases[] = {
      {"%c = aten.relu.default(%a) return (%c)", "%c = aten.neg.default(%a) return (%c)",
       "node 0 (aten.relu.default): aten.relu.default | node 0 (aten.neg.default)"},
      {"%c = aten.relu.default(%a) %d = aten.neg.default(%c) return (%d)", "%d = aten.neg.default(%a) return (%d)",
       "node 0 (aten.relu.default): aten.relu.default | "},
      {"%d = aten.neg.default(%a) return (%d)", "%c = aten.relu.default(%a) %d = aten.neg.default(%c) return (%d)",
       "node 0 (aten.relu.default):  | aten.relu.default"},
      {"%c = aten.add.Tensor(%a, %b) return (%c)", "%c = aten.add.Tensor(%a, %a) return (%c)",
       "node 0 (aten.add.Tensor), other: input 1 | input 0"},
      {"%c = aten.add.Tensor(%a, 1) return (%c)", "%c = aten.add.Tensor(%a, 1.0) return (%c)",
       "node 0 (aten.add.Tensor), other: 1 | 1.0"},
      {"%c = aten.relu.default(%a) return (%c)", "%c = aten.relu.default(%a) return (%c, %c)",
       "number of outputs: 1 | 2"},
      {"return (%a)", "return (%b)", "output 0: input 0 | input 1"},
      {"%p, %q = aten.split.Tensor(%a, 2) return (%p)", "%p, %q = aten.split.Tensor(%a, 2) return (%q)",
       "output 0: node 0 (aten.split.Tensor) | result 1 of node 0 (aten.split.Tensor)"},
      {"%p, %q = aten.split.Tensor(%a, 2) return (%p)", "%p, %q, %r = aten.split.Tensor(%a, 2) return (%p)",
       "node 0 (aten.split.Tensor), results: a list of 2 | a list of 3"},
      {"%c = aten.relu.default(%a) %d = aten.add.Tensor(%c, %c) return (%d)",
       "%c = aten.relu.default(%a) %e = aten.relu.default(%a) %d = aten.add.Tensor(%c, %e) return (%d)",
       "node 1 (aten.add.Tensor), other: node 0 (aten.relu.default) | node 1 (aten.relu.default)"},
      {"%c = aten.rand.default([2]) %e = aten.rand.default([2]) %d = aten.sub.Tensor(%c, %e) return (%d)",
       "%c = aten.rand.default([2]) %e = aten.rand.default([2]) %d = aten.sub.Tensor(%e, %c) return (%d)",
       "node 2 (aten.sub.Tensor), self: node 0 (aten.rand.default) | node 1 (aten.rand.default)"},
      {"%c = aten.rand.default([2]) %e = aten.rand.default([3]) return (%c, %e)",
       "%e = aten.rand.default([3]) %c = aten.rand.default([2]) return (%c, %e)",
       "order of node 0 (aten.rand.default): place 0 | place 1"},
      {"%r = aten.rand.default([2]) return (%a)", "return (%a)", "node 0 (aten.rand.default): aten.rand.default | "},
      {"%c = aten.relu.default(%a) %w = aten.add_.Tensor(%a, %b) return (%c)",
       "%w = aten.add_.Tensor(%a, %b) %c = aten.relu.default(%a) return (%c)",
       "order of node 0 (aten.relu.default): place 0 | place 1"},
      {"%c = aten.index.Tensor(%a, [none, %b]) return (%c)", "%c = aten.index.Tensor(%a, [%b]) return (%c)",
       "node 0 (aten.index.Tensor), indices: [none, input 1] | [input 1]"},
      {"%c = aten.mul.Tensor(%a, 0.0) return (%c)", "%c = aten.mul.Tensor(%a, -0.0) return (%c)",
       "node 0 (aten.mul.Tensor), other: 0.0 | -0.0"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(DiffBodies(c.yours, c.theirs), ElementsAre(c.told)) << c.yours << "\n" << c.theirs;
    EXPECT_THAT(DiffBodies(c.yours, c.yours), IsEmpty());
    EXPECT_EQ(DiffBodies(c.theirs, c.yours).size(), 1u) << c.yours << "\n" << c.theirs;
  }
}

TEST(DiffGraphsTest, TwoChangesAreTwoDifferences) {
  EXPECT_THAT(DiffBodies("%c = aten.mul.Tensor(%a, 2.0) %d = aten.neg.default(%c) %e = aten.add.Tensor(%d, %b) return (%e)",
                         "%c = aten.mul.Tensor(%a, 3.0) %d = aten.relu.default(%c) %e = aten.add.Tensor(%d, %b) return (%e)"),
              ElementsAre("node 1 (aten.neg.default): aten.neg.default | node 1 (aten.relu.default)",
                          "node 0 (aten.mul.Tensor), other: 2.0 | 3.0"));
}

TEST(DiffSignaturesTest, SymbolsThatANumberRenamesAreNoDifference) {
  ExprPool pool;
  auto canonical = [&](absl::string_view inputs) {
    const std::string text = absl::StrCat("graph f(", inputs, ") { return () }");
    return CanonicalOf(ParseGraph(text, &pool, FindTestSchema).value(), pool);
  };
  const CanonicalGraph yours = canonical("%x: f32[36, s1, s2], %y: f32[s1 + 1, s2]");
  const CanonicalGraph theirs = canonical("%x: f32[s0, s1, s2], %y: f32[s1 + 1, s2]");
  const std::vector<InputDifference> told = DiffSignatures(yours.graph, theirs.graph, {"x"}, kMany);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(Text(told[0].difference), "input 0 (x), size of dimension 0: 36 | s0");
  EXPECT_EQ(told[0].static_dim, 0);
}

// --- one mutation, and the diff must name it

bool Mentions(const GraphDifference& d, absl::string_view name) {
  return absl::StrContains(d.what, name) || absl::StrContains(d.yours, name) || absl::StrContains(d.theirs, name);
}

class Judge {
 public:
  Judge(const CanonicalGraph& yours, const CanonicalGraph& theirs, const Mutation& m, const Graph& source)
      : yours_(yours), theirs_(theirs), m_(m), source_(source) {}

  // The very node, argument, output or input that was changed.
  bool Names(const GraphDifference& d) const {
    const bool at_node = d.yours_node >= 0 && yours_.original_node[d.yours_node] == m_.node;
    switch (m_.kind) {
      case MutationKind::kOperator:
        return d.kind == Kind::kOperator && at_node && absl::StrContains(d.theirs, m_.what);
      case MutationKind::kLiteral:
        return d.kind == Kind::kArgument && at_node && absl::EndsWith(ArgumentOf(d), m_.what);
      case MutationKind::kRewire:
        return at_node && absl::EndsWith(ArgumentOf(d), m_.what);
      case MutationKind::kInsert:
        return d.kind == Kind::kOnlyTheirs && d.theirs == m_.what;
      case MutationKind::kRemove:
        return d.kind == Kind::kOnlyYours && at_node;
      case MutationKind::kSwapOrder:
        return d.kind == Kind::kOrder || d.kind == Kind::kSharing || d.kind == Kind::kOutput;
      case MutationKind::kOutput:
        return absl::StrContains(d.what, absl::StrCat("output ", m_.slot));
      case MutationKind::kInput:
        return absl::StrContains(d.what, absl::StrCat("input ", m_.slot, ", ", m_.what));
    }
    return false;
  }

  // Whether the two values of a rewiring are live on both sides. Where one is not, what
  // only it was computed from is gone or new as well, and that is what is told.
  bool BothStay() const {
    if (m_.kind != MutationKind::kRewire && m_.kind != MutationKind::kOutput) return true;
    return Stays(m_.before, yours_) && Stays(m_.after, yours_) && Stays(m_.before, theirs_) && Stays(m_.after, theirs_);
  }

  // What says the same of graphs with equal nodes: of two in a row any may be the one that
  // is not there, and one that is now equal to another is told where it is used.
  bool NamesAnEqual(const GraphDifference& d) const {
    // Of two equal nodes that an output and another node use, it may be told of that one.
    if (m_.node < 0) return m_.kind == MutationKind::kOutput && d.kind == Kind::kSharing;
    const std::string& op = source_.nodes[m_.node].op->name;
    switch (m_.kind) {
      case MutationKind::kInsert:
        return Mentions(d, m_.what);
      case MutationKind::kRewire:
      case MutationKind::kOperator:
      case MutationKind::kLiteral:
      case MutationKind::kRemove:
        return Mentions(d, op);
      // Devices are numbered in the nodes' order: where these have different ones, the two
      // that changed places differ in all of their arguments.
      case MutationKind::kSwapOrder:
        return d.kind == Kind::kArgument && Mentions(d, ".rand.");
      case MutationKind::kOutput:
      case MutationKind::kInput:
        return false;
    }
    return false;
  }

 private:
  // "alpha" of "node 3 (aten.add.Tensor) at model.py:41, alpha", less the place in a list.
  static std::string ArgumentOf(const GraphDifference& d) {
    const std::string what = d.what.substr(0, d.what.rfind(" ["));
    return what.substr(what.rfind(' ') + 1);
  }

  bool Stays(int value, const CanonicalGraph& canonical) const {
    if (value < static_cast<int>(source_.inputs.size())) return true;
    for (int original : canonical.original_node) {
      for (const NodeOutput& output : source_.nodes[original].outputs) {
        for (ValueId id : output.values) {
          if (id.value == value) return true;
        }
      }
    }
    return false;
  }

  const CanonicalGraph& yours_;
  const CanonicalGraph& theirs_;
  const Mutation& m_;
  const Graph& source_;
};

std::vector<GraphDifference> DiffAll(const CanonicalGraph& yours, const CanonicalGraph& theirs) {
  std::vector<GraphDifference> all = Diff(yours, theirs);
  for (InputDifference& d : DiffSignatures(yours.graph, theirs.graph, {}, kMany)) all.push_back(std::move(d.difference));
  return all;
}

TEST(DiffGraphsTest, OneMutationIsNamed) {
  constexpr int kGraphs = 60;
  constexpr int kTries = 25;
  std::array<int, kNumMutationKinds> judged = {}, told_in_all = {}, named = {};
  for (int kind = 0; kind < kNumMutationKinds; ++kind) {
    for (uint32_t seed = 0; seed < kGraphs * kTries; ++seed) {
      ExprPool pool;
      const Graph source = RandomGraph(seed % kGraphs, 40, &pool);
      const std::optional<Mutation> m = MutateOne(source, static_cast<MutationKind>(kind), seed);
      if (!m.has_value()) continue;
      const CanonicalGraph yours = CanonicalOf(source, pool);
      // A disguise on top: names, order of independent nodes and lines are no difference.
      const CanonicalGraph theirs = CanonicalOf(Disguise(m->graph, seed, &pool), pool);
      const std::vector<GraphDifference> told = DiffAll(yours, theirs);
      const bool is_same =
          yours.graph_digest == theirs.graph_digest && yours.signature_digest == theirs.signature_digest;
      ASSERT_EQ(told.empty(), is_same) << kind << "/" << seed << "\n" << PrintGraph(yours.graph) << PrintGraph(theirs.graph);
      if (is_same) continue;
      const CanonicalGraph plain = CanonicalOf(m->graph, pool);
      const Judge judge(yours, plain, *m, source);
      if (!judge.BothStay()) continue;
      ++judged[kind];
      told_in_all[kind] += static_cast<int>(told.size());
      // A device that is gone renumbers others, which are told as well.
      const bool names = std::any_of(told.begin(), told.end(), [&](const auto& d) { return judge.Names(d); });
      const bool equal = std::any_of(told.begin(), told.end(), [&](const auto& d) { return judge.NamesAnEqual(d); });
      named[kind] += names;
      EXPECT_TRUE(names || equal) << kind << "/" << seed << " node " << m->node << " slot " << m->slot << " " << m->what
                                  << "\n"
                                  << absl::StrJoin(Texts(told), "\n") << "\n"
                                  << PrintGraph(source) << PrintGraph(m->graph);
    }
  }
  for (int kind = 0; kind < kNumMutationKinds; ++kind) {
    EXPECT_GT(judged[kind], 100) << kind;
    RecordProperty(absl::StrCat("named_of_1000_", kind), named[kind] * 1000 / judged[kind]);
    // The rest has equals.
    EXPECT_GT(named[kind] * 5, judged[kind] * 4) << kind << ": " << named[kind] << " of " << judged[kind];
    // One change is one difference, nearly always.
    EXPECT_LT(told_in_all[kind], judged[kind] * 3 / 2) << kind;
  }
}

// Whatever differs, something is told, and within bounds.
TEST(DiffGraphsTest, UnrelatedGraphsHaveDifferencesAndNoMoreThanAskedFor) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    ExprPool pool;
    const CanonicalGraph yours = CanonicalOf(RandomGraph(seed, 40, &pool), pool);
    const CanonicalGraph theirs = CanonicalOf(RandomGraph(seed + 1000, 50, &pool), pool);
    const size_t told = DiffGraphs({&yours.graph, {}}, {&theirs.graph, {}}, 3).size();
    EXPECT_GE(told, 1u);
    EXPECT_LE(told, 3u);
    EXPECT_THAT(Diff(yours, yours), IsEmpty());
  }
}

TEST(DiffGraphsTest, AHugeChainIsComparedWithoutTheStack) {
  ExprPool pool;
  auto chain = [&](int nodes, double factor) {
    GraphBuilder builder(&pool, FindTestSchema);
    GraphInput input;
    input.name = "x";
    input.value = FakeTensor{};
    EXPECT_TRUE(builder.AddInput(input).ok());
    for (int n = 0; n < nodes; ++n) {
      EXPECT_TRUE(builder.AddNode("aten.mul.Tensor", {{"", Argument(ValueId{n})}, {"", Argument(n == 0 ? factor : 2.0)}},
                                  {{{""}}}, "").ok());
    }
    return CanonicalOf(std::move(builder).Finish({Argument(ValueId{nodes})}).value(), pool);
  };
  constexpr int kNodes = 100000;
  EXPECT_THAT(Texts(Diff(chain(kNodes, 1.0), chain(kNodes, 3.0))),
              ElementsAre("node 0 (aten.mul.Tensor), other: 1.0 | 3.0"));
}

}  // namespace
}  // namespace kiln
