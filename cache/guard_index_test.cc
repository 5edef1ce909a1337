#include "cache/guard_index.h"

#include <chrono>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/naive_guard_index.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class GuardIndexTest : public ::testing::Test {
 protected:
  void Add(const VariantSpec& spec) {
    absl::Status status = index_.Add(MakeVariant(spec));
    ASSERT_TRUE(status.ok()) << status;
  }
  // The ELF of the variant found, or the reasons.
  std::string Find(std::vector<int64_t> values, const HostClass& host = MakeHost(), const std::string& graph = "g") {
    absl::StatusOr<IndexAnswer> answer = index_.Lookup(MakeKey(graph), values, host);
    if (!answer.ok()) return std::string(answer.status().message());
    if (answer->variant != nullptr) return answer->variant->artifact.ToHex();
    std::string reasons;
    for (v1::MissReason reason : answer->reasons) absl::StrAppend(&reasons, v1::MissReason_Name(reason), " ");
    return reasons;
  }
  static std::string Named(const std::string& elf) { return Sha256(elf).ToHex(); }

  GuardIndex index_;
};

TEST_F(GuardIndexTest, AnEmptyIndexKnowsNoKey) { EXPECT_EQ(Find({1, 2, 3}), "MISS_REASON_UNKNOWN_KEY "); }

TEST_F(GuardIndexTest, FindsByPinnedValues) {
  for (int i = 0; i < 100; ++i) Add({.guards = {absl::StrCat("s0 == ", i)}, .elf = absl::StrCat("e", i)});
  EXPECT_EQ(Find({42, 0, 0}), Named("e42"));
  EXPECT_EQ(Find({100, 0, 0}), "MISS_REASON_GUARD_FAILED ");
  EXPECT_EQ(index_.num_variants(), 100);
  EXPECT_EQ(index_.num_keys(), 1);
}

TEST_F(GuardIndexTest, PicksMostGeneralVariantFirst) {
  Add({.guards = {"s0 == 8", "s1 == 16"}, .elf = "two pins"});
  EXPECT_EQ(Find({8, 16, 1}), Named("two pins"));
  Add({.guards = {"s0 == 8"}, .elf = "one pin"});
  EXPECT_EQ(Find({8, 16, 1}), Named("one pin"));
  Add({.guards = {"s1 % 8 == 0", "s2 < 5"}, .elf = "two tests"});
  EXPECT_EQ(Find({8, 16, 1}), Named("two tests"));
  Add({.guards = {"s1 % 8 == 0"}, .elf = "one test"});
  EXPECT_EQ(Find({8, 16, 1}), Named("one test"));
  Add({.elf = "anything"});
  EXPECT_EQ(Find({8, 16, 1}), Named("anything"));
}

TEST_F(GuardIndexTest, PrefersTheVariantThatUsesMoreOfTheProcessor) {
  Add({.features = {"avx2"}, .elf = "avx2"});
  Add({.features = {"avx2", "avx512f"}, .elf = "avx512"});
  EXPECT_EQ(Find({1, 1, 1}, MakeHost({"avx2", "avx512f"})), Named("avx512"));
  EXPECT_EQ(Find({1, 1, 1}, MakeHost({"avx2"})), Named("avx2"));
  EXPECT_EQ(Find({1, 1, 1}), "MISS_REASON_ISA ");
}

TEST_F(GuardIndexTest, SaysWhatTheHostLacks) {
  Add({.guards = {"s0 == 8"}, .extern_ops = {"aten.mm.out"}, .elf = "a"});
  Add({.guards = {"s0 == 8"}, .abi = 2, .elf = "b"});
  EXPECT_EQ(Find({8, 1, 1}), "MISS_REASON_ABI MISS_REASON_EXTERN_OP ");
  EXPECT_EQ(Find({9, 1, 1}), "MISS_REASON_GUARD_FAILED ");
  EXPECT_EQ(Find({8, 1, 1}, MakeHost({}, {"aten.*"})), Named("a"));
}

TEST_F(GuardIndexTest, KeysDoNotMix) {
  Add({.graph = "g", .elf = "g"});
  Add({.graph = "h", .elf = "h"});
  EXPECT_EQ(Find({1, 1, 1}, MakeHost(), "g"), Named("g"));
  EXPECT_EQ(Find({1, 1, 1}, MakeHost(), "h"), Named("h"));
}

TEST_F(GuardIndexTest, AddingTheSameArtifactReplacesIt) {
  Add({.created = 1, .elf = "a"});
  Add({.created = 2, .elf = "a"});
  EXPECT_EQ(index_.num_variants(), 1);
  EXPECT_EQ(index_.VariantsOf(MakeKey("g"))[0]->record.created_unix_seconds(), 2);
}

TEST_F(GuardIndexTest, RemovingTheLastVariantForgetsTheKey) {
  Add({.guards = {"s0 == 1"}, .elf = "a"});
  Add({.num_symbols = 3, .guards = {"s0 == 2"}, .elf = "b"});
  index_.Remove(MakeKey("g"), Sha256("a"));
  EXPECT_EQ(Find({1, 1, 1}), "MISS_REASON_GUARD_FAILED ");
  index_.Remove(MakeKey("g"), Sha256("b"));
  index_.Remove(MakeKey("g"), Sha256("b"));
  EXPECT_EQ(Find({1, 1, 1}), "MISS_REASON_UNKNOWN_KEY ");
  EXPECT_EQ(index_.num_keys(), 0);
  EXPECT_EQ(index_.num_variants(), 0);
}

TEST_F(GuardIndexTest, RefusesAnotherNumberOfValues) {
  Add({.elf = "a"});
  EXPECT_EQ(Find({1, 1}), "the request has 2 symbol values but its key has 3 symbols");
}

TEST_F(GuardIndexTest, CorruptGuardsLeaveTheIndexAsItWas) {
  absl::Status status = index_.Add(MakeVariant({.guards = {"s0 =="}}));
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kArtifactCorrupt);
  EXPECT_EQ(index_.num_keys(), 0);
  Add({.elf = "a"});
  status = index_.Add(MakeVariant({.num_symbols = 4, .elf = "b"}));
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kArtifactCorrupt);
  EXPECT_EQ(index_.num_variants(), 1);
}

TEST_F(GuardIndexTest, HoldsNoMoreVariantsOfAKeyThanTheLimit) {
  const int64_t limit = GetLimit(Limit::kVariantsPerKey);
  for (int64_t i = 0; i < limit; ++i) Add({.guards = {absl::StrCat("s0 == ", i)}, .elf = absl::StrCat("e", i)});
  absl::Status status = index_.Add(MakeVariant({.elf = "one more"}));
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kLimitExceeded);
  Add({.guards = {"s0 == 7"}, .created = 9, .elf = "e7"});
  EXPECT_EQ(index_.num_variants(), limit);
}

TEST_F(GuardIndexTest, ListsVariantsMostGeneralFirst) {
  Add({.guards = {"s0 == 8"}, .elf = "pin"});
  Add({.elf = "free"});
  std::vector<IndexedVariantPtr> all = index_.VariantsOf(MakeKey("g"));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]->artifact, Sha256("free"));
}

// The oracle: random variants, random lookups, some removals.
TEST(GuardIndexOracleTest, AgreesWithTheNaiveTwin) {
  std::mt19937 random(7);
  auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  auto random_guard = [&]() -> std::string {
    const int a = pick(3), b = pick(3), c = pick(4);
    switch (pick(8)) {
      case 0: case 1: case 2: return absl::StrCat("s", a, " == ", c);
      case 3: return absl::StrCat("s", a, " != ", c);
      case 4: return absl::StrCat("s", a, " <= s", b);
      case 5: return absl::StrCat("s", a, " % 2 == 0");
      case 6: return absl::StrCat("s", a, " + s", b, " == ", c);
      default: return absl::StrCat("And(s", a, " == ", c, ", s", b, " < 3)");
    }
  };
  const std::vector<std::string> features = {"avx2", "fma"};
  for (int round = 0; round < 40; ++round) {
    GuardIndex index;
    NaiveGuardIndex naive;
    for (int v = 0; v < 30; ++v) {
      VariantSpec spec{.graph = pick(4) == 0 ? "h" : "g", .created = pick(3), .elf = absl::StrCat("e", pick(25))};
      for (int g = pick(4); g > 0; --g) spec.guards.push_back(random_guard());
      if (pick(2) == 0) spec.features.push_back(features[static_cast<size_t>(pick(2))]);
      if (pick(4) == 0) spec.extern_ops.push_back("aten.mm.out");
      spec.abi = pick(6) == 0 ? 2 : 1;
      ASSERT_TRUE(index.Add(MakeVariant(spec)).ok());
      naive.Add(MakeVariant(spec));
      if (pick(6) == 0) {
        const Digest gone = Sha256(absl::StrCat("e", pick(25)));
        index.Remove(MakeKey("g"), gone);
        naive.Remove(MakeKey("g"), gone);
      }
    }
    const HostClass hosts[] = {MakeHost(), MakeHost({"avx2"}), MakeHost({"avx2", "fma"}, {"aten.*"}, 1, 2)};
    for (int64_t s = 0; s < 64; ++s) {
      const std::vector<int64_t> values = {s % 4, s / 4 % 4, s / 16};
      for (const HostClass& host : hosts) {
        for (const char* graph : {"g", "h", "none"}) {
          absl::StatusOr<IndexAnswer> got = index.Lookup(MakeKey(graph), values, host);
          ASSERT_TRUE(got.ok()) << got.status();
          IndexAnswer want = naive.Lookup(MakeKey(graph), values, host);
          ASSERT_EQ(got->variant == nullptr, want.variant == nullptr) << "round " << round;
          if (want.variant != nullptr) {
            ASSERT_EQ(got->variant->artifact, want.variant->artifact);
          }
          ASSERT_EQ(got->reasons, want.reasons);
        }
      }
    }
  }
}

double MicrosecondsPerLookup(int variants) {
  GuardIndex index;
  for (int i = 0; i < variants; ++i) {
    EXPECT_TRUE(
        index.Add(MakeVariant({.guards = {absl::StrCat("s0 == ", i), "s1 != 1"}, .elf = absl::StrCat("e", i)})).ok());
  }
  const VariantKey key = MakeKey("g");
  const HostClass host = MakeHost();
  constexpr int kLookups = 2000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kLookups; ++i) {
    EXPECT_NE(index.Lookup(key, {i % variants, 5, 5}, host)->variant, nullptr);
  }
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  return spent.count() / kLookups;
}

// A scan would be 400 times slower; a busy machine is not.
TEST(GuardIndexCostTest, TimeDoesNotGrowWithTheNumberOfVariants) {
  const double few = MicrosecondsPerLookup(10);
  const double many = MicrosecondsPerLookup(4000);
  RecordProperty("microseconds_10", absl::StrCat(few));
  RecordProperty("microseconds_4000", absl::StrCat(many));
  EXPECT_LT(many, 20 * few + 20);
}

TEST(GuardIndexConcurrencyTest, SixtyFourThreadsAddFindAndRemove) {
  GuardIndex index;
  const HostClass host = MakeHost();
  std::vector<std::thread> threads;
  for (int t = 0; t < 64; ++t) {
    threads.emplace_back([&, t] {
      const std::string graph = absl::StrCat("g", t % 4);
      for (int i = 0; i < 20; ++i) {
        const std::string elf = absl::StrCat("e", t, ".", i);
        ASSERT_TRUE(index.Add(MakeVariant({.graph = graph, .guards = {absl::StrCat("s0 == ", t)}, .elf = elf})).ok());
        absl::StatusOr<IndexAnswer> answer = index.Lookup(MakeKey(graph), {t, 0, 0}, host);
        ASSERT_TRUE(answer.ok());
        ASSERT_NE(answer->variant, nullptr);
        index.Remove(MakeKey(graph), Sha256(elf));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(index.num_variants(), 0);
  EXPECT_EQ(index.num_keys(), 0);
}

}  // namespace
}  // namespace kiln
