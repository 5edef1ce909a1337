#include "cache/nearest_entry.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/failed_guards.h"
#include "cache/testing/make_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kMany = 100;

// --- guards

std::vector<std::string> Failed(const std::vector<std::string>& guards, std::vector<int64_t> values) {
  std::vector<std::string> texts;
  for (const FailedGuard& f : FailedGuards(MakeRecord({.guards = guards}), values, kMany)) {
    texts.push_back(absl::StrCat(f.guard, ": ", f.condition, " (", f.values, ") symbol ", f.symbol));
  }
  return texts;
}

TEST(FailedGuardsTest, TellsConditionAndValues) {
  EXPECT_THAT(Failed({"s0 % 8 == 0", "s1 <= 64", "s1*s2 == 12"}, {36, 3, 5}),
              ElementsAre("0: s0 % 8 == 0 (s0 = 36) symbol 0", "2: s1*s2 == 12 (s1 = 3, s2 = 5) symbol 1"));
  EXPECT_THAT(Failed({"s0 % 8 == 0"}, {16, 3, 5}), IsEmpty());
}

TEST(FailedGuardsTest, WhatHasNoValueDoesNotHold) {
  EXPECT_THAT(Failed({"s0 // s1 == 1", "(((", "s9 == 1"}, {8, 0, 5}),
              ElementsAre("0: s0 // s1 == 1 (s0 = 8, s1 = 0) symbol 0", "1: ((( () symbol -1", "2: s9 == 1 () symbol -1"));
}

TEST(FailedGuardsTest, NoMoreThanAskedForAndNoneForOtherSymbols) {
  const v1::VariantRecord record = MakeRecord({.guards = {"s0 == 1", "s1 == 1", "s2 == 1"}});
  EXPECT_EQ(FailedGuards(record, {5, 5, 5}, 2).size(), 2u);
  EXPECT_THAT(FailedGuards(record, {5, 5}, kMany), IsEmpty());
}

// --- entries

class NearestEntryTest : public ::testing::Test {
 protected:
  struct Parts {
    std::string graph = "g", signature = "signature", options = "options", build = "build", arch = "x86_64", domain;
  };

  static v1::KeyComponents Key(const Parts& parts) {
    v1::Target target;
    target.set_arch(parts.arch);
    return ComposeKey(
        {Sha256(parts.graph), Sha256(parts.signature), Sha256(parts.options), parts.build, target, parts.domain});
  }

  std::string Add(const Parts& parts, std::vector<std::string> guards = {}, uint32_t sketch = 0,
                  std::vector<std::string> features = {}) {
    const std::string elf = absl::StrCat("elf", ++count_);
    v1::VariantRecord record = MakeRecord({.guards = std::move(guards), .features = std::move(features), .elf = elf});
    *record.mutable_key() = Key(parts);
    if (sketch != 0) {
      for (int w = 0; w < 16; ++w) record.mutable_preimage()->add_sketch(sketch + static_cast<uint32_t>(w));
    }
    v1::SignedVariant row;
    row.set_record(record.SerializeAsString());
    const IndexedVariantPtr variant = *MakeIndexedVariant(std::move(row));
    EXPECT_TRUE(index_.Add(variant).ok());
    return elf;
  }

  // The artifact that is nearest, by its bytes, and the reasons.
  std::pair<std::string, std::vector<v1::MissReason>> Nearest(const Parts& parts, uint32_t sketch = 0,
                                                              std::vector<int64_t> values = {8, 16, 4}) {
    const v1::KeyComponents key = Key(parts);
    std::vector<uint32_t> words;
    for (uint32_t w = 0; w < 16 && sketch != 0; ++w) words.push_back(sketch + w);
    const NearestEntry nearest = FindNearest(index_, {key, values, host_, words});
    if (nearest.variant == nullptr) return {"", nearest.reasons};
    for (int i = 1; i <= count_; ++i) {
      const std::string elf = absl::StrCat("elf", i);
      if (nearest.variant->artifact == Sha256(elf)) return {elf, nearest.reasons};
    }
    return {"?", nearest.reasons};
  }

  GuardIndex index_;
  HostClass host_ = MakeHost({"avx2"});
  int count_ = 0;
};

using Reasons = std::vector<v1::MissReason>;

TEST_F(NearestEntryTest, NothingIsNearInAnEmptyIndex) {
  EXPECT_EQ(Nearest({}), (std::pair{std::string(), Reasons{v1::MISS_REASON_UNKNOWN_KEY}}));
}

TEST_F(NearestEntryTest, SaysInWhichPartsTheKeysDiffer) {
  const std::string there = Add({});
  EXPECT_EQ(Nearest({.signature = "other"}), (std::pair{there, Reasons{v1::MISS_REASON_SIGNATURE}}));
  EXPECT_EQ(Nearest({.options = "other"}), (std::pair{there, Reasons{v1::MISS_REASON_OPTIONS}}));
  EXPECT_EQ(Nearest({.build = "other"}), (std::pair{there, Reasons{v1::MISS_REASON_COMPILER_BUILD}}));
  EXPECT_EQ(Nearest({.arch = "aarch64"}), (std::pair{there, Reasons{v1::MISS_REASON_TARGET_FAMILY}}));
  EXPECT_EQ(Nearest({.options = "other", .arch = "aarch64"}),
            (std::pair{there, Reasons{v1::MISS_REASON_OPTIONS, v1::MISS_REASON_TARGET_FAMILY}}));
}

TEST_F(NearestEntryTest, TheKeyThatDiffersInFewestPartsIsNearest) {
  Add({.options = "x", .build = "y"});
  const std::string near = Add({.build = "y"});
  Add({.signature = "z", .build = "y"});
  EXPECT_EQ(Nearest({}), (std::pair{near, Reasons{v1::MISS_REASON_COMPILER_BUILD}}));
}

TEST_F(NearestEntryTest, OfTheKeyItselfTheVariantWithTheFewestFailingGuards) {
  Add({}, {"s0 == 9", "s1 == 9", "s2 == 9"});
  const std::string near = Add({}, {"s0 == 8", "s1 == 9"});
  EXPECT_EQ(Nearest({}), (std::pair{near, Reasons{}}));
  // What the host lacks counts after guards.
  Add({}, {"s1 == 16"}, 0, {"avx512f"});
  const std::string fits = Add({}, {"s1 == 16", "s2 == 4"}, 0, {"avx2"});
  EXPECT_EQ(Nearest({}), (std::pair{fits, Reasons{}}));
}

TEST_F(NearestEntryTest, AnotherTenantsEntriesAreNeverNear) {
  Add({.domain = "theirs"}, {}, 100);
  EXPECT_EQ(Nearest({.domain = "mine"}, 100), (std::pair{std::string(), Reasons{v1::MISS_REASON_UNKNOWN_KEY}}));
  EXPECT_EQ(Nearest({}, 100), (std::pair{std::string(), Reasons{v1::MISS_REASON_UNKNOWN_KEY}}));
  // The shared domain is nobody's.
  const std::string shared = Add({}, {}, 100);
  EXPECT_EQ(Nearest({.domain = "mine"}), (std::pair{shared, Reasons{v1::MISS_REASON_UNKNOWN_KEY}}));
}

TEST_F(NearestEntryTest, WithoutTheGraphOneThatIsLikeIt) {
  const std::string like = Add({.graph = "like"}, {}, 100);
  Add({.graph = "unlike"}, {}, 5000);
  EXPECT_EQ(Nearest({}, 100), (std::pair{like, Reasons{v1::MISS_REASON_UNKNOWN_KEY}}));
  EXPECT_EQ(Nearest({}).first, "");
}

TEST_F(NearestEntryTest, WhatHasLeftTheIndexIsNotNear) {
  const std::string gone = Add({.options = "x"});
  const std::string there = Add({.options = "y", .build = "z"});
  index_.Remove(*KeyOf(Key({.options = "x"})), Sha256(gone));
  EXPECT_EQ(Nearest({}).first, there);
}

}  // namespace
}  // namespace kiln
