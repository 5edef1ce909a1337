#include "cache/box_index.h"

#include <optional>
#include <random>

#include "absl/strings/str_cat.h"
#include "cache/testing/make_variant.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

struct Boxed {
  std::vector<Interval> box;
  IndexedVariantPtr variant;
};

// One after the other.
IndexedVariantPtr BestOf(const std::vector<Boxed>& all, const std::vector<int64_t>& point) {
  IndexedVariantPtr best;
  for (const Boxed& boxed : all) {
    bool in = true;
    for (size_t axis = 0; axis < point.size(); ++axis) in &= boxed.box[axis].Contains(point[axis]);
    if (in && IsNewer(boxed.variant.get(), best.get())) best = boxed.variant;
  }
  return best;
}

TEST(BoxIndexTest, TheNewerWinsThenTheLesserDigest) {
  const IndexedVariantPtr old = MakeVariant({.created = 1, .elf = "a"}), young = MakeVariant({.created = 2, .elf = "b"});
  EXPECT_TRUE(IsNewer(young.get(), old.get()));
  EXPECT_FALSE(IsNewer(old.get(), young.get()));
  EXPECT_TRUE(IsNewer(old.get(), nullptr));
  EXPECT_FALSE(IsNewer(nullptr, old.get()));
  const IndexedVariantPtr other = MakeVariant({.created = 1, .elf = "c"});
  EXPECT_NE(IsNewer(old.get(), other.get()), IsNewer(other.get(), old.get()));
}

TEST(BoxIndexTest, WithoutAxesTheBestOfAllIsFound) {
  BoxIndex index;
  EXPECT_EQ(index.Best({}), nullptr);
  for (int i = 0; i < 100; ++i) index.Add({}, MakeVariant({.created = i * 37 % 100, .elf = absl::StrCat("e", i)}));
  EXPECT_EQ((*index.Best({}))->record.created_unix_seconds(), 99);
}

TEST(BoxIndexTest, AnEmptyIntervalHoldsNothing) {
  BoxIndex index;
  const Interval box[] = {{5, 4}};
  for (int i = 0; i < 40; ++i) index.Add(box, MakeVariant({.elf = absl::StrCat("e", i)}));
  for (int64_t x : {3, 4, 5, 6}) EXPECT_EQ(index.Best({x}), nullptr);
}

// Random boxes of so many axes, some equal, some open at an end; additions, removals
// and searches in a random order.
class BoxIndexOracleTest : public ::testing::TestWithParam<int> {};

TEST_P(BoxIndexOracleTest, FindsWhatAScanFinds) {
  const auto axes = static_cast<size_t>(GetParam());
  std::mt19937 random(static_cast<unsigned>(11 + GetParam()));
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const auto draw = [&] {
    const int64_t lower = pick(40);
    switch (pick(4)) {
      case 0: return Interval{.lower = lower};
      case 1: return Interval{.upper = lower};
      default: return Interval{lower, lower + pick(20)};
    }
  };
  BoxIndex index;
  std::vector<Boxed> all;
  for (int step = 0; step < 4000; ++step) {
    // It grows, then shrinks, then grows again.
    const bool grow = step % 1600 < 1000 ? pick(5) != 0 : pick(5) == 0;
    if (grow) {
      Boxed boxed{{}, MakeVariant({.created = pick(6), .elf = absl::StrCat("e", step)})};
      for (size_t axis = 0; axis < axes; ++axis) boxed.box.push_back(draw());
      index.Add(boxed.box, boxed.variant);
      all.push_back(std::move(boxed));
    } else if (!all.empty()) {
      const auto at = static_cast<size_t>(pick(static_cast<int>(all.size())));
      ASSERT_TRUE(index.Remove(all[at].box, all[at].variant->artifact));
      ASSERT_FALSE(index.Remove(all[at].box, all[at].variant->artifact));
      all.erase(all.begin() + static_cast<ptrdiff_t>(at));
    }
    ASSERT_EQ(index.size(), all.size());
    std::vector<int64_t> point;
    for (size_t axis = 0; axis < axes; ++axis) point.push_back(pick(64) - 2);
    const IndexedVariantPtr* best = index.Best(point);
    ASSERT_EQ(best == nullptr ? nullptr : *best, BestOf(all, point)) << "step " << step;
  }
  std::vector<IndexedVariantPtr> listed;
  index.AppendTo(listed, 100000);
  EXPECT_EQ(listed.size(), all.size());
  index.AppendTo(listed, all.size() + 3);
  EXPECT_EQ(listed.size(), all.size() + (all.size() > 3 ? 3 : all.size()));
}

INSTANTIATE_TEST_SUITE_P(Axes, BoxIndexOracleTest, ::testing::Values(0, 1, 2, 3, 5));

}  // namespace
}  // namespace kiln
