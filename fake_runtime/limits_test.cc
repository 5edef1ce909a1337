// Every limit that bounds propagation, at it and past it, and inputs that were
// written to make the engine explode: each ends with a result or with a typed
// error that names the limit, which the count of steps shows without a clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/limits.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

class Limited {
 public:
  absl::Status Run(const std::string& text, bool reduces = true) {
    absl::StatusOr<Graph> graph = ParseGraph(text, &pool_, FindOpSchema);
    if (!graph.ok()) return graph.status();
    absl::StatusOr<FakeGraph> fake = kiln::Propagate(*std::move(graph), &pool_);
    if (!fake.ok()) return fake.status();
    num_recorded_ = static_cast<int64_t>(fake->env->recorded_guards().size());
    if (reduces) guards_ = fake->env->Guards();
    return absl::OkStatus();
  }
  // Without the reduction of guards.
  absl::Status Propagate(const std::string& text) { return Run(text, /*reduces=*/false); }
  int64_t num_recorded() const { return num_recorded_; }
  const std::vector<Guard>& guards() const { return guards_; }

 private:
  ExprPool pool_;
  std::vector<Guard> guards_;
  int64_t num_recorded_ = 0;
};

void ExpectLimit(const absl::Status& status, absl::string_view limit) {
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kLimitExceeded) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(limit)));
}

// Done, or refused by a limit: nothing else, and soon.
void ExpectEnds(const std::string& text) {
  absl::Status status = Limited().Run(text);
  if (status.ok()) return;
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kLimitExceeded) << status;
}

std::string Symbols(int n, int64_t hint = 64) {
  std::vector<std::string> out;
  for (int i = 0; i < n; ++i) out.push_back(absl::StrCat("s", i, " = ", hint, " in [2, oo]"));
  return absl::StrCat(" symbols { ", absl::StrJoin(out, ", "), " }");
}

// Inputs %n0, %n1, ... that are the symbols.
std::string Integers(int n) {
  std::vector<std::string> out;
  for (int i = 0; i < n; ++i) out.push_back(absl::StrCat("%n", i, ": int = s", i));
  return absl::StrJoin(out, ", ");
}

std::string OverIntegers(int n, const std::string& nodes) {
  return absl::StrCat("graph g(", Integers(n), ")", Symbols(n), " {\n", nodes, "  return ()\n}\n");
}

TEST(LimitsTest, RankOfAResult) {
  auto unsqueezes = [](int64_t n) {
    std::string text = "graph g(%x0: f32[2]) {\n";
    for (int64_t i = 0; i < n; ++i) absl::StrAppend(&text, "%x", i + 1, " = aten.unsqueeze.default(%x", i, ", 0)\n");
    return text + "return () }";
  };
  const int64_t most = GetLimit(Limit::kRank) - 1;
  EXPECT_TRUE(Limited().Run(unsqueezes(most)).ok());
  absl::Status status = Limited().Run(unsqueezes(most + 1));
  ExpectLimit(status, "rank");
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("node ", most)));
}

TEST(LimitsTest, UnbackedSymbols) {
  const int64_t most = GetLimit(Limit::kSymbols);
  for (absl::string_view dtype : {"i64", "f32"}) {
    auto items = [&](int64_t n) {
      std::vector<std::string> inputs;
      std::string nodes;
      for (int64_t i = 0; i < n; ++i) {
        inputs.push_back(absl::StrCat("%x", i, ": ", dtype, "[]"));
        absl::StrAppend(&nodes, "%u", i, " = aten._local_scalar_dense.default(%x", i, ")\n");
      }
      return absl::StrCat("graph g(", absl::StrJoin(inputs, ", "), ") {\n", nodes, "return () }");
    };
    EXPECT_TRUE(Limited().Run(items(most)).ok()) << dtype;
    absl::Status status = Limited().Run(items(most + 1));
    ExpectLimit(status, "symbols");
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("node ", most))) << dtype;
  }
}

TEST(LimitsTest, Guards) {
  // Each comparison with another constant is a guard of its own.
  auto tests = [](int64_t n) {
    std::string nodes;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t constant = 1000 + i;
      absl::StrAppend(&nodes, "%p", i, " = sym.mod.default(%n0, ", constant, ")\n%c", i, " = sym.eq.default(%p", i,
                      ", 64)\naten._assert_scalar.default(%c", i, ", \"\")\n");
    }
    return OverIntegers(1, nodes);
  };
  // Some of the limit goes to what the tests lean on.
  Limited few;
  ASSERT_TRUE(few.Run(tests(10)).ok());
  const int64_t most = GetLimit(Limit::kGuards) - (few.num_recorded() - 10);
  Limited all;
  EXPECT_TRUE(all.Propagate(tests(most)).ok());
  EXPECT_EQ(all.num_recorded(), GetLimit(Limit::kGuards));
  absl::Status status = Limited().Propagate(tests(most + 1));
  ExpectLimit(status, "guards");
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("node ", 3 * most + 2)));
}

TEST(LimitsTest, NodesOfAnExpression) {
  // A product of sums of 32 terms has 1024: one more factor is over the limit.
  std::string nodes;
  for (int half : {0, 32}) {
    absl::StrAppend(&nodes, "%t", half, " = sym.add.default(%n", half, ", %n", half + 1, ")\n");
    for (int i = 2; i < 32; ++i) {
      absl::StrAppend(&nodes, "%t", half + i - 1, " = sym.add.default(%t", half + i - 2, ", %n", half + i, ")\n");
    }
  }
  absl::StrAppend(&nodes, "%p = sym.mul.default(%t30, %t62)\n");
  EXPECT_TRUE(Limited().Run(OverIntegers(64, nodes)).ok());
  ExpectLimit(Limited().Run(OverIntegers(64, nodes + "%q = sym.mul.default(%p, %t62)\n")), "expr_nodes");
}

TEST(LimitsTest, DepthOfAnExpression) {
  // x -> (x*x + 1) // s1 nests and neither sums nor cancels.
  auto nested = [](int64_t n) {
    std::string nodes = "%t0 = sym.floordiv.default(%n0, %n1)\n";
    for (int64_t i = 1; i < n; ++i) {
      absl::StrAppend(&nodes, "%a", i, " = sym.add.default(%t", i - 1, ", 1)\n%t", i, " = sym.floordiv.default(%a", i,
                      ", %n", 1 + i % 2, ")\n");
    }
    return OverIntegers(3, nodes);
  };
  // Each step is two levels.
  const int64_t most = GetLimit(Limit::kExprDepth) / 2;
  EXPECT_TRUE(Limited().Run(nested(most)).ok());
  ExpectLimit(Limited().Run(nested(most + 1)), "expr_depth");
}

TEST(LimitsTest, StepsOfRewriting) {
  ExprPool pool;
  pool.Spend(GetLimit(Limit::kRewriteSteps) - 10);
  EXPECT_FALSE(pool.Add(pool.Symbol("s0"), pool.Symbol("s1")).is_poison());
  pool.Spend(10);
  Expr late = pool.Add(pool.Symbol("s0"), pool.Symbol("s2"));
  EXPECT_TRUE(late.is_poison());
  EXPECT_EQ(late.poison_reason(), "over rewrite_steps");
  pool.Refill();
  EXPECT_FALSE(pool.Add(pool.Symbol("s0"), pool.Symbol("s2")).is_poison());
}

// A node has a thousand steps of its own, so no graph is too long for the budget.
TEST(LimitsTest, TheStepsOfALongGraphAreThoseOfItsNodes) {
  constexpr int kNodes = 200000;
  std::string text = "graph g(%x0: f32[s0, s1], %y: f32[s1]) symbols { s0 = 64 in [2, oo], s1 = 32 in [2, oo] } {\n";
  for (int i = 0; i < kNodes; ++i) absl::StrAppend(&text, "%x", i + 1, " = aten.add.Tensor(%x", i, ", %y)\n");
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph(absl::StrCat(text, "return (%x", kNodes, ") }"), &pool, FindOpSchema);
  ASSERT_TRUE(graph.ok()) << graph.status();
  // Node by node, since Propagate refills the budget in the end.
  Graph nodes = *graph;
  graph->nodes.clear();
  absl::StatusOr<FakeGraph> fake = Propagate(*std::move(graph), &pool);
  ASSERT_TRUE(fake.ok()) << fake.status();
  fake->graph = std::move(nodes);
  for (int i = 0; i < kNodes; ++i) ASSERT_TRUE(PropagateNode(*fake, i).ok());
  RecordProperty("rewrite_steps", static_cast<int>(pool.steps()));
  EXPECT_LT(pool.steps() / kNodes, 500);
}

// Each of many nodes multiplies out a product of sums.
TEST(LimitsTest, ProductsOfSumsAreRefusedByTheNodeThatIsOneTooMany) {
  std::string nodes = "%t0 = sym.add.default(%n0, 1)\n";
  for (int i = 1; i < 32; ++i) absl::StrAppend(&nodes, "%t", i, " = sym.add.default(%t", i - 1, ", %n", i, ")\n");
  for (int i = 0; i < 60000; ++i) {
    absl::StrAppend(&nodes, "%a", i, " = sym.add.default(%t30, ", i + 2, ")\n%p", i, " = sym.mul.default(%a", i,
                    ", %t30)\n");
  }
  absl::Status status = Limited().Run(OverIntegers(32, nodes));
  ExpectLimit(status, "rewrite_steps");
  EXPECT_THAT(std::string(status.message()), HasSubstr("node "));
}

TEST(LimitsTest, AdversarialArithmeticEnds) {
  std::string powers = "%t0 = sym.add.default(%n0, %n1)\n";
  std::string divisions = powers, remainders = powers, choices = powers;
  for (int i = 1; i < 300; ++i) {
    absl::StrAppend(&powers, "%t", i, " = sym.mul.default(%t", i - 1, ", %t", i - 1, ")\n");
    absl::StrAppend(&divisions, "%a", i, " = sym.add.default(%t", i - 1, ", %n", i % 8, ")\n%t", i,
                    " = sym.floordiv.default(%a", i, ", ", 2 + i % 5, ")\n");
    absl::StrAppend(&remainders, "%a", i, " = sym.mul.default(%t", i - 1, ", %n", i % 8, ")\n%t", i,
                    " = sym.mod.default(%a", i, ", %n", (i + 3) % 8, ")\n");
    absl::StrAppend(&choices, "%c", i, " = sym.lt.default(%t", i - 1, ", %n", i % 8, ")\n%t", i,
                    " = sym.ite.default(%c", i, ", %n", (i + 1) % 8, ", %t", i - 1, ")\n");
  }
  for (const std::string& nodes : {powers, divisions, remainders, choices}) ExpectEnds(OverIntegers(8, nodes));
}

TEST(LimitsTest, ManyEqualSymbolsEnd) {
  const int n = static_cast<int>(GetLimit(Limit::kSymbols));
  std::string nodes;
  for (int i = n - 1; i > 0; --i) {
    absl::StrAppend(&nodes, "%c", i, " = sym.eq.default(%n", i, ", %n", i - 1, ")\naten._assert_scalar.default(%c", i,
                    ", \"\")\n");
  }
  Limited limited;
  ASSERT_TRUE(limited.Run(OverIntegers(n, nodes)).ok());
  EXPECT_LE(limited.guards().size(), static_cast<size_t>(n));
}

TEST(LimitsTest, ManyAssumptionsEnd) {
  const int64_t n = GetLimit(Limit::kGuards);
  std::vector<std::string> assumptions;
  for (int64_t i = 0; i < n; ++i) assumptions.push_back(absl::StrCat("s", i % 97, " <= s", (i + 1 + i / 97) % 97, " + ", i));
  ExpectEnds(absl::StrCat("graph g(", Integers(97), ")", Symbols(97), " assume { ", absl::StrJoin(assumptions, ", "),
                          " } {\n%c = sym.le.default(%n0, %n50)\naten._assert_scalar.default(%c, \"\")\nreturn () }"));
}

// Each node changes the metadata of all names that the tensor has by then.
TEST(LimitsTest, NamesOfOneTensor) {
  constexpr int kNodes = 40000;
  std::string text = "graph g(%v0: f32[4, 4]) {\n";
  for (int i = 1; i <= kNodes; ++i) absl::StrAppend(&text, "%v", i, " = aten.t_.default(%v", i - 1, ")\n");
  absl::StrAppend(&text, "return (%v", kNodes, ") }");
  const absl::Status status = Limited().Run(text);
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kLimitExceeded) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("rewrite_steps"));
}

}  // namespace
}  // namespace kiln
