// Two replicas over one shared tier: what one compiled the other serves.
#include <string>

#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/memory_store.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/memory_shared_tier.h"
#include "cache/variant_cache.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using When = SharedIndex::When;

class SharedCacheTest : public testing::Test {
 protected:
  std::unique_ptr<VariantCache> MakeReplica(int64_t memory_bytes = 1 << 20) {
    return *VariantCache::Open(
        std::make_unique<MemoryStore>(memory_bytes), std::make_shared<DropLog>(),
        std::make_unique<SharedIndex>(tier_, Trusting(key_), SharedIndexOptions(), &clock_));
  }
  // As a compile does.
  void Publish(VariantCache& cache, const VariantSpec& spec) {
    absl::StatusOr<IndexedVariantPtr> variant = cache.Publish(SignVariant(key_, spec), Elf(spec.elf));
    ASSERT_TRUE(variant.ok()) << variant.status();
    cache.Share(**variant, Elf(spec.elf));
  }
  CacheAnswer Look(VariantCache& cache, std::vector<int64_t> values = {1, 2, 3}) {
    return *cache.Lookup(log_, values, MakeHost());
  }
  // As a request does.
  CacheAnswer Ask(VariantCache& cache, std::vector<int64_t> values = {1, 2, 3}) {
    CacheAnswer answer = Look(cache, values);
    if (!answer.elsewhere) return answer;
    cache.Sync("", log_, When::kIfDue).IgnoreError();
    return *cache.LookupShared(log_, values, MakeHost());
  }
  void LetTimePass() { clock_.Advance(absl::Seconds(1)); }

  FakeClock clock_;
  const SigningKey key_ = SigningKey::Generate();
  const VariantKey log_ = MakeKey("g");
  const std::shared_ptr<MemorySharedTier> tier_ = std::make_shared<MemorySharedTier>();
};

TEST_F(SharedCacheTest, WhatOneCompiledTheOtherServes) {
  const auto a = MakeReplica(), b = MakeReplica();
  Publish(*a, {.guards = {"s0 == 1"}, .elf = "one"});
  Publish(*a, {.guards = {"s0 == 2"}, .elf = "two"});
  const CacheAnswer first = Ask(*b);
  ASSERT_TRUE(first.hit.has_value());
  EXPECT_EQ(first.hit->tier, v1::TIER_SHARED);
  EXPECT_EQ(*first.hit->elf, "one");
  // It was kept, and the other row with it: its artifact is fetched when it is needed.
  EXPECT_EQ(Look(*b).hit->tier, v1::TIER_MEMORY);
  EXPECT_EQ(tier_->fetches, 1);
  const CacheAnswer second = Ask(*b, {2, 2, 3});
  ASSERT_TRUE(second.hit.has_value());
  EXPECT_EQ(second.hit->tier, v1::TIER_SHARED);
  EXPECT_EQ(*second.hit->elf, "two");
  const CacheCounters counters = b->Counters();
  EXPECT_EQ(counters.hits_shared, 2);
  EXPECT_EQ(counters.hits_memory, 1);
  EXPECT_EQ(counters.misses, 0);
  EXPECT_EQ(counters.shared->rows, 2);
  EXPECT_EQ(counters.shared->pulls, 1);
}

TEST_F(SharedCacheTest, AMissIsCountedOnce) {
  const auto a = MakeReplica();
  const CacheAnswer answer = Ask(*a);
  EXPECT_FALSE(answer.hit.has_value());
  EXPECT_THAT(answer.reasons, ElementsAre(v1::MISS_REASON_UNKNOWN_KEY));
  EXPECT_EQ(a->Counters().misses, 1);
  // Asked just now: not again.
  EXPECT_FALSE(Look(*a).elsewhere);
  EXPECT_EQ(a->Counters().misses, 2);
  EXPECT_EQ(tier_->reads, 1);
}

TEST_F(SharedCacheTest, AnArtifactThatTheLocalTiersLostIsFetched) {
  const auto a = MakeReplica(/*memory_bytes=*/1);
  Publish(*a, {.guards = {"s0 == 1"}, .elf = "one"});
  // Takes the room.
  Publish(*a, {.guards = {"s0 == 2"}, .elf = "two"});
  EXPECT_TRUE(Look(*a).elsewhere);
  EXPECT_EQ(Ask(*a).hit->tier, v1::TIER_SHARED);
  EXPECT_EQ(*Ask(*a).hit->elf, "one");
}

TEST_F(SharedCacheTest, ARowWhoseArtifactIsGoneEverywhereIsAMiss) {
  const auto a = MakeReplica(), b = MakeReplica();
  Publish(*a, {.elf = "one"});
  tier_->artifacts.clear();
  const CacheAnswer answer = Ask(*b);
  EXPECT_FALSE(answer.hit.has_value());
  EXPECT_THAT(answer.reasons, Contains(v1::MISS_REASON_ARTIFACT_GONE));
  EXPECT_EQ(b->index().num_variants(), 0);
  // Compiled again: the same bytes, in a row of its own.
  Publish(*b, {.created = 7, .elf = "one"});
  EXPECT_EQ(Ask(*MakeReplica()).hit->tier, v1::TIER_SHARED);
}

TEST_F(SharedCacheTest, ASpoiledArtifactIsAMissAndNothingElse) {
  const auto a = MakeReplica(), b = MakeReplica();
  Publish(*a, {.elf = "one"});
  for (auto& [place, elf] : tier_->artifacts) elf = Elf("wrong");
  const CacheAnswer answer = Ask(*b);
  EXPECT_FALSE(answer.hit.has_value());
  EXPECT_THAT(answer.reasons, Contains(v1::MISS_REASON_UNTRUSTED));
  EXPECT_EQ(b->Counters().shared->corrupt_artifacts, 1);
}

TEST_F(SharedCacheTest, RowsThatStrangersSignedAreNone) {
  const auto b = MakeReplica();
  ASSERT_TRUE(tier_->AppendRow("", log_, SignVariant(SigningKey::Generate(), {.elf = "one"})).ok());
  ASSERT_TRUE(tier_->PutArtifact("", Sha256("one"), Elf("one")).ok());
  const CacheAnswer answer = Ask(*b);
  EXPECT_FALSE(answer.hit.has_value());
  EXPECT_THAT(answer.reasons, Contains(v1::MISS_REASON_UNTRUSTED));
}

TEST_F(SharedCacheTest, ATierThatIsDownLeavesItsRowsAndTheRest) {
  const auto a = MakeReplica(), b = MakeReplica();
  Publish(*a, {.guards = {"s0 == 1"}, .elf = "one"});
  ASSERT_TRUE(b->Sync("", log_, When::kNow).ok());
  Publish(*b, {.guards = {"s0 == 2"}, .elf = "two"});
  tier_->down = true;
  LetTimePass();
  // The row is known, its bytes are not to be had; then the tier is back.
  EXPECT_FALSE(Ask(*b).hit.has_value());
  EXPECT_EQ(Ask(*b, {2, 2, 3}).hit->tier, v1::TIER_MEMORY);
  Publish(*b, {.guards = {"s0 == 3"}, .elf = "three"});
  tier_->down = false;
  LetTimePass();
  EXPECT_EQ(Ask(*b).hit->tier, v1::TIER_SHARED);
}

TEST_F(SharedCacheTest, WhatWasPublishedWhileItWasDownIsRestored) {
  const auto a = MakeReplica(), b = MakeReplica();
  tier_->down = true;
  Publish(*a, {.elf = "one"});
  EXPECT_EQ(tier_->logs.size(), 0u);
  tier_->down = false;
  tier_->times_down = 1;
  // A hit asks for it, not a miss.
  EXPECT_EQ(Look(*a).hit->tier, v1::TIER_MEMORY);
  EXPECT_TRUE(a->NeedsSync(log_));
  ASSERT_TRUE(a->Sync("", log_, When::kIfDue).ok());
  EXPECT_EQ(Ask(*b).hit->tier, v1::TIER_SHARED);
  EXPECT_EQ(a->Counters().shared->restored, 1);
}

TEST_F(SharedCacheTest, AFlushIsRestoredByWhoeverHits) {
  const auto a = MakeReplica();
  Publish(*a, {.elf = "one"});
  ASSERT_TRUE(a->Sync("", log_, When::kNow).ok());
  EXPECT_FALSE(a->NeedsSync(log_));
  tier_->Flush();
  clock_.Advance(absl::Minutes(10));
  EXPECT_TRUE(a->NeedsSync(log_));
  ASSERT_TRUE(a->Sync("", log_, When::kIfDue).ok());
  EXPECT_EQ(Ask(*MakeReplica()).hit->tier, v1::TIER_SHARED);
}

TEST_F(SharedCacheTest, AnArtifactIsFetchedByItsName) {
  const auto a = MakeReplica(), b = MakeReplica();
  Publish(*a, {.elf = "one"});
  EXPECT_EQ(GetErrorReason(b->GetArtifact(Sha256("one")).status()), ErrorReason::kArtifactNotFound);
  absl::StatusOr<StoredArtifact> found = b->GetArtifactShared("", Sha256("one"));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found->elf, "one");
  EXPECT_EQ(found->tier, v1::TIER_SHARED);
  EXPECT_EQ(GetErrorReason(b->GetArtifactShared("tenant", Sha256("one")).status()), ErrorReason::kArtifactNotFound);
}

TEST_F(SharedCacheTest, WithoutASharedTierNothingIsElsewhere) {
  const auto cache = *VariantCache::Open(std::make_unique<MemoryStore>(1 << 20), std::make_shared<DropLog>());
  EXPECT_FALSE(cache->has_shared());
  EXPECT_FALSE(Look(*cache).elsewhere);
  EXPECT_FALSE(cache->NeedsSync(log_));
  EXPECT_TRUE(cache->Sync("", log_, When::kNow).ok());
  Publish(*cache, {.elf = "one"});
  EXPECT_EQ(cache->LookupShared(log_, {1, 2, 3}, MakeHost())->hit->tier, v1::TIER_MEMORY);
}

}  // namespace
}  // namespace kiln
