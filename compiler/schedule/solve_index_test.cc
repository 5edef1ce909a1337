// Index algebra: digits, solutions, splits.
#include "compiler/schedule/solve_index.h"

#include <optional>
#include <string>
#include <vector>

#include "compiler/schedule/index_analysis.h"
#include "gtest/gtest.h"

namespace kiln::schedule {
namespace {

// Store axes are i0, i1, ...; load axes i8, i9, ....
class SolveIndexTest : public ::testing::Test {
 protected:
  SolveIndexTest() : index_(&pool_, nullptr, {}) {
    for (int n = 0; n < 12; ++n) index_.Variable(n);
  }

  Expr Parse(const std::string& text) { return *pool_.Parse(text); }

  std::vector<Digit> Axes(int first, const std::vector<std::string>& extents) {
    std::vector<Digit> axes;
    for (size_t a = 0; a < extents.size(); ++a) {
      int axis = first + static_cast<int>(a);
      axes.push_back({axis, index_.Variable(axis), Expr(0), Parse(extents[a])});
    }
    return axes;
  }

  // "i0=.. i1=..", in the order of axes; "none" where there is no solution.
  std::string Solve(const std::string& store, const std::vector<std::string>& store_extents, const std::string& load,
                    const std::vector<std::string>& load_extents) {
    std::vector<Digit> digits = Axes(0, store_extents), terms = Axes(8, load_extents);
    if (!SortIntoDigits(Parse(store), digits, index_)) return "not mixed-radix";
    if (!ReadTerms(Parse(load), terms, index_)) return "not affine";
    auto values = SolveDigits(digits, index_.Form(Parse(store)).offset, terms, index_.Form(Parse(load)).offset, index_);
    if (!values.has_value()) return "none";
    std::string text;
    for (size_t axis = 0; axis < digits.size(); ++axis) {
      for (size_t d = 0; d < digits.size(); ++d) {
        if (digits[d].axis != static_cast<int>(axis)) continue;
        text += (text.empty() ? "" : " ") + digits[d].variable.ToString() + "=" + (*values)[d].ToString();
      }
    }
    return text;
  }

  ExprPool pool_;
  IndexAnalysis index_;
};

TEST_F(SolveIndexTest, EqualIndicesNameTheSamePoint) {
  EXPECT_EQ(Solve("s1*i0 + i1", {"s0", "s1"}, "s1*i8 + i9", {"s0", "s1"}), "i0=i8 i1=i9");
}

TEST_F(SolveIndexTest, APermutedStoreIsSolvedByStrides) {
  EXPECT_EQ(Solve("i0 + s0*i1", {"s0", "s1"}, "s0*i8 + i9", {"s1", "s0"}), "i0=i9 i1=i8");
}

TEST_F(SolveIndexTest, AMergedAxisTakesSeveralTerms) {
  EXPECT_EQ(Solve("384*i0 + i1", {"s0*s1", "384"}, "384*s1*i8 + 384*i9 + i10", {"s0", "s1", "384"}),
            "i0=i8*s1 + i9 i1=i10");
}

TEST_F(SolveIndexTest, ASliceStaysInRange) {
  EXPECT_EQ(Solve("16*i0 + i1", {"s0", "16"}, "16*i8 + i9 + 4", {"s0", "3"}), "i0=i8 i1=i9 + 4");
  EXPECT_EQ(Solve("16*i0 + i1", {"s0", "16"}, "16*i8 + i9 + 14", {"s0", "3"}), "none");
}

TEST_F(SolveIndexTest, AFlipOfAConstantSizeIsSolved) {
  EXPECT_EQ(Solve("16*i0 + i1", {"s0", "16"}, "16*i8 - i9 + 15", {"s0", "16"}), "i0=i8 i1=-i9 + 15");
}

TEST_F(SolveIndexTest, ASelectedElementIsAConstantDigit) {
  EXPECT_EQ(Solve("16*i0 + i1", {"s0", "16"}, "16*i8 + 7", {"s0"}), "i0=i8 i1=7");
}

TEST_F(SolveIndexTest, AnotherWindowOfTheBufferWasNotWritten) {
  EXPECT_EQ(Solve("48*i0 + i1", {"s0", "24"}, "48*i8 + i9 + 24", {"s0", "24"}), "none");
}

TEST_F(SolveIndexTest, OverlappingOrMissingStridesAreNoDigits) {
  EXPECT_EQ(Solve("4*i0 + i1", {"s0", "8"}, "i8", {"8"}), "not mixed-radix");
  EXPECT_EQ(Solve("i0", {"s0", "8"}, "i8", {"8"}), "not mixed-radix");
}

TEST_F(SolveIndexTest, ALongerTermIsSplitByTheDigitBelow) {
  std::vector<Digit> digits = Axes(0, {"s0", "384"}), terms = Axes(8, {"384*s0"});
  ASSERT_TRUE(SortIntoDigits(Parse("384*i0 + i1"), digits, index_));
  ASSERT_TRUE(ReadTerms(Parse("i8"), terms, index_));
  std::optional<Split> split = FindSplit(digits, terms, index_);
  ASSERT_TRUE(split.has_value());
  EXPECT_TRUE(split->of_load);
  EXPECT_EQ(split->axis, 8);
  EXPECT_EQ(split->low, Expr(384));
}

TEST(IndexAnalysisTest, DividesProductsSumsAndPowersExactly) {
  ExprPool pool;
  IndexAnalysis index(&pool, nullptr, {});
  struct Case {
    const char* a;
    const char* b;
    const char* quotient;
  };
  const Case kCases[] = {{"384*s0*s1", "s1", "384*s0"}, {"384*s0", "96", "4*s0"}, {"s0*s1 + 2*s1", "s1", "s0 + 2"},
                         {"s0**2*s1", "s0", "s0*s1"},   {"s0", "s1", nullptr},    {"6*s0", "4", nullptr}};
  for (const Case& c : kCases) {
    std::optional<Expr> q = index.DivideExact(*pool.Parse(c.a), *pool.Parse(c.b));
    ASSERT_EQ(q.has_value(), c.quotient != nullptr) << c.a << " / " << c.b;
    if (!q.has_value()) continue;
    EXPECT_EQ(*q, *pool.Parse(c.quotient)) << c.a << " / " << c.b;
  }
}

TEST(IndexAnalysisTest, VariablesAvoidNamesOfTheGraph) {
  ExprPool pool;
  IndexAnalysis index(&pool, nullptr, {"i3", "s0"});
  EXPECT_EQ(index.Variable(3).ToString(), "i_3");
}

}  // namespace
}  // namespace kiln::schedule
