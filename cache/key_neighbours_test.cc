#include "cache/key_neighbours.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/testing/make_variant.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kWords = 16;

struct Entry {
  std::string graph = "g";
  std::string options = "options";
  std::string domain;
  std::string elf = "elf";
  std::vector<uint32_t> sketch;
};

v1::KeyComponents PartsOf(const Entry& entry) {
  v1::KeyComponents key = MakeComponents(entry.graph);
  key.set_options(std::string(Sha256(entry.options).bytes()));
  key.set_domain(entry.domain);
  return key;
}

VariantKey KeyOfEntry(const Entry& entry) { return *KeyOf(PartsOf(entry)); }

IndexedVariant VariantOf(const Entry& entry) {
  IndexedVariant variant;
  variant.key = KeyOfEntry(entry);
  variant.artifact = Sha256(entry.elf);
  *variant.record.mutable_key() = PartsOf(entry);
  variant.record.mutable_preimage()->mutable_sketch()->Add(entry.sketch.begin(), entry.sketch.end());
  return variant;
}

std::string GraphBytes(const std::string& graph) { return MakeComponents(graph).graph(); }

TEST(KeyNeighboursTest, FindsKeysByGraphAndByArtifactNewestFirst) {
  KeyNeighbours neighbours;
  const Entry one = {.options = "a", .elf = "x"}, two = {.options = "b", .elf = "x"}, other = {.graph = "h"};
  for (const Entry& entry : {one, two, other, one}) neighbours.Add(VariantOf(entry));
  EXPECT_THAT(neighbours.KeysOfGraph("", GraphBytes("g")), ElementsAre(KeyOfEntry(two), KeyOfEntry(one)));
  EXPECT_THAT(neighbours.KeysOfArtifact(Sha256("x")), ElementsAre(KeyOfEntry(two), KeyOfEntry(one)));
  EXPECT_THAT(neighbours.KeysOfGraph("", GraphBytes("unknown")), IsEmpty());
  EXPECT_THAT(neighbours.KeysOfArtifact(Sha256("unknown")), IsEmpty());
}

TEST(KeyNeighboursTest, DomainsDoNotSeeEachOther) {
  KeyNeighbours neighbours;
  const std::vector<uint32_t> sketch(kWords, 7);
  const Entry mine = {.domain = "mine", .sketch = sketch}, theirs = {.domain = "theirs", .sketch = sketch};
  neighbours.Add(VariantOf(mine));
  neighbours.Add(VariantOf(theirs));
  EXPECT_THAT(neighbours.KeysOfGraph("mine", GraphBytes("g")), ElementsAre(KeyOfEntry(mine)));
  EXPECT_THAT(neighbours.KeysOfGraphsLike("mine", sketch, 8), ElementsAre(KeyOfEntry(mine)));
  EXPECT_THAT(neighbours.KeysOfGraphsLike("", sketch, 8), IsEmpty());
}

TEST(KeyNeighboursTest, TheMostAlikeGraphsComeFirst) {
  KeyNeighbours neighbours;
  std::vector<uint32_t> sketch(kWords);
  for (size_t w = 0; w < kWords; ++w) sketch[w] = static_cast<uint32_t>(100 + w);
  auto with_changed = [&](size_t words) {
    std::vector<uint32_t> changed = sketch;
    for (size_t w = 0; w < words; ++w) changed[w] = static_cast<uint32_t>(words * 1000 + w);
    return changed;
  };
  const Entry far = {.graph = "far", .sketch = with_changed(12)}, near = {.graph = "near", .sketch = with_changed(2)};
  const Entry none = {.graph = "none", .sketch = with_changed(16)}, bare = {.graph = "bare"};
  for (const Entry& entry : {far, near, none, bare}) neighbours.Add(VariantOf(entry));
  EXPECT_THAT(neighbours.KeysOfGraphsLike("", sketch, 8), ElementsAre(KeyOfEntry(near), KeyOfEntry(far)));
  EXPECT_THAT(neighbours.KeysOfGraphsLike("", sketch, 1), ElementsAre(KeyOfEntry(near)));
  EXPECT_THAT(neighbours.KeysOfGraphsLike("", {}, 8), IsEmpty());
}

TEST(KeyNeighboursTest, OverTheBoundTheOldestGraphIsForgotten) {
  KeyNeighbours neighbours(/*max_graphs=*/3);
  std::vector<Entry> entries;
  for (uint32_t i = 0; i < 10; ++i) {
    entries.push_back({.graph = absl::StrCat("g", i), .elf = absl::StrCat("e", i),
                       .sketch = std::vector<uint32_t>(kWords, i % 2)});
    neighbours.Add(VariantOf(entries.back()));
  }
  for (uint32_t i = 0; i < 10; ++i) {
    EXPECT_EQ(neighbours.KeysOfGraph("", GraphBytes(entries[i].graph)).size(), i < 7 ? 0u : 1u) << i;
  }
  EXPECT_THAT(neighbours.KeysOfArtifact(Sha256("e0")), IsEmpty());
  // Of those that are left, 7 and 9 have the sketch of ones, and nothing stale is found.
  EXPECT_THAT(neighbours.KeysOfGraphsLike("", entries[1].sketch, 8),
              ElementsAre(KeyOfEntry(entries[7]), KeyOfEntry(entries[9])));
}

TEST(KeyNeighboursTest, AGraphOfManyKeysKeepsItsNewest) {
  KeyNeighbours neighbours;
  for (size_t i = 0; i < 2 * KeyNeighbours::kMaxKeysPerGraph; ++i) {
    neighbours.Add(VariantOf({.options = absl::StrCat(i)}));
  }
  const std::vector<VariantKey> keys = neighbours.KeysOfGraph("", GraphBytes("g"));
  EXPECT_EQ(keys.size(), KeyNeighbours::kMaxKeysPerGraph);
  EXPECT_EQ(keys[0], KeyOfEntry({.options = absl::StrCat(2 * KeyNeighbours::kMaxKeysPerGraph - 1)}));
}

// The oracle is a scan of all sketches.
TEST(KeyNeighboursTest, AmongAHundredThousandTheNearestIsFoundNearlyAlways) {
  constexpr int kGraphs = 100000;
  constexpr int kProbes = 500;
  std::mt19937 random(17);
  KeyNeighbours neighbours;
  std::vector<std::vector<uint32_t>> sketches;
  for (int g = 0; g < kGraphs; ++g) {
    std::vector<uint32_t> sketch(kWords);
    // Few values, so that graphs share buckets: about six in each.
    for (uint32_t& word : sketch) word = random() % 128;
    IndexedVariant variant = VariantOf({.graph = absl::StrCat(g), .elf = absl::StrCat(g), .sketch = sketch});
    neighbours.Add(variant);
    sketches.push_back(std::move(sketch));
  }
  int found = 0;
  for (int p = 0; p < kProbes; ++p) {
    const int near = static_cast<int>(random() % kGraphs);
    std::vector<uint32_t> probe = sketches[static_cast<size_t>(near)];
    for (int changes = 0; changes < 3; ++changes) probe[random() % kWords] = 1000 + random() % 128;
    const std::vector<VariantKey> keys = neighbours.KeysOfGraphsLike("", probe, 1);
    found += !keys.empty() && keys[0] == KeyOfEntry({.graph = absl::StrCat(near)});
  }
  EXPECT_GE(found, kProbes * 99 / 100);
}

}  // namespace
}  // namespace kiln
