#include "cache/variant_cache.h"

#include <thread>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/disk_store.h"
#include "cache/memory_store.h"
#include "cache/open_cache.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/temp_folder.h"
#include "cache/verified_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::unique_ptr<VariantCache> OpenOver(std::shared_ptr<ArtifactStore> inner, const SigningKey& key) {
  auto dropped = std::make_shared<DropLog>();
  absl::StatusOr<std::unique_ptr<VariantCache>> cache =
      VariantCache::Open(std::make_unique<VerifiedStore>(std::move(inner), Trusting(key), dropped), dropped);
  EXPECT_TRUE(cache.ok()) << cache.status();
  (*cache)->LoadAll();
  return *std::move(cache);
}

class VariantCacheTest : public ::testing::Test {
 protected:
  void Open() { cache_ = OpenOver(memory_, key_); }
  void Publish(const VariantSpec& spec) {
    absl::StatusOr<IndexedVariantPtr> variant = cache_->Publish(SignVariant(key_, spec), Elf(spec.elf));
    ASSERT_TRUE(variant.ok()) << variant.status();
  }
  CacheAnswer Lookup(std::vector<int64_t> values = {1, 2, 3}) {
    absl::StatusOr<CacheAnswer> answer = cache_->Lookup(MakeKey("g"), values, MakeHost());
    EXPECT_TRUE(answer.ok()) << answer.status();
    return *answer;
  }
  void Flip(const std::string& elf) {
    ASSERT_TRUE(memory_->RemoveArtifact(Sha256(elf)).ok());
    ASSERT_TRUE(memory_->PutArtifact(Sha256(elf), Elf("flipped")).ok());
  }

  SigningKey key_ = SigningKey::Generate();
  std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>(1 << 20);
  std::unique_ptr<VariantCache> cache_ = OpenOver(memory_, key_);
};

TEST_F(VariantCacheTest, FindsWhatWasPublished) {
  Publish({.guards = {"s0 == 1"}, .elf = "a"});
  CacheAnswer answer = Lookup();
  ASSERT_TRUE(answer.hit.has_value());
  EXPECT_EQ(*answer.hit->elf, "a");
  EXPECT_THAT(answer.reasons, IsEmpty());
  EXPECT_THAT(Lookup({2, 2, 2}).reasons, ElementsAre(v1::MISS_REASON_GUARD_FAILED));
  CacheCounters counters = cache_->Counters();
  EXPECT_EQ(counters.hits_memory, 1);
  EXPECT_EQ(counters.misses, 1);
  EXPECT_EQ(counters.misses_by_reason[v1::MISS_REASON_GUARD_FAILED], 1);
  EXPECT_EQ(counters.variants, 1);
  EXPECT_EQ(counters.artifact_bytes, 1);
}

TEST_F(VariantCacheTest, ALastLookIsNotCounted) {
  ASSERT_TRUE(cache_->Lookup(MakeKey("g"), {1, 2, 3}, MakeHost(), /*count=*/false).ok());
  EXPECT_EQ(cache_->Counters().misses, 0);
}

TEST_F(VariantCacheTest, ARowWithoutItsArtifactIsAMissAndGoes) {
  Publish({.elf = "a"});
  ASSERT_TRUE(memory_->RemoveArtifact(Sha256("a")).ok());
  EXPECT_THAT(Lookup().reasons, ElementsAre(v1::MISS_REASON_UNKNOWN_KEY, v1::MISS_REASON_ARTIFACT_GONE));
  EXPECT_THAT(Lookup().reasons, ElementsAre(v1::MISS_REASON_UNKNOWN_KEY));
}

TEST_F(VariantCacheTest, TheNextBestServesWhenTheBestIsGone) {
  Publish({.elf = "best"});
  Publish({.guards = {"s0 == 1"}, .elf = "second"});
  ASSERT_TRUE(memory_->RemoveArtifact(Sha256("best")).ok());
  ASSERT_TRUE(Lookup().hit.has_value());
  EXPECT_EQ(*Lookup().hit->elf, "second");
}

TEST_F(VariantCacheTest, CorruptArtifactIsAMissAndACounter) {
  Publish({.elf = "a"});
  Flip("a");
  EXPECT_THAT(Lookup().reasons, ElementsAre(v1::MISS_REASON_UNKNOWN_KEY, v1::MISS_REASON_UNTRUSTED));
  EXPECT_EQ(cache_->Counters().dropped_artifacts, 1);
  EXPECT_EQ(cache_->Counters().variants, 0);
  Publish({.elf = "a"});
  EXPECT_TRUE(Lookup().hit.has_value());
}

TEST_F(VariantCacheTest, CorruptArtifactIsNotFoundByItsDigest) {
  Publish({.elf = "a"});
  Flip("a");
  EXPECT_EQ(GetErrorReason(cache_->GetArtifact(Sha256("a")).status()), ErrorReason::kArtifactNotFound);
}

TEST_F(VariantCacheTest, RowsOfAnotherSignerAreDroppedAtOpen) {
  SigningKey stranger = SigningKey::Generate();
  ASSERT_TRUE(memory_->Publish(SignedRow(stranger, {.elf = "a"}), Elf("a")).ok());
  ASSERT_TRUE(memory_->Publish(SignedRow(key_, {.graph = "h", .elf = "b"}), Elf("b")).ok());
  Open();
  EXPECT_THAT(Lookup().reasons, ElementsAre(v1::MISS_REASON_UNKNOWN_KEY, v1::MISS_REASON_UNTRUSTED));
  EXPECT_EQ(cache_->Counters().dropped_rows, 1);
  EXPECT_EQ(cache_->Counters().variants, 1);
}

TEST_F(VariantCacheTest, CorruptEveryBitOfARowIsDropped) {
  const VariantRow good = SignedRow(key_, {.elf = "a"});
  for (size_t bit = 0; bit < good.signed_variant.record().size() * 8; bit += 3) {
    auto memory = std::make_shared<MemoryStore>(1 << 20);
    VariantRow bad = good;
    (*bad.signed_variant.mutable_record())[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    ASSERT_TRUE(memory->Publish(bad, Elf("a")).ok());
    std::unique_ptr<VariantCache> cache = OpenOver(memory, key_);
    EXPECT_EQ(cache->Counters().dropped_rows, 1) << bit;
    EXPECT_EQ(cache->Counters().variants, 0) << bit;
  }
}

TEST_F(VariantCacheTest, ARowUnderAnotherKeyIsDropped) {
  VariantRow row = SignedRow(key_, {.graph = "g", .elf = "a"});
  row.key = MakeKey("h");
  ASSERT_TRUE(memory_->Publish(row, Elf("a")).ok());
  row = SignedRow(key_, {.graph = "g", .elf = "b"});
  row.artifact = Sha256("c");
  ASSERT_TRUE(memory_->Publish(row, Elf("c")).ok());
  Open();
  EXPECT_EQ(cache_->Counters().dropped_rows, 2);
}

TEST_F(VariantCacheTest, RefusesToPublishBytesOfAnotherDigest) {
  absl::Status status = cache_->Publish(SignVariant(key_, {.elf = "a"}), Elf("b")).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kArtifactCorrupt);
  status = cache_->Publish(SignVariant(key_, {.guards = {"nonsense ("}, .elf = "a"}), Elf("a")).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kArtifactCorrupt);
  EXPECT_EQ(memory_->Size().variants, 0);
}

TEST(OpenCacheTest, ARestartServesFromDiskThenFromMemory) {
  TempFolder folder;
  SigningKey key = SigningKey::Generate();
  const CacheOptions options{.folder = folder.path(), .trusted = Trusting(key)};
  const std::vector<int64_t> values = {8, 16, 8};
  {
    absl::StatusOr<OpenedCache> cache = OpenCache(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    for (int i = 0; i < 50; ++i) {
      const VariantSpec spec{.guards = {absl::StrCat("s0 == ", i), "s1 % 8 == 0"}, .elf = absl::StrCat("e", i)};
      ASSERT_TRUE(cache->variants->Publish(SignVariant(key, spec), Elf(spec.elf)).ok());
    }
    EXPECT_EQ(cache->variants->Lookup(MakeKey("g"), values, MakeHost())->hit->tier, v1::TIER_MEMORY);
  }
  absl::StatusOr<OpenedCache> cache = OpenCache(options);
  ASSERT_TRUE(cache.ok()) << cache.status();
  EXPECT_EQ(cache->variants->Counters().variants, 50);
  absl::StatusOr<CacheAnswer> first = cache->variants->Lookup(MakeKey("g"), values, MakeHost());
  ASSERT_TRUE(first.ok() && first->hit.has_value());
  EXPECT_EQ(*first->hit->elf, "e8");
  EXPECT_EQ(first->hit->tier, v1::TIER_DISK);
  EXPECT_EQ(cache->variants->Lookup(MakeKey("g"), values, MakeHost())->hit->tier, v1::TIER_MEMORY);
}

TEST(OpenCacheTest, AnotherSigningKeyStartsWithAnEmptyIndex) {
  TempFolder folder;
  SigningKey old_key = SigningKey::Generate();
  {
    absl::StatusOr<OpenedCache> cache = OpenCache({.folder = folder.path(), .trusted = Trusting(old_key)});
    ASSERT_TRUE(cache.ok());
    ASSERT_TRUE(cache->variants->Publish(SignVariant(old_key, {.elf = "a"}), Elf("a")).ok());
  }
  absl::StatusOr<OpenedCache> cache =
      OpenCache({.folder = folder.path(), .trusted = Trusting(SigningKey::Generate())});
  ASSERT_TRUE(cache.ok());
  cache->variants->LoadAll();
  EXPECT_EQ(cache->variants->Counters().variants, 0);
  EXPECT_EQ(cache->variants->Counters().dropped_rows, 1);
}

TEST(OpenCacheTest, ADiskWithinItsBoundForgetsWhatIsWorthLeastAndCompilesItAgain) {
  TempFolder folder;
  SigningKey key = SigningKey::Generate();
  absl::StatusOr<OpenedCache> cache =
      OpenCache({.folder = folder.path(), .memory_bytes = 1, .disk_bytes = 5000, .trusted = Trusting(key)});
  ASSERT_TRUE(cache.ok()) << cache.status();
  for (int i = 0; i < 10; ++i) {
    const VariantSpec spec{
        .guards = {absl::StrCat("s0 == ", i)}, .seconds = 1.0 + i, .elf = absl::StrCat(i, std::string(999, 'z'))};
    ASSERT_TRUE(cache->variants->Publish(SignVariant(key, spec), Elf(spec.elf)).ok());
  }
  EXPECT_LE(cache->variants->Counters().artifact_bytes, 5000);
  EXPECT_GE(cache->variants->Counters().evicted_artifacts, 5);
  EXPECT_TRUE(cache->variants->Lookup(MakeKey("g"), {9, 0, 0}, MakeHost())->hit.has_value());
  EXPECT_THAT(cache->variants->Lookup(MakeKey("g"), {0, 0, 0}, MakeHost())->reasons,
              ElementsAre(v1::MISS_REASON_GUARD_FAILED, v1::MISS_REASON_ARTIFACT_GONE));
  EXPECT_THAT(cache->variants->Lookup(MakeKey("g"), {0, 0, 0}, MakeHost())->reasons,
              ElementsAre(v1::MISS_REASON_GUARD_FAILED));
}

TEST(OpenCacheTest, WhatAJobUsesStaysWhileItRunsAndAfterARestart) {
  TempFolder folder;
  SigningKey key = SigningKey::Generate();
  FakeClock clock;
  const CacheOptions options{.folder = folder.path(),
                             .memory_bytes = 1,
                             .disk_bytes = 5000,
                             .pin_lease = absl::Hours(2),
                             .trusted = Trusting(key),
                             .clock = &clock};
  const auto publish = [&](OpenedCache& cache, const std::string& name, double seconds) {
    const VariantSpec spec{.graph = name, .seconds = seconds, .elf = name + std::string(999, 'z')};
    ASSERT_TRUE(cache.variants->Publish(SignVariant(key, spec), Elf(spec.elf)).ok());
  };
  {
    absl::StatusOr<OpenedCache> cache = OpenCache(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    publish(*cache, "of the job", 0.1);
    const absl::StatusOr<CacheAnswer> answer = cache->variants->Lookup(MakeKey("of the job"), {1, 1, 1}, MakeHost());
    ASSERT_TRUE(answer.ok() && answer->hit.has_value());
    cache->variants->Pin("job-17", *answer->hit->variant);
    EXPECT_EQ(cache->variants->Counters().pins.jobs, 1);
  }
  absl::StatusOr<OpenedCache> cache = OpenCache(options);
  ASSERT_TRUE(cache.ok()) << cache.status();
  for (int i = 0; i < 20; ++i) publish(*cache, absl::StrCat("other ", i), 50);
  EXPECT_TRUE(cache->variants->Lookup(MakeKey("of the job"), {1, 1, 1}, MakeHost())->hit.has_value());
  clock.Advance(absl::Hours(3));
  for (int i = 20; i < 40; ++i) publish(*cache, absl::StrCat("other ", i), 50);
  EXPECT_FALSE(cache->variants->Lookup(MakeKey("of the job"), {1, 1, 1}, MakeHost())->hit.has_value());
}

// Whoever is served from memory keeps it on disk too.
TEST(OpenCacheTest, HitsInMemoryCountOnDisk) {
  TempFolder folder;
  SigningKey key = SigningKey::Generate();
  absl::StatusOr<OpenedCache> cache =
      OpenCache({.folder = folder.path(), .disk_bytes = 4000, .trusted = Trusting(key)});
  ASSERT_TRUE(cache.ok()) << cache.status();
  for (int i = 0; i < 12; ++i) {
    const VariantSpec spec{
        .graph = absl::StrCat("g", i), .seconds = 1, .elf = absl::StrCat(10 + i, std::string(998, 'z'))};
    ASSERT_TRUE(cache->variants->Publish(SignVariant(key, spec), Elf(spec.elf)).ok());
    for (int hit = 0; hit < 5; ++hit) {
      absl::StatusOr<CacheAnswer> answer = cache->variants->Lookup(MakeKey("g0"), {1, 1, 1}, MakeHost());
      ASSERT_TRUE(answer.ok() && answer->hit.has_value()) << i;
      ASSERT_EQ(answer->hit->tier, v1::TIER_MEMORY);
    }
  }
  EXPECT_TRUE(cache->bounded->GetArtifact(Sha256("10" + std::string(998, 'z'))).ok());
  EXPECT_EQ(cache->variants->Counters().saved_seconds, 60);
}

TEST(OpenCacheTest, RowsAreVerifiedWhenSomebodyAsksOrByTheCaretaker) {
  TempFolder folder;
  SigningKey key = SigningKey::Generate(), stranger = SigningKey::Generate();
  {
    absl::StatusOr<OpenedCache> cache = OpenCache({.folder = folder.path(), .trusted = Trusting(key)});
    ASSERT_TRUE(cache.ok()) << cache.status();
    for (int i = 0; i < 500; ++i) {
      const VariantSpec spec{.graph = absl::StrCat("g", i), .elf = absl::StrCat("e", i)};
      ASSERT_TRUE(cache->variants->Publish(SignVariant(i % 2 == 0 ? key : stranger, spec), Elf(spec.elf)).ok());
    }
  }
  absl::StatusOr<OpenedCache> cache = OpenCache({.folder = folder.path(), .trusted = Trusting(key)});
  ASSERT_TRUE(cache.ok()) << cache.status();
  EXPECT_EQ(cache->variants->index().num_variants(), 0);
  EXPECT_EQ(cache->variants->Counters().variants, 500);
  EXPECT_TRUE(cache->variants->Lookup(MakeKey("g8"), {1, 1, 1}, MakeHost())->hit.has_value());
  EXPECT_THAT(cache->variants->Lookup(MakeKey("g9"), {1, 1, 1}, MakeHost())->reasons,
              ElementsAre(v1::MISS_REASON_UNKNOWN_KEY, v1::MISS_REASON_UNTRUSTED));
  EXPECT_EQ(cache->variants->index().num_variants(), 1);
  EXPECT_EQ(cache->variants->Counters().dropped_rows, 1);
  int steps = 0;
  while (cache->caretaker->Tend() == absl::ZeroDuration()) ASSERT_LT(++steps, 20);
  EXPECT_EQ(cache->variants->index().num_variants(), 250);
  EXPECT_EQ(cache->variants->Counters().dropped_rows, 250);
  EXPECT_EQ(cache->variants->Counters().variants, 250);
}

// A key whose rows are not loaded yet must not lose them to a new one.
TEST(OpenCacheTest, APublishBeforeTheFirstLookupFindsItsKeyWhole) {
  TempFolder folder;
  SigningKey key = SigningKey::Generate();
  const CacheOptions options{.folder = folder.path(), .trusted = Trusting(key)};
  const VariantSpec first{.guards = {"s0 == 1"}, .elf = "first"}, second{.guards = {"s0 == 2"}, .elf = "second"};
  ASSERT_TRUE(OpenCache(options)->variants->Publish(SignVariant(key, first), Elf("first")).ok());
  absl::StatusOr<OpenedCache> cache = OpenCache(options);
  ASSERT_TRUE(cache->variants->Publish(SignVariant(key, second), Elf("second")).ok());
  EXPECT_TRUE(cache->variants->Lookup(MakeKey("g"), {1, 0, 0}, MakeHost())->hit.has_value());
  EXPECT_TRUE(cache->variants->Lookup(MakeKey("g"), {2, 0, 0}, MakeHost())->hit.has_value());
}

TEST(OpenCacheTest, WithoutAFolderNothingSurvives) {
  SigningKey key = SigningKey::Generate();
  absl::StatusOr<OpenedCache> cache = OpenCache({});
  ASSERT_TRUE(cache.ok());
  ASSERT_TRUE(cache->variants->Publish(SignVariant(key, {.elf = "a"}), Elf("a")).ok());
  EXPECT_TRUE(cache->variants->Lookup(MakeKey("g"), {1, 1, 1}, MakeHost())->hit.has_value());
}

TEST(OpenCacheTest, AnUnusableFolderIsOneLine) {
  absl::Status status = OpenCache({.folder = "/proc/kiln"}).status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage);
  EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
}

TEST(OpenCacheTest, SixtyFourThreadsPublishAndFind) {
  TempFolder folder;
  SigningKey key = SigningKey::Generate();
  absl::StatusOr<OpenedCache> cache =
      OpenCache({.folder = folder.path(), .memory_bytes = 64, .trusted = Trusting(key)});
  ASSERT_TRUE(cache.ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 64; ++t) {
    threads.emplace_back([&, t] {
      const VariantSpec spec{.guards = {absl::StrCat("s0 == ", t)}, .elf = absl::StrCat("artifact ", t)};
      ASSERT_TRUE(cache->variants->Publish(SignVariant(key, spec), Elf(spec.elf)).ok());
      for (int i = 0; i < 10; ++i) {
        absl::StatusOr<CacheAnswer> answer = cache->variants->Lookup(MakeKey("g"), {t, 0, 0}, MakeHost());
        ASSERT_TRUE(answer.ok() && answer->hit.has_value());
        ASSERT_EQ(*answer->hit->elf, spec.elf);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CacheCounters counters = cache->variants->Counters();
  EXPECT_EQ(counters.hits_memory + counters.hits_disk, 640);
  EXPECT_EQ(counters.variants, 64);
}

}  // namespace
}  // namespace kiln
