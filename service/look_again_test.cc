#include "service/look_again.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/memory_store.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/memory_shared_tier.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::UnorderedElementsAre;

class LookAgainTest : public testing::Test {
 protected:
  LookAgainTest() { front_.cache = OpenCache(); }

  std::unique_ptr<VariantCache> OpenCache() {
    return *VariantCache::Open(std::make_unique<MemoryStore>(1 << 20), std::make_shared<DropLog>(),
                               std::make_unique<SharedIndex>(tier_, Trusting(key_), SharedIndexOptions(), &clock_));
  }
  // A variant that was compiled for a host with these features, and uses them.
  IndexedVariantPtr Publish(VariantCache& cache, const std::vector<std::string>& features) {
    const std::string elf = "for " + features.back();
    v1::VariantRecord record = MakeRecord({.features = features, .elf = elf});
    record.mutable_preimage()->mutable_features()->Assign(features.begin(), features.end());
    IndexedVariantPtr variant = *cache.Publish(key_.Sign(record.SerializeAsString()), Elf(elf));
    cache.Share(*variant, Elf(elf));
    return variant;
  }
  FlightRequest Request(bool wants_better) {
    return {.key = MakeKey("g"),
            .symbol_values = {1, 2, 3},
            .host = std::make_shared<const HostClass>(MakeHost({"avx", "avx2", "sse2"})),
            .wants_better = wants_better};
  }
  static std::vector<std::string> FeaturesOf(const std::optional<CacheHit>& hit) {
    if (!hit.has_value()) return {"nothing"};
    const auto& features = hit->variant->record.preimage().features();
    return {features.begin(), features.end()};
  }

  const Clock& clock_ = *Clock::Real();
  const SigningKey key_ = SigningKey::Generate();
  const std::shared_ptr<MemorySharedTier> tier_ = std::make_shared<MemorySharedTier>();
  Front front_{&clock_};
};

TEST_F(LookAgainTest, WhoWantsBetterPassesOverWhatIsLesserWhoeverPublishedIt) {
  Publish(*front_.cache, {"sse2"});
  EXPECT_THAT(FeaturesOf(LookAgainHere(front_, Request(false))), UnorderedElementsAre("sse2"));
  EXPECT_THAT(FeaturesOf(LookAgainHere(front_, Request(true))), UnorderedElementsAre("nothing"));
  EXPECT_THAT(FeaturesOf(LookAgainEverywhere(front_, Request(true))), UnorderedElementsAre("nothing"));
  // Better than what it has, and not what its host could do.
  const std::unique_ptr<VariantCache> replica = OpenCache();
  Publish(*replica, {"avx", "sse2"});
  EXPECT_THAT(FeaturesOf(LookAgainEverywhere(front_, Request(false))), UnorderedElementsAre("avx", "sse2"));
  EXPECT_THAT(FeaturesOf(LookAgainEverywhere(front_, Request(true))), UnorderedElementsAre("nothing"));
  Publish(*replica, {"avx", "avx2", "sse2"});
  EXPECT_THAT(FeaturesOf(LookAgainEverywhere(front_, Request(true))), UnorderedElementsAre("avx", "avx2", "sse2"));
}

}  // namespace
}  // namespace kiln
