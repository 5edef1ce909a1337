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

TEST_F(GuardIndexTest, WhatIsFasterForItsSizesComesBeforeWhatIsGeneral) {
  Add({.elf = "anything"});
  Add({.guards = {"s1 == 16"}, .performance_guards = {"s0 % 8 == 0"}, .elf = "fast"});
  EXPECT_EQ(Find({16, 16, 1}), Named("fast"));
  EXPECT_EQ(Find({17, 16, 1}), Named("anything"));
  Add({.performance_guards = {"s0 % 16 == 0"}, .elf = "fast and more general"});
  EXPECT_EQ(Find({16, 16, 1}), Named("fast and more general"));
  EXPECT_EQ(Find({8, 16, 1}), Named("fast"));
}

TEST_F(GuardIndexTest, FindsByBoundsAndResidues) {
  for (int64_t i = 1; i <= 300; ++i) {
    Add({.guards = {absl::StrCat("s0 <= ", 64 * i), absl::StrCat("s1 % 8 == ", i % 8)}, .elf = absl::StrCat("e", i)});
  }
  // 300 is the last whose remainder is 4; with it every bound is met.
  EXPECT_EQ(index_.num_variants(), 300);
  EXPECT_EQ(Find({64 * 300, 4, 1}), Named("e300"));
  EXPECT_EQ(Find({64 * 300, 5, 1}), "MISS_REASON_GUARD_FAILED ");
  EXPECT_EQ(Find({64 * 299, 3, 1}), Named("e299"));
  EXPECT_EQ(Find({64 * 300 + 1, 4, 1}), "MISS_REASON_GUARD_FAILED ");
  index_.Remove(MakeKey("g"), Sha256("e300"));
  EXPECT_EQ(Find({64 * 300, 4, 1}), "MISS_REASON_GUARD_FAILED ");
  EXPECT_EQ(Find({64 * 292, 4, 1}), Named("e292"));
}

TEST_F(GuardIndexTest, AGuardWithoutAValueDoesNotHold) {
  Add({.guards = {"s0 // s1 <= 4"}, .elf = "quotient"});
  Add({.guards = {"s0 * s2 <= 100"}, .created = -1, .elf = "product"});
  EXPECT_EQ(Find({8, 2, INT64_MAX}), Named("quotient"));
  EXPECT_EQ(Find({8, 0, INT64_MAX}), "MISS_REASON_GUARD_FAILED ");
  EXPECT_EQ(Find({8, 0, 3}), Named("product"));
}

// What has left must not cost those that stay for ever.
TEST_F(GuardIndexTest, VariantsThatComeAndGoLeaveNothingBehind) {
  Add({.guards = {"s0 <= 3"}, .elf = "stays"});
  for (int i = 0; i < 6000; ++i) {
    Add({.guards = {absl::StrCat("s0 * ", i + 2, " <= s1")}, .elf = absl::StrCat("e", i)});
    index_.Remove(MakeKey("g"), Sha256(absl::StrCat("e", i)));
  }
  EXPECT_EQ(index_.num_variants(), 1);
  EXPECT_EQ(Find({3, 0, 0}), Named("stays"));
  EXPECT_EQ(Find({4, 0, 0}), "MISS_REASON_GUARD_FAILED ");
}

TEST_F(GuardIndexTest, TellsHowManyVariantsKeysHave) {
  Add({.graph = "one", .elf = "a"});
  for (int i = 0; i < 5; ++i) Add({.graph = "five", .elf = absl::StrCat("b", i)});
  EXPECT_EQ(index_.keys_by_size()[0], 1);
  EXPECT_EQ(index_.keys_by_size()[2], 1);
  index_.Remove(MakeKey("one"), Sha256("a"));
  index_.Remove(MakeKey("five"), Sha256("b0"));
  index_.Remove(MakeKey("five"), Sha256("b1"));
  EXPECT_EQ(index_.keys_by_size()[0], 0);
  EXPECT_EQ(index_.keys_by_size()[1], 1);
  EXPECT_EQ(index_.keys_by_size()[2], 0);
}

TEST_F(GuardIndexTest, RefusesOtherNamesOfSymbols) {
  Add({.elf = "a"});
  v1::VariantRecord record = MakeRecord({.elf = "b"});
  record.set_symbols(1, "t1");
  v1::SignedVariant row;
  row.set_record(record.SerializeAsString());
  EXPECT_EQ(GetErrorReason(index_.Add(*MakeIndexedVariant(row))), ErrorReason::kArtifactCorrupt);
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
  EXPECT_EQ(all[1]->artifact, Sha256("pin"));
}

// Random variants of two keys, random lookups, some removals: what the index says is
// what its naive twin says.
class GuardIndexOracleTest : public ::testing::TestWithParam<int> {
 protected:
  int Pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  std::string DrawGuard() {
    const int a = Pick(3), b = Pick(3), c = Pick(4);
    switch (Pick(14)) {
      case 0: case 1: case 2: return absl::StrCat("s", a, " == ", c);
      case 3: return absl::StrCat("s", a, " != ", c);
      case 4: return absl::StrCat("s", a, " <= s", b);
      case 5: case 6: return absl::StrCat("s", a, " % ", 2 + Pick(2), " == ", Pick(2));
      case 7: return absl::StrCat("s", a, " + s", b, " == ", c);
      case 8: return absl::StrCat(c, " <= s", a);
      case 9: case 10: return absl::StrCat("s", a, " <= ", c);
      case 11: return absl::StrCat("s", a, "*s", b, " <= ", c);
      case 12: return absl::StrCat("s", a, " // s", b, " < ", c);
      default: return absl::StrCat("And(s", a, " == ", c, ", s", b, " < 3)");
    }
  }

  VariantSpec DrawVariant() {
    const std::vector<std::string> features = {"avx2", "fma"};
    VariantSpec spec{
        .graph = Pick(4) == 0 ? "h" : "g", .created = Pick(3), .elf = absl::StrCat("e", Pick(GetParam()))};
    for (int g = Pick(4); g > 0; --g) spec.guards.push_back(DrawGuard());
    if (Pick(5) == 0) spec.performance_guards.push_back(DrawGuard());
    if (Pick(2) == 0) spec.features.push_back(features[static_cast<size_t>(Pick(2))]);
    if (Pick(4) == 0) spec.extern_ops.push_back("aten.mm.out");
    spec.abi = Pick(6) == 0 ? 2 : 1;
    return spec;
  }

  void Fill(int variants) {
    for (int v = 0; v < variants; ++v) {
      const VariantSpec spec = DrawVariant();
      ASSERT_TRUE(index_.Add(MakeVariant(spec)).ok());
      naive_.Add(MakeVariant(spec));
      if (Pick(4) != 0) continue;
      const Digest gone = Sha256(absl::StrCat("e", Pick(GetParam())));
      index_.Remove(MakeKey("g"), gone);
      naive_.Remove(MakeKey("g"), gone);
    }
  }

  void ExpectEqualAnswers() {
    const HostClass hosts[] = {MakeHost(), MakeHost({"avx2"}), MakeHost({"avx2", "fma"}, {"aten.*"}, 1, 2)};
    for (int64_t s = 0; s < 64; ++s) {
      const std::vector<int64_t> values = {s % 4, s / 4 % 4, s / 16};
      for (const HostClass& host : hosts) {
        for (const char* graph : {"g", "h", "none"}) {
          absl::StatusOr<IndexAnswer> got = index_.Lookup(MakeKey(graph), values, host);
          ASSERT_TRUE(got.ok()) << got.status();
          const IndexAnswer want = naive_.Lookup(MakeKey(graph), values, host);
          ASSERT_EQ(got->variant == nullptr, want.variant == nullptr);
          if (want.variant != nullptr) {
            ASSERT_EQ(got->variant->artifact, want.variant->artifact);
          }
          ASSERT_EQ(got->reasons, want.reasons);
        }
      }
    }
  }

  std::mt19937 random_{static_cast<unsigned>(GetParam())};
  GuardIndex index_;
  NaiveGuardIndex naive_;
};

TEST_P(GuardIndexOracleTest, AgreesWithTheNaiveTwin) {
  for (int round = 0; round < 5; ++round) {
    Fill(GetParam());
    ExpectEqualAnswers();
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, GuardIndexOracleTest, ::testing::Values(3, 10, 25, 26, 27, 28, 120, 400));

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
