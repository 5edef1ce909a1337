// The canonical form against its naive twin, on random expressions.
#include <gtest/gtest.h>

#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/testing/naive_expr.h"
#include "fake_runtime/symbolic/value_range.h"

namespace kiln {
namespace {

constexpr int kSymbols = 3;
constexpr int kExpressions = 20000;
constexpr int kAssignments = 12;

class ExprOracleTest : public ::testing::Test {
 protected:
  ExprOracleTest() {
    for (const char* name : {"s0", "i1", "u2"}) symbols_.push_back(pool_.Symbol(name));
  }

  // Random trees, integers and conditions in turn; calls `check(naive, built)`.
  template <typename F>
  void ForRandomExpressions(uint32_t seed, F&& check) {
    NaiveExprMaker maker(seed, kSymbols, NaiveKinds::kEverything);
    for (int i = 0; i < kExpressions && !HasFailure(); ++i) {
      auto naive = i % 4 == 0 ? maker.Condition(4) : maker.Integer(1 + i % 4);
      Expr e = naive->Build(pool_, symbols_);
      if (!e.is_poison()) check(*naive, e, maker);
    }
  }
  std::vector<int64_t> RandomValues(NaiveExprMaker& maker) {
    std::vector<int64_t> values;
    for (int s = 0; s < kSymbols; ++s) values.push_back(maker.Roll(-12, 40));
    return values;
  }
  std::optional<int64_t> Evaluate(Expr e, const std::vector<int64_t>& values) {
    return EvaluateInt(e, [&](Expr s) -> std::optional<int64_t> {
      for (int i = 0; i < kSymbols; ++i) {
        if (symbols_[i] == s) return values[i];
      }
      return std::nullopt;
    });
  }
  static std::string Text(const std::vector<int64_t>& values) {
    std::string text;
    for (int64_t v : values) text += std::to_string(v) + " ";
    return text;
  }

  ExprPool pool_;
  std::vector<Expr> symbols_;
};

TEST_F(ExprOracleTest, CanonicalFormsMeanWhatWasWritten) {
  int compared = 0, overflows = 0;
  ForRandomExpressions(1, [&](const NaiveExpr& naive, Expr e, NaiveExprMaker& maker) {
    for (int i = 0; i < kAssignments; ++i) {
      std::vector<int64_t> values = RandomValues(maker);
      std::optional<int64_t> expected = naive.Evaluate(values);
      if (!expected) continue;
      std::optional<int64_t> value = Evaluate(e, values);
      // Expanded products and powers may overflow on the way.
      overflows += !value.has_value();
      ++compared;
      ASSERT_EQ(value.value_or(*expected), expected) << e.ToString() << " at " << Text(values);
    }
  });
  EXPECT_GT(compared, kExpressions * kAssignments / 2);
  EXPECT_LT(overflows, compared / 1000);
}

TEST_F(ExprOracleTest, BoundsHoldEveryValue) {
  ForRandomExpressions(2, [&](const NaiveExpr& naive, Expr e, NaiveExprMaker& maker) {
    std::vector<ValueRange> ranges;
    for (int s = 0; s < kSymbols; ++s) {
      int64_t low = maker.Roll(-12, 20);
      ranges.push_back({low, low + maker.Roll(0, 12)});
    }
    ValueRange bound = BoundOf(e, [&](Expr s) {
      ValueRange r = ranges[s == symbols_[0] ? 0 : (s == symbols_[1] ? 1 : 2)];
      // Open ends are ranges, too.
      return r.lower % 5 == 0 ? ValueRange{r.lower, ValueRange::kMax} : r;
    });
    for (int i = 0; i < kAssignments; ++i) {
      std::vector<int64_t> values;
      for (const ValueRange& r : ranges) values.push_back(maker.Roll(r.lower, r.upper));
      std::optional<int64_t> value = naive.Evaluate(values);
      if (!value) continue;
      ASSERT_TRUE(bound.Contains(*value)) << e.ToString() << " is " << *value << " at " << Text(values) << ", outside "
                                          << bound.ToString();
    }
  });
}

TEST_F(ExprOracleTest, SubstitutionMeansEvaluatingInTwoSteps) {
  ForRandomExpressions(3, [&](const NaiveExpr& naive, Expr e, NaiveExprMaker& maker) {
    auto naive_by = maker.Integer(2);
    Expr by = naive_by->Build(pool_, symbols_);
    if (by.is_poison()) return;
    Expr replaced = pool_.Substitute(
        e, [&](Expr s) { return s == symbols_[0] ? std::optional<Expr>(by) : std::nullopt; });
    if (replaced.is_poison()) return;
    for (int i = 0; i < kAssignments; ++i) {
      std::vector<int64_t> values = RandomValues(maker);
      std::optional<int64_t> inner = naive_by->Evaluate(values);
      if (!inner) continue;
      std::vector<int64_t> outer = values;
      outer[0] = *inner;
      std::optional<int64_t> expected = naive.Evaluate(outer);
      if (!expected) continue;
      ASSERT_EQ(Evaluate(replaced, values).value_or(*expected), expected)
          << e.ToString() << " with s0 = " << by.ToString() << " became " << replaced.ToString();
    }
  });
}

TEST_F(ExprOracleTest, LinearFormsAddUp) {
  int linear = 0;
  ForRandomExpressions(4, [&](const NaiveExpr&, Expr e, NaiveExprMaker& maker) {
    if (e.type() != ExprType::kInt) return;
    std::optional<LinearForm> form = SplitLinear(pool_, e, symbols_[1]);
    if (!form) return;
    ++linear;
    ASSERT_FALSE(form->coefficient.Mentions(symbols_[1]) || form->rest.Mentions(symbols_[1])) << e.ToString();
    ASSERT_EQ(pool_.Add(pool_.Mul(form->coefficient, symbols_[1]), form->rest), e);
  });
  EXPECT_GT(linear, kExpressions / 4);
}

TEST_F(ExprOracleTest, PrintedFormsParseBackToTheSameBits) {
  ForRandomExpressions(5, [&](const NaiveExpr&, Expr e, NaiveExprMaker&) {
    absl::StatusOr<Expr> again = pool_.Parse(e.ToString());
    ASSERT_TRUE(again.ok()) << again.status();
    ASSERT_EQ(*again, e) << e.ToString() << " became " << again->ToString();
  });
}

TEST_F(ExprOracleTest, CanonicalFormsRebuildToThemselves) {
  ForRandomExpressions(6, [&](const NaiveExpr&, Expr e, NaiveExprMaker&) {
    if (e.args().empty()) return;
    ASSERT_EQ(pool_.Make(e.kind(), e.args()), e) << e.ToString() << " " << pool_.Make(e.kind(), e.args()).ToString();
  });
}

TEST_F(ExprOracleTest, OtherPoolsGiveTheSameTextHashAndOrder) {
  ExprPool other;
  // Filled in another order first, so that addresses differ.
  std::vector<Expr> theirs;
  for (const char* name : {"u2", "i1", "s0"}) theirs.insert(theirs.begin(), other.Symbol(name));
  Expr previous = symbols_[0], previous_other = theirs[0];
  ForRandomExpressions(7, [&](const NaiveExpr& naive, Expr e, NaiveExprMaker&) {
    Expr rebuilt = naive.Build(other, theirs);
    ASSERT_EQ(rebuilt.ToString(), e.ToString());
    ASSERT_EQ(rebuilt.hash(), e.hash());
    ASSERT_EQ(Expr::Compare(rebuilt, e), 0);
    Expr imported = other.Import(e, [&](Expr s) { return other.Symbol(s.symbol_name()); });
    ASSERT_EQ(imported, rebuilt);
    ASSERT_EQ(Expr::Compare(previous, e), Expr::Compare(previous_other, rebuilt));
    ASSERT_EQ(Expr::Compare(previous, e), -Expr::Compare(e, previous));
    previous = e;
    previous_other = rebuilt;
  });
}

}  // namespace
}  // namespace kiln
