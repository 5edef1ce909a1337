#include "cache/scrubber.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/caretaker.h"
#include "cache/disk_store.h"
#include "cache/drop_log.h"
#include "cache/open_cache.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/temp_folder.h"
#include "cache/verified_store.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

constexpr int64_t kRate = 100000;

class ScrubberTest : public ::testing::Test {
 protected:
  static std::string ElfOf(int i) { return absl::StrCat(i, std::string(50000, 'x')); }
  void Publish(int i, const SigningKey& key) {
    const VariantSpec spec{.graph = absl::StrCat("g", i), .elf = ElfOf(i)};
    ASSERT_TRUE(disk_->Publish(SignedRow(key, spec), Elf(spec.elf)).ok());
  }
  // Steps until a pass has ended; the time that they ask for.
  absl::Duration Pass() {
    absl::Duration rest;
    const int64_t passes = scrubber_.Counters().passes;
    while (true) {
      const absl::Duration step = scrubber_.Step();
      if (scrubber_.Counters().passes > passes) return rest;
      rest += step;
    }
  }

  TempFolder folder_;
  SigningKey key_ = SigningKey::Generate();
  std::shared_ptr<DiskStore> disk_ = *DiskStore::Open(folder_.path());
  std::shared_ptr<DropLog> dropped_ = std::make_shared<DropLog>();
  Scrubber scrubber_{std::make_shared<VerifiedStore>(disk_, Trusting(key_), dropped_), {.bytes_per_second = kRate}};
};

TEST_F(ScrubberTest, ReadsEverythingAtItsRate) {
  for (int i = 0; i < 10; ++i) Publish(i, key_);
  const absl::Duration spent = Pass();
  const ScrubCounters counters = scrubber_.Counters();
  EXPECT_EQ(counters.rows, 10);
  EXPECT_GE(counters.bytes, 10 * 50001);
  EXPECT_EQ(counters.dropped, 0);
  EXPECT_NEAR(absl::ToDoubleSeconds(spent), static_cast<double>(counters.bytes) / kRate, 1e-3);
  Pass();
  EXPECT_EQ(scrubber_.Counters().rows, 20);
}

TEST_F(ScrubberTest, DropsWhatIsNotWhatItWas) {
  for (int i = 0; i < 6; ++i) Publish(i, key_);
  ASSERT_TRUE(disk_->PutArtifact(Sha256(ElfOf(1)), Elf("rotten")).ok());
  ASSERT_TRUE(disk_->RemoveArtifact(Sha256(ElfOf(2))).ok());
  Publish(7, SigningKey::Generate());
  Pass();
  EXPECT_EQ(scrubber_.Counters().dropped, 2);
  EXPECT_EQ(dropped_->num_artifacts(), 1);
  EXPECT_EQ(dropped_->num_rows(), 1);
  EXPECT_EQ(disk_->Size().variants, 4);
  EXPECT_EQ(disk_->Size().artifacts, 4);
  for (int i : {1, 2, 7}) EXPECT_FALSE(disk_->GetArtifact(Sha256(ElfOf(i))).ok()) << i;
  for (int i : {0, 3, 4, 5}) EXPECT_TRUE(disk_->GetArtifact(Sha256(ElfOf(i))).ok()) << i;
}

TEST_F(ScrubberTest, AnEmptyStoreIsAPass) {
  EXPECT_EQ(scrubber_.Step(), absl::Hours(1));
  EXPECT_EQ(scrubber_.Counters().passes, 1);
}

// Rot below a running cache: found by nobody's request, and a miss for the next.
TEST(CaretakerTest, ScrubsSavesAndEndsPinsWhenItIsTime) {
  TempFolder folder;
  SigningKey key = SigningKey::Generate();
  FakeClock clock;
  absl::StatusOr<OpenedCache> cache = OpenCache({.folder = folder.path(),
                                                 .memory_bytes = 1,
                                                 .pin_lease = absl::Seconds(20),
                                                 .scrub_bytes_per_second = 1000,
                                                 .trusted = Trusting(key),
                                                 .clock = &clock});
  ASSERT_TRUE(cache.ok()) << cache.status();
  for (int i = 0; i < 3; ++i) {
    const VariantSpec spec{.graph = absl::StrCat("g", i), .elf = absl::StrCat(i, std::string(5000, 'x'))};
    absl::StatusOr<IndexedVariantPtr> variant = cache->variants->Publish(SignVariant(key, spec), Elf(spec.elf));
    ASSERT_TRUE(variant.ok());
    cache->variants->Pin("job", **variant);
  }
  ASSERT_TRUE(cache->bounded->PutArtifact(Sha256("1" + std::string(5000, 'x')), Elf("rotten")).ok());
  EXPECT_EQ(cache->pins->Counters().pins, 3);
  while (cache->scrubber->Counters().passes == 0) {
    const absl::Duration rest = cache->caretaker->Tend();
    // At 1000 bytes a second.
    if (cache->scrubber->Counters().passes == 0) {
      EXPECT_LE(rest, absl::Seconds(6));
    }
    clock.Advance(rest);
  }
  EXPECT_EQ(cache->scrubber->Counters().rows, 3);
  EXPECT_EQ(cache->scrubber->Counters().dropped, 1);
  clock.Advance(absl::Seconds(31));
  cache->caretaker->Tend();
  EXPECT_EQ(cache->pins->Counters().pins, 0);
  EXPECT_TRUE(cache->variants->Lookup(MakeKey("g0"), {1, 1, 1}, MakeHost())->hit.has_value());
  EXPECT_FALSE(cache->variants->Lookup(MakeKey("g1"), {1, 1, 1}, MakeHost())->hit.has_value());
  EXPECT_EQ(cache->variants->Counters().dropped_artifacts, 1);
}

TEST(CaretakerTest, ItsThreadLoadsAndEnds) {
  TempFolder folder;
  SigningKey key = SigningKey::Generate();
  const CacheOptions options{.folder = folder.path(), .trusted = Trusting(key)};
  ASSERT_TRUE(OpenCache(options)->variants->Publish(SignVariant(key, {.elf = "a"}), Elf("a")).ok());
  absl::StatusOr<OpenedCache> cache = OpenCache(options);
  ASSERT_TRUE(cache.ok());
  cache->caretaker->Start();
  while (cache->variants->index().num_variants() == 0) std::this_thread::yield();
}

}  // namespace
}  // namespace kiln
