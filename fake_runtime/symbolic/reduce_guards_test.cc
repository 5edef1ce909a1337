#include "fake_runtime/symbolic/reduce_guards.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReduceGuardsTest : public ::testing::Test {
 protected:
  std::vector<std::string> Reduced(const std::vector<std::string>& conditions) {
    std::vector<Guard> guards;
    for (const std::string& c : conditions) guards.push_back({pool_.Parse(c).value(), GuardKind::kShape, {}});
    std::vector<Expr> symbols;
    absl::flat_hash_set<Expr> seen;
    for (const Guard& g : guards) {
      VisitSymbols(g.condition, [&](Expr s) {
        if (seen.insert(s).second) symbols.push_back(s);
      });
    }
    auto declare = [](Knowledge& k, Expr s) { k.AddSymbol(s, ValueRange::AtLeast(0), ValueRange::AtLeast(0), false); };
    std::vector<std::string> texts;
    for (const Guard& g : ReduceGuards(&pool_, symbols, declare, guards)) texts.push_back(g.condition.ToString());
    return texts;
  }

  ExprPool pool_;
};

TEST_F(ReduceGuardsTest, DropsWhatLaterOnesSay) {
  EXPECT_THAT(Reduced({"s0 >= 2", "s0 != 5", "s0 >= 8"}), ElementsAre("8 <= s0"));
}

TEST_F(ReduceGuardsTest, DropsWhatEarlierOnesSay) {
  EXPECT_THAT(Reduced({"s0 >= 8", "s0 >= 2"}), ElementsAre("8 <= s0"));
}

TEST_F(ReduceGuardsTest, DropsWhatEarlierAndLaterOnesSayTogether) {
  EXPECT_THAT(Reduced({"s0 <= s1", "s0 <= s2", "s1 <= s2"}), ElementsAre("s0 <= s1", "s1 <= s2"));
}

TEST_F(ReduceGuardsTest, OfTwoThatImplyEachOtherOneStays) {
  EXPECT_THAT(Reduced({"s0 == s1", "s1 == s0"}).size(), 1u);
  EXPECT_THAT(Reduced({"s0 + s1 <= 7", "s0 <= 7 - s1"}).size(), 1u);
}

TEST_F(ReduceGuardsTest, KeepsNoneOfNone) { EXPECT_THAT(Reduced({}), IsEmpty()); }

// Chains s0 <= s1 <= ... with every link twice and shortcuts over two links.
std::vector<std::string> Chains(int num_guards) {
  std::vector<std::string> conditions;
  for (int i = 0; static_cast<int>(conditions.size()) + 3 <= num_guards; i += 3) {
    const std::string a = absl::StrCat("s", i), b = absl::StrCat("s", i + 1), c = absl::StrCat("s", i + 2);
    conditions.push_back(absl::StrCat(a, " <= ", c));
    conditions.push_back(absl::StrCat(a, " <= ", b));
    conditions.push_back(absl::StrCat(b, " <= ", c));
  }
  return conditions;
}

TEST_F(ReduceGuardsTest, ThousandsAreReducedToAMinimum) {
  std::vector<std::string> conditions = Chains(4500);
  std::shuffle(conditions.begin(), conditions.end(), std::mt19937(3));
  EXPECT_EQ(Reduced(conditions).size(), conditions.size() / 3 * 2);
}

}  // namespace
}  // namespace kiln
