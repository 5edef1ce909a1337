#include "cache/value_order.h"

#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

constexpr int64_t kMiB = 1 << 20;

bool NothingIsPinned(const Digest&) { return false; }

class ValueOrderTest : public ::testing::Test {
 protected:
  static ArtifactWorth Worth(double seconds, int64_t mib = 1, uint32_t tenant = 0) {
    return {mib * kMiB, seconds, tenant};
  }
  // Adds it and uses it so often.
  void Add(const std::string& name, const ArtifactWorth& worth, int uses = 1) {
    order_.Add(Sha256(name), worth);
    for (int i = 0; i < uses; ++i) ASSERT_TRUE(order_.Use(Sha256(name), worth));
    newest_ = Sha256(name);
  }
  // Names of what leaves, in order.
  std::string Overflow(const std::function<bool(const Digest&)>& is_pinned = NothingIsPinned) {
    std::string names;
    for (const ValueOrder::Evicted& evicted : order_.TakeOverflow(newest_, is_pinned)) {
      for (char name = 'a'; name <= 'z'; ++name) {
        if (Sha256(std::string(1, name)) == evicted.artifact) names += name;
      }
    }
    return names;
  }

  ValueOrder order_{{.max_bytes = 4 * kMiB, .slack = 0}};
  Digest newest_;
};

TEST_F(ValueOrderTest, NothingLeavesWhileThereIsRoom) {
  for (const char* name : {"a", "b", "c", "d"}) Add(name, Worth(1));
  EXPECT_EQ(Overflow(), "");
  EXPECT_EQ(order_.bytes(), 4 * kMiB);
}

TEST_F(ValueOrderTest, WhatCostLittleLeavesFirst) {
  Add("a", Worth(20));
  Add("b", Worth(1));
  Add("c", Worth(30));
  Add("d", Worth(10));
  Add("e", Worth(15));
  EXPECT_EQ(Overflow(), "b");
}

TEST_F(ValueOrderTest, OfEqualCostTheLargeLeavesFirst) {
  Add("a", Worth(5, 1));
  Add("b", Worth(5, 3));
  Add("c", Worth(5, 1));
  EXPECT_EQ(Overflow(), "b");
}

TEST_F(ValueOrderTest, WhatIsUsedOftenStays) {
  Add("a", Worth(1), /*uses=*/9);
  for (const char* name : {"b", "c", "d", "e"}) Add(name, Worth(2));
  EXPECT_EQ(Overflow().size(), 1u);
  EXPECT_TRUE(order_.Contains(Sha256("a")));
}

// However often it was used: others are used meanwhile.
TEST_F(ValueOrderTest, WhatIsUsedNoMoreAges) {
  Add("a", Worth(1), /*uses=*/50);
  int rounds = 0;
  for (; order_.Contains(Sha256("a")) && rounds < 1000; ++rounds) {
    Add(absl::StrCat("other ", rounds), Worth(1));
    order_.TakeOverflow(newest_, NothingIsPinned);
  }
  EXPECT_GT(rounds, 50);
  EXPECT_LT(rounds, 1000);
}

TEST_F(ValueOrderTest, TheNewestAndThePinnedStay) {
  Add("a", Worth(1));
  Add("b", Worth(9));
  Add("c", Worth(9));
  Add("d", Worth(9));
  Add("e", Worth(0));
  EXPECT_EQ(Overflow([](const Digest& digest) { return digest == Sha256("a"); }).size(), 1u);
  EXPECT_TRUE(order_.Contains(Sha256("a")));
  EXPECT_TRUE(order_.Contains(Sha256("e")));
  // They may leave later.
  newest_ = Digest();
  Add("f", Worth(9));
  EXPECT_EQ(Overflow(), "e");
}

TEST_F(ValueOrderTest, WhenEverythingIsPinnedNothingLeaves) {
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) Add(name, Worth(1));
  EXPECT_EQ(Overflow([](const Digest&) { return true; }), "");
  EXPECT_EQ(order_.bytes(), 6 * kMiB);
  EXPECT_EQ(Overflow().size(), 2u);
}

TEST_F(ValueOrderTest, ATenantWithinItsShareLosesNothing) {
  Add("a", Worth(0.1, 1, 1));
  Add("b", Worth(0.1, 1, 1));
  for (const char* name : {"c", "d", "e"}) Add(name, Worth(50, 1, 2), /*uses=*/20);
  EXPECT_EQ(Overflow().size(), 1u);
  EXPECT_TRUE(order_.Contains(Sha256("a")));
  EXPECT_TRUE(order_.Contains(Sha256("b")));
}

TEST_F(ValueOrderTest, AloneATenantHasAll) {
  for (const char* name : {"a", "b", "c", "d"}) Add(name, Worth(1, 1, 7));
  EXPECT_EQ(Overflow(), "");
}

TEST_F(ValueOrderTest, UsesOfWhatLeftAreRemembered) {
  Add("a", Worth(1), /*uses=*/3);
  for (const char* name : {"b", "c", "d", "e"}) Add(name, Worth(9));
  EXPECT_EQ(Overflow(), "a");
  Add("a", Worth(1));
  EXPECT_EQ(order_.StandingOf(Sha256("a")).uses, 4);
}

TEST_F(ValueOrderTest, ARestartKeepsTheOrder) {
  Add("a", Worth(1), 5);
  Add("b", Worth(1), 2);
  Add("c", Worth(1), 3);
  ValueOrder after({.max_bytes = 2 * kMiB, .slack = 0});
  for (const char* name : {"a", "b", "c"}) {
    const ValueOrder::Standing standing = order_.StandingOf(Sha256(name));
    after.Restore(Sha256(name), Worth(1), standing);
    EXPECT_EQ(after.StandingOf(Sha256(name)).uses, standing.uses);
    EXPECT_EQ(after.StandingOf(Sha256(name)).credit, standing.credit);
  }
  const std::vector<ValueOrder::Evicted> leaving = after.TakeOverflow(Digest(), NothingIsPinned);
  ASSERT_EQ(leaving.size(), 1u);
  EXPECT_EQ(leaving[0].artifact, Sha256("b"));
}

TEST_F(ValueOrderTest, NumbersThatAreNoneAreLivedWith) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  Add("a", {-5, nan, 1000000});
  Add("b", {INT64_MAX, infinite, 0});
  Add("c", {kMiB, -3, 0});
  order_.Restore(Sha256("d"), {kMiB, nan, 0}, {-7, nan});
  order_.Restore(Sha256("e"), {kMiB, 1, 0}, {3, infinite});
  EXPECT_GT(order_.bytes(), 0);
  EXPECT_GE(Overflow().size(), 1u);
  for (const char* name : {"a", "b", "c", "d", "e"}) order_.Erase(Sha256(name));
  EXPECT_EQ(order_.bytes(), 0);
  EXPECT_EQ(order_.size(), 0u);
}

// Sums and orders stay right whatever is done.
TEST_F(ValueOrderTest, SumsAreThoseOfWhatIsThere) {
  std::mt19937 random(3);
  ValueOrder order({.max_bytes = 40 * kMiB});
  absl::flat_hash_map<Digest, int64_t> bytes;
  for (int step = 0; step < 5000; ++step) {
    const Digest artifact = Sha256(absl::StrCat(random() % 90));
    const ArtifactWorth worth{static_cast<int64_t>(random() % 4) * kMiB, static_cast<double>(random() % 9),
                              static_cast<uint32_t>(random() % 3)};
    switch (random() % 4) {
      case 0:
        if (!order.Contains(artifact)) bytes[artifact] = worth.bytes;
        order.Add(artifact, worth);
        break;
      case 1:
        ASSERT_EQ(order.Use(artifact, worth), bytes.contains(artifact));
        break;
      case 2:
        order.Erase(artifact);
        bytes.erase(artifact);
        break;
      default:
        for (const ValueOrder::Evicted& evicted : order.TakeOverflow(artifact, [&](const Digest& d) {
               return d.bytes()[0] % 8 == 0;
             })) {
          ASSERT_EQ(bytes.erase(evicted.artifact), 1u);
          ASSERT_NE(evicted.artifact, artifact);
        }
    }
    int64_t sum = 0;
    for (const auto& [digest, size] : bytes) sum += size;
    ASSERT_EQ(order.bytes(), sum);
    ASSERT_EQ(order.size(), bytes.size());
  }
}

}  // namespace
}  // namespace kiln
