// What a ShapeEnv decides against brute force: every input that passes the
// guards must give every decision that was made, and mean the same by every
// simplified expression. The last symbol is unbacked: data may give it any
// value that passes the runtime asserts.
#include <gtest/gtest.h>

#include "fake_runtime/symbolic/shape_env.h"
#include "fake_runtime/symbolic/testing/naive_expr.h"

namespace kiln {
namespace {

constexpr int kBacked = 3;
constexpr int kSymbols = 4;
constexpr int64_t kLargest = 7;
constexpr ValueRange kUnbackedRange{0, 5};

// A compile's worth of tests on random sizes.
class RandomSession {
 public:
  explicit RandomSession(uint32_t seed)
      : has_unbacked_(seed % 3 == 0), maker_(seed, has_unbacked_ ? kSymbols : kBacked) {
    for (int s = 0; s < kBacked; ++s) {
      symbols_.push_back(pool_.Symbol("s" + std::to_string(s)));
      hints_.push_back(maker_.Roll(0, kLargest));
      ValueRange natural{0, ValueRange::kMax}, range = natural;
      if (maker_.Roll(0, 1)) range.lower = maker_.Roll(0, hints_[s]);
      if (maker_.Roll(0, 2) == 0) range.upper = maker_.Roll(hints_[s], kLargest);
      EXPECT_TRUE(env_.AddBackedSymbol(symbols_[s], hints_[s], range, natural, DimPolicy::kAutomatic).ok());
    }
    symbols_.push_back(env_.FreshUnbacked(kUnbackedRange));
    // What the data of this run happen to be; nothing may look at it.
    hints_.push_back(maker_.Roll(kUnbackedRange.lower, kUnbackedRange.upper));
  }

  void Run() {
    for (int i = 0; i < 2; ++i) {
      auto promise = maker_.Condition(2);
      if (promise->Evaluate(hints_) != 1) continue;
      EXPECT_TRUE(env_.AddAssumption(promise->Build(pool_, symbols_), "promised").ok());
    }
    for (int i = 0; i < 2; ++i) {
      auto condition = maker_.Condition(2);
      if (condition->Evaluate(hints_) != 1) continue;
      absl::Status status = env_.Check(condition->Build(pool_, symbols_), "random", "mismatch");
      EXPECT_TRUE(status.ok()) << status << condition->Build(pool_, symbols_).ToString()
                               << Describe(env_.recorded_guards(), hints_) << Describe(env_.runtime_asserts(), hints_);
    }
    for (int i = 0; i < 6; ++i) {
      auto condition = maker_.Condition(static_cast<int>(maker_.Roll(1, 3)));
      Expr built = condition->Build(pool_, symbols_);
      absl::StatusOr<bool> outcome = env_.Test(built, "random");
      if (!outcome.ok()) continue;
      decisions_.push_back({std::move(condition), *outcome});
    }
    for (int i = 0; i < 4; ++i) expressions_.push_back(maker_.Integer(3));
  }

  void Check() {
    std::vector<Guard> guards = env_.Guards();
    std::vector<Guard> recorded = env_.recorded_guards();
    std::vector<Expr> simple;
    for (const auto& e : expressions_) simple.push_back(env_.Simplify(e->Build(pool_, symbols_)));
    ASSERT_TRUE(Holds(guards, hints_)) << Describe(guards, hints_);
    for (int64_t a = 0; a <= kLargest + 2; ++a) {
      for (int64_t b = 0; b <= kLargest + 2; ++b) {
        for (int64_t c = 0; c <= kLargest + 2; ++c) {
          for (int64_t u = kUnbackedRange.lower; u <= (has_unbacked_ ? kUnbackedRange.upper : 0); ++u) {
            CheckAt({a, b, c, u}, guards, recorded, simple);
            if (::testing::Test::HasFailure()) return;
          }
        }
      }
    }
  }

 private:
  struct Decision {
    std::unique_ptr<NaiveExpr> condition;
    bool outcome;
  };

  void CheckAt(const std::vector<int64_t>& values, const std::vector<Guard>& guards,
               const std::vector<Guard>& recorded, const std::vector<Expr>& simple) {
    if (!Holds(guards, values)) {
      ASSERT_FALSE(Holds(recorded, values)) << Describe(guards, values) << Describe(recorded, values);
      return;
    }
    // A dropped guard that divides by zero here said nothing.
    ASSERT_EQ(Refuting(recorded, values), nullptr) << Describe(guards, values) << Describe(recorded, values);
    if (!Holds(env_.runtime_asserts(), values)) return;
    for (const Decision& d : decisions_) {
      std::optional<int64_t> truth = d.condition->Evaluate(values);
      if (!truth) continue;
      ASSERT_EQ(*truth != 0, d.outcome) << d.condition->Build(pool_, symbols_).ToString() << Describe(guards, values);
    }
    for (size_t i = 0; i < simple.size(); ++i) {
      std::optional<int64_t> expected = expressions_[i]->Evaluate(values);
      if (!expected || simple[i].is_poison()) continue;
      ASSERT_EQ(Evaluate(simple[i], values), expected)
          << expressions_[i]->Build(pool_, symbols_).ToString() << " became " << simple[i].ToString()
          << Describe(guards, values);
    }
  }

  std::optional<int64_t> Evaluate(Expr e, const std::vector<int64_t>& values) {
    return EvaluateInt(e, [&](Expr s) -> std::optional<int64_t> {
      return values[s == symbols_[kBacked] ? kBacked : s.symbol_name()[1] - '0'];
    });
  }
  // A guard that divides by zero does not hold.
  bool Holds(const std::vector<Guard>& guards, const std::vector<int64_t>& values) {
    for (const Guard& g : guards) {
      if (Evaluate(g.condition, values).value_or(0) == 0) return false;
    }
    return true;
  }
  const Guard* Refuting(const std::vector<Guard>& guards, const std::vector<int64_t>& values) {
    for (const Guard& g : guards) {
      if (Evaluate(g.condition, values) == 0) return &g;
    }
    return nullptr;
  }
  std::string Describe(const std::vector<Guard>& guards, const std::vector<int64_t>& values) {
    std::string text = "\nguards:";
    for (const Guard& g : guards) text += "\n  " + g.ToString();
    text += "\nvalues:";
    for (int64_t v : values) text += " " + std::to_string(v);
    return text;
  }

  bool has_unbacked_;
  ExprPool pool_;
  ShapeEnv env_{&pool_};
  NaiveExprMaker maker_;
  std::vector<Expr> symbols_;
  std::vector<int64_t> hints_;
  std::vector<Decision> decisions_;
  std::vector<std::unique_ptr<NaiveExpr>> expressions_;
};

TEST(ShapeEnvOracleTest, InputsThatPassTheGuardsGiveTheSameDecisions) {
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    RandomSession session(seed);
    session.Run();
    session.Check();
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace kiln
