// Facts that were taken back leave no trace: a Knowledge that never had them is
// the oracle. Extrema that grow step by step are compared with their operands.
#include "fake_runtime/symbolic/knowledge.h"

#include <algorithm>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "fake_runtime/symbolic/testing/naive_expr.h"

namespace kiln {
namespace {

constexpr int kSymbols = 4;
constexpr int64_t kLargest = 7;

class RandomFacts {
 public:
  explicit RandomFacts(uint32_t seed) : maker_(seed, kSymbols) {
    for (int i = 0; i < kSymbols; ++i) {
      symbols_.push_back(pool_.Symbol(absl::StrCat("s", i)));
      values_.push_back(maker_.Roll(0, kLargest));
    }
    // Facts with replacements at their heart, since undoing those is hardest.
    for (int i = 0; i < kSymbols; ++i) values_[maker_.Roll(0, kSymbols - 1)] = values_[i];
  }

  Knowledge Empty() {
    Knowledge k(&pool_);
    for (Expr s : symbols_) k.AddSymbol(s, ValueRange::AtLeast(0), ValueRange::AtLeast(s.symbol_name() == "s0"), false);
    return k;
  }
  // True conditions, so that no set of them contradicts itself.
  std::vector<Expr> Make(int count) {
    std::vector<Expr> facts;
    for (int i = 0; i < kSymbols && static_cast<int>(facts.size()) < count; ++i) {
      const int other = static_cast<int>(maker_.Roll(0, kSymbols - 1));
      if (values_[i] == values_[other]) facts.push_back(pool_.Eq(symbols_[i], symbols_[other]));
    }
    while (static_cast<int>(facts.size()) < count) {
      auto condition = maker_.Condition(2);
      std::optional<int64_t> truth = condition->Evaluate(values_);
      if (!truth) continue;
      Expr e = condition->Build(pool_, symbols_);
      if (e.is_poison() || e.AsBool()) continue;
      facts.push_back(*truth ? e : pool_.Not(e));
    }
    return facts;
  }
  // All that can be asked of `k`, as text.
  std::string Answers(Knowledge& k, const std::vector<Expr>& probes) {
    std::string answers;
    for (Expr s : symbols_) {
      absl::StrAppend(&answers, s.ToString(), " in ", k.RangeOf(s).ToString(), " = ",
                      k.ReplacementOf(s).value_or(s).ToString(), " for");
      for (Expr replaced : k.ReplacedBy(s)) absl::StrAppend(&answers, " ", replaced.ToString());
      absl::StrAppend(&answers, "\n");
    }
    for (Expr probe : probes) {
      Knowledge::Trail trail;
      const std::optional<bool> truth = k.Decide(probe, &trail);
      absl::StrAppend(&answers, probe.ToString(), ": ", truth ? *truth ? "true" : "false" : "unknown", ", leans on ",
                      trail.size(), "; ", k.Simplify(probe).ToString(), "\n");
    }
    return answers;
  }

 private:
  ExprPool pool_;
  NaiveExprMaker maker_;
  std::vector<Expr> symbols_;
  std::vector<int64_t> values_;
};

TEST(KnowledgeTest, WhatIsTakenBackLeavesNoTrace) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    RandomFacts facts(seed);
    const std::vector<Expr> kept = facts.Make(3), first = facts.Make(4), second = facts.Make(4), probes = facts.Make(8);
    Knowledge oracle = facts.Empty(), k = facts.Empty();
    for (Expr fact : kept) oracle.AddFact(fact);
    const size_t outer = k.Mark();
    for (Expr fact : first) k.AddFact(fact);
    k.TakeBack(outer);
    for (Expr fact : kept) k.AddFact(fact);
    const size_t mark = k.Mark();
    for (Expr fact : first) k.AddFact(fact);
    facts.Answers(k, probes);
    const size_t inner = k.Mark();
    for (Expr fact : second) {
      if (seed % 2 == 0) k.AddFact(fact);
      if (seed % 2 == 1) k.AddPromise(fact);
    }
    facts.Answers(k, probes);
    k.TakeBack(inner);
    k.TakeBack(mark);
    ASSERT_EQ(facts.Answers(k, probes), facts.Answers(oracle, probes)) << "seed " << seed;
  }
}

TEST(KnowledgeTest, FactsHoldAgainAfterThoseThatCameLaterAreTakenBack) {
  ExprPool pool;
  Knowledge k(&pool);
  for (const char* name : {"s0", "s1", "s2"}) {
    k.AddSymbol(pool.Symbol(name), ValueRange::AtLeast(0), ValueRange::AtLeast(0), false);
  }
  k.AddFact(pool.Parse("s1 == s2").value());
  const size_t mark = k.Mark();
  k.AddFact(pool.Parse("s0 == s1").value());
  EXPECT_EQ(k.ReplacementOf(pool.Symbol("s2")), pool.Symbol("s0"));
  k.TakeBack(mark);
  EXPECT_EQ(k.ReplacementOf(pool.Symbol("s2")), pool.Symbol("s1"));
  EXPECT_EQ(k.ReplacementOf(pool.Symbol("s1")), std::nullopt);
}

class LargeExtremumTest : public ::testing::Test {
 protected:
  // s0, s1, ..., each in a range of its own.
  void Declare(int n, const std::function<ValueRange(int)>& range) {
    for (int i = 0; i < n; ++i) {
      symbols_.push_back(pool_.Symbol(absl::StrCat("s", i)));
      k_.AddSymbol(symbols_.back(), range(i), range(i), false);
    }
  }
  Expr MaxOfAll() {
    Expr all = symbols_[0];
    for (Expr s : symbols_) all = k_.Simplify(pool_.Max(all, s));
    return all;
  }

  ExprPool pool_;
  Knowledge k_{&pool_};
  std::vector<Expr> symbols_;
};

TEST_F(LargeExtremumTest, NewOperandsThatAreNeverTheLargestAreDropped) {
  Declare(20, [](int) { return ValueRange{10, 1000}; });
  const Expr all = MaxOfAll();
  ASSERT_EQ(all.args().size(), 20u);
  EXPECT_EQ(k_.Simplify(pool_.Max(all, pool_.Int(10))), all);
  const Expr doubled = k_.Simplify(pool_.Max(all, pool_.Mul(pool_.Int(2), symbols_[3])));
  EXPECT_EQ(doubled.args().size(), 20u);
  EXPECT_EQ(k_.Simplify(pool_.Max(symbols_[3], doubled)), doubled);
}

TEST_F(LargeExtremumTest, NewOperandsDropThoseThatTheyExceed) {
  Declare(20, [](int i) { return i < 15 ? ValueRange{0, 50} : ValueRange{0, 70}; });
  const Expr all = MaxOfAll();
  EXPECT_EQ(k_.Simplify(pool_.Max(all, pool_.Int(60))).args().size(), 6u);
  EXPECT_EQ(k_.Simplify(pool_.Max(all, pool_.Int(70))), pool_.Int(70));
}

TEST_F(LargeExtremumTest, FactsThatComeLaterCount) {
  Declare(20, [](int) { return ValueRange{0, 1000}; });
  const Expr all = MaxOfAll();
  EXPECT_EQ(k_.Simplify(pool_.Max(all, pool_.Symbol("x"))).args().size(), 21u);
  k_.AddFact(pool_.Parse("s4 <= 0").value());
  EXPECT_EQ(k_.Simplify(pool_.Max(all, pool_.Symbol("x"))).args().size(), 20u);
}

// A Max and a Min that grow by random operands are the largest and least of them.
TEST_F(LargeExtremumTest, MeansWhatItIsMadeOf) {
  std::mt19937 random(7);
  auto roll = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  std::vector<ValueRange> ranges;
  for (int i = 0; i < 30; ++i) {
    const int64_t low = roll(0, 20);
    ranges.push_back({low, low + roll(1, 40)});
  }
  Declare(30, [&](int i) { return ranges[i]; });
  std::vector<Expr> operands;
  for (int step = 0; step < 400; ++step) {
    Expr a = symbols_[roll(0, 29)], b = symbols_[roll(0, 29)];
    const Expr kinds[] = {a, pool_.Min(a, b), pool_.Max(a, b), pool_.Add(a, pool_.Int(roll(-9, 9))), pool_.Sub(a, b)};
    operands.push_back(kinds[roll(0, 4)]);
  }
  Expr largest = operands[0], least = operands[0];
  for (size_t step = 1; step < operands.size(); ++step) {
    largest = k_.Simplify(pool_.Max(largest, operands[step]));
    least = k_.Simplify(pool_.Min(least, operands[step]));
    absl::flat_hash_map<Expr, int64_t> values;
    for (int i = 0; i < 30; ++i) values[symbols_[i]] = roll(ranges[i].lower, ranges[i].upper);
    auto value_of = [&](Expr e) {
      return EvaluateScalar(e, [&](Expr s) { return ScalarValue{ExprType::kInt, values.at(s), 0}; })->i;
    };
    int64_t high = value_of(operands[0]), low = high;
    for (size_t i = 0; i <= step; ++i) {
      high = std::max(high, value_of(operands[i]));
      low = std::min(low, value_of(operands[i]));
    }
    ASSERT_EQ(value_of(largest), high) << "step " << step << ": " << largest.ToString();
    ASSERT_EQ(value_of(least), low) << "step " << step << ": " << least.ToString();
  }
}

// What a client of Mamba's chunks guards: Max(1, q)**2 stands for q**2, and q for Max(1, q).
TEST(KnowledgeTest, FactsThatLeadBackToAnExpressionEnd) {
  ExprPool pool;
  Knowledge k(&pool);
  const Expr a = pool.Symbol("s0"), b = pool.Symbol("s1");
  for (Expr s : {a, b}) k.AddSymbol(s, ValueRange::AtLeast(0), ValueRange::AtLeast(1), false);
  const Expr q = pool.FloorDiv(a, b);
  const Expr least = pool.Max(Expr(1), q);
  k.AddFact(pool.Eq(pool.Mul(q, q), pool.Mul(least, least)));
  k.AddFact(pool.Eq(least, q));
  EXPECT_EQ(k.Decide(pool.Eq(pool.Mul(least, least), pool.Mul(q, q)), nullptr), true);
}

}  // namespace
}  // namespace kiln
