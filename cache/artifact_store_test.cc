// What every store must do, asked of each: memory, disk, tiered, verified.
#include "cache/artifact_store.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/bounded_store.h"
#include "cache/disk_store.h"
#include "cache/memory_graph_store.h"
#include "cache/memory_store.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/temp_folder.h"
#include "cache/tiered_store.h"
#include "cache/verified_store.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

struct StoreCase {
  const char* name;
  std::shared_ptr<ArtifactStore> (*make)(const std::string& folder, std::shared_ptr<const Trust> trusted);
};

std::shared_ptr<ArtifactStore> OpenDisk(const std::string& folder) {
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

const StoreCase kStores[] = {
    {"Memory", [](const std::string&, std::shared_ptr<const Trust>) -> std::shared_ptr<ArtifactStore> {
       return std::make_shared<MemoryStore>(1 << 20);
     }},
    {"Disk", [](const std::string& folder, std::shared_ptr<const Trust>) { return OpenDisk(folder); }},
    {"Tiered", [](const std::string& folder, std::shared_ptr<const Trust>) -> std::shared_ptr<ArtifactStore> {
       return std::make_shared<TieredStore>(std::make_shared<MemoryStore>(1 << 20), OpenDisk(folder));
     }},
    {"Bounded", [](const std::string& folder, std::shared_ptr<const Trust>) -> std::shared_ptr<ArtifactStore> {
       return *BoundedStore::Open(OpenDisk(folder), 1 << 20);
     }},
    {"Verified", [](const std::string&, std::shared_ptr<const Trust> trusted) -> std::shared_ptr<ArtifactStore> {
       return std::make_shared<VerifiedStore>(std::make_shared<MemoryStore>(1 << 20), trusted,
                                              std::make_shared<DropLog>());
     }},
};

class ArtifactStoreTest : public ::testing::TestWithParam<StoreCase> {
 protected:
  void Publish(const VariantSpec& spec) {
    absl::Status status = store_->Publish(SignedRow(key_, spec), Elf(spec.elf));
    ASSERT_TRUE(status.ok()) << status;
  }
  // The bytes of the artifact that `elf` names, or the reason of the error.
  std::string Get(const std::string& elf) {
    absl::StatusOr<StoredArtifact> found = store_->GetArtifact(Sha256(elf));
    if (found.ok()) return *found->elf;
    return std::string(GetErrorReasonRow(*GetErrorReason(found.status())).name);
  }
  std::map<VariantKey, std::string> Rows() {
    std::map<VariantKey, std::string> rows;
    EXPECT_TRUE(store_->VisitVariants([&](VariantRow row) { rows[row.key] = row.signed_variant.record(); }).ok());
    return rows;
  }

  TempFolder folder_;
  SigningKey key_ = SigningKey::Generate();
  std::shared_ptr<ArtifactStore> store_ = GetParam().make(folder_.path(), Trusting(key_));
};

TEST_P(ArtifactStoreTest, GivesBackWhatWasPublished) {
  Publish({.graph = "g", .elf = "one"});
  EXPECT_EQ(Get("one"), "one");
  EXPECT_EQ(Get("two"), "ARTIFACT_NOT_FOUND");
  std::map<VariantKey, std::string> rows = Rows();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[MakeKey("g")], MakeRecord({.graph = "g", .elf = "one"}).SerializeAsString());
}

TEST_P(ArtifactStoreTest, PublishingTwiceIsOnce) {
  Publish({.elf = "one"});
  Publish({.created = 5, .elf = "one"});
  EXPECT_EQ(Rows().size(), 1u);
  const StoreSize size = store_->Size();
  EXPECT_EQ(size.artifact_bytes, 3);
  EXPECT_EQ(size.artifacts, 1);
}

TEST_P(ArtifactStoreTest, RemovesRowsAndArtifacts) {
  Publish({.graph = "g", .elf = "one"});
  Publish({.graph = "h", .elf = "two"});
  ASSERT_TRUE(store_->RemoveVariant(MakeKey("g"), Sha256("one")).ok());
  EXPECT_EQ(Rows().size(), 1u);
  EXPECT_EQ(store_->Size().artifacts, 1);
  ASSERT_TRUE(store_->RemoveArtifact(Sha256("two")).ok());
  EXPECT_EQ(Get("two"), "ARTIFACT_NOT_FOUND");
  ASSERT_TRUE(store_->RemoveArtifact(Sha256("never there")).ok());
  ASSERT_TRUE(store_->RemoveVariant(MakeKey("g"), Sha256("never there")).ok());
}

TEST_P(ArtifactStoreTest, FindsTheRowsOfAKey) {
  Publish({.graph = "g", .elf = "one"});
  Publish({.graph = "g", .elf = "two"});
  Publish({.graph = "h", .elf = "three"});
  absl::StatusOr<std::vector<VariantRow>> rows = store_->VariantsOf(MakeKey("g"));
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 2u);
  for (const VariantRow& row : *rows) EXPECT_EQ(row.key, MakeKey("g"));
  EXPECT_TRUE(store_->VariantsOf(MakeKey("none"))->empty());
}

TEST_P(ArtifactStoreTest, GoesThroughRowsInTheOrderOfTheirNames) {
  for (int i = 0; i < 20; ++i) Publish({.graph = absl::StrCat("g", i % 7), .elf = absl::StrCat("e", i)});
  std::optional<RowName> last;
  int rows = 0;
  while (true) {
    absl::StatusOr<std::optional<VariantRow>> row = store_->NextVariant(last);
    ASSERT_TRUE(row.ok()) << row.status();
    if (!row->has_value()) break;
    const RowName name((*row)->key, (*row)->artifact);
    if (last.has_value()) {
      EXPECT_LT(*last, name);
    }
    last = name;
    ++rows;
  }
  EXPECT_EQ(rows, 20);
}

TEST_P(ArtifactStoreTest, KnowsFactsAndCountsKeys) {
  Publish({.graph = "g", .seconds = 2.5, .elf = "one"});
  Publish({.graph = "g", .elf = "two"});
  Publish({.graph = "h", .elf = "two"});
  int facts = 0;
  ASSERT_TRUE(store_->VisitFacts([&](const RowSummary& row) {
    ++facts;
    EXPECT_EQ(row.facts.artifact_bytes(), 3);
    if (row.name.second == Sha256("one")) {
      EXPECT_EQ(row.facts.compile_seconds(), 2.5);
    }
  }).ok());
  EXPECT_EQ(facts, 3);
  EXPECT_EQ(store_->Size().keys, 2);
  EXPECT_EQ(store_->Size().variants, 3);
  ASSERT_TRUE(store_->RemoveVariant(MakeKey("h"), Sha256("two")).ok());
  EXPECT_EQ(store_->Size().keys, 1);
}

TEST_P(ArtifactStoreTest, HoldsBytesOfAnyKind) {
  std::string bytes(100000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  Publish({.elf = bytes});
  EXPECT_EQ(Get(bytes), bytes);
}

INSTANTIATE_TEST_SUITE_P(Stores, ArtifactStoreTest, ::testing::ValuesIn(kStores),
                         [](const auto& info) { return info.param.name; });

TEST(MemoryStoreTest, WhatNobodyUsesLeavesFirst) {
  MemoryStore store(10);
  ASSERT_TRUE(store.PutArtifact(Sha256("a"), Elf("aaaa")).ok());
  ASSERT_TRUE(store.PutArtifact(Sha256("b"), Elf("bbbb")).ok());
  store.NoteUse(Sha256("a"), {});
  ASSERT_TRUE(store.PutArtifact(Sha256("c"), Elf("cccc")).ok());
  EXPECT_TRUE(store.GetArtifact(Sha256("a")).ok());
  EXPECT_FALSE(store.GetArtifact(Sha256("b")).ok());
  EXPECT_EQ(store.Size().artifact_bytes, 8);
}

TEST(MemoryStoreTest, TheNewestStaysEvenIfItIsOverTheBound) {
  MemoryStore store(3);
  ASSERT_TRUE(store.PutArtifact(Sha256("a"), Elf("aaaa")).ok());
  EXPECT_TRUE(store.GetArtifact(Sha256("a")).ok());
}

TEST(MemoryStoreTest, WhatIsPinnedStays) {
  FakeClock clock;
  auto pins = std::make_shared<PinBook>(PinBook::Options{.max_bytes = 8, .max_bytes_per_job = 8}, &clock, nullptr);
  MemoryStore store(10, pins);
  ASSERT_TRUE(pins->Pin("job", Sha256("a"), 4));
  for (const char* name : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(store.PutArtifact(Sha256(name), Elf(std::string(4, *name))).ok());
    if (*name != 'a') store.NoteUse(Sha256(name), {.compile_seconds = 60});
  }
  EXPECT_TRUE(store.GetArtifact(Sha256("a")).ok());
  EXPECT_EQ(store.Size().evicted_artifacts, 2);
  EXPECT_EQ(store.Size().evicted_bytes, 8);
}

TEST(MemoryStoreTest, RowsLeaveWithTheirArtifact) {
  SigningKey key = SigningKey::Generate();
  MemoryStore store(4);
  ASSERT_TRUE(store.Publish(SignedRow(key, {.elf = "aaa"}), Elf("aaa")).ok());
  ASSERT_TRUE(store.Publish(SignedRow(key, {.elf = "bbb"}), Elf("bbb")).ok());
  EXPECT_EQ(store.Size().variants, 1);
}

TEST(MemoryStoreTest, WhoHoldsAnArtifactKeepsIt) {
  MemoryStore store(4);
  ASSERT_TRUE(store.PutArtifact(Sha256("a"), Elf("aaaa")).ok());
  ArtifactBytes held = store.GetArtifact(Sha256("a"))->elf;
  ASSERT_TRUE(store.PutArtifact(Sha256("b"), Elf("bbbb")).ok());
  EXPECT_EQ(*held, "aaaa");
}

TEST(TieredStoreTest, SaysWhichTierAnsweredAndCopiesUp) {
  auto memory = std::make_shared<MemoryStore>(1 << 20);
  TempFolder folder;
  std::shared_ptr<ArtifactStore> disk = OpenDisk(folder.path());
  ASSERT_TRUE(disk->PutArtifact(Sha256("a"), Elf("a")).ok());
  TieredStore store(memory, disk);
  EXPECT_EQ(store.GetArtifact(Sha256("a"))->tier, v1::TIER_DISK);
  EXPECT_EQ(store.GetArtifact(Sha256("a"))->tier, v1::TIER_MEMORY);
}

class BoundedStoreTest : public ::testing::Test {
 protected:
  void Open(int64_t max_bytes, std::shared_ptr<const PinBook> pins = nullptr) {
    store_.reset();
    absl::StatusOr<std::unique_ptr<BoundedStore>> store = BoundedStore::Open(inner_, max_bytes, std::move(pins));
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  // Ten bytes under this name, used once.
  void Publish(char name, double seconds = 1) {
    const VariantSpec spec{.graph = std::string(1, name), .seconds = seconds, .elf = std::string(10, name)};
    ASSERT_TRUE(store_->Publish(SignedRow(key_, spec), Elf(spec.elf)).ok());
    Use(name, seconds);
  }
  void Use(char name, double seconds = 1) {
    store_->NoteUse(Sha256(std::string(10, name)), {.bytes = 10, .compile_seconds = seconds});
  }
  bool Has(char name) { return store_->GetArtifact(Sha256(std::string(10, name))).ok(); }
  std::string Names() {
    std::string names;
    for (char name = 'a'; name <= 'z'; ++name) {
      if (inner_->GetArtifact(Sha256(std::string(10, name))).ok()) names += name;
    }
    return names;
  }

  TempFolder folder_;
  SigningKey key_ = SigningKey::Generate();
  // Where facts are kept.
  std::shared_ptr<ArtifactStore> inner_ = OpenDisk(folder_.path());
  std::unique_ptr<BoundedStore> store_;
};

TEST_F(BoundedStoreTest, WhatIsWorthLeastLeavesWithItsRows) {
  Open(49);
  Publish('a', 9);
  Publish('b', 1);
  Publish('c', 5);
  Publish('d', 2);
  EXPECT_EQ(Names(), "abcd");
  Use('b');
  Use('b');
  Publish('e', 7);
  // A thirty-second of the room is free again.
  EXPECT_EQ(Names(), "abce");
  EXPECT_EQ(store_->Size().variants, 4);
  EXPECT_EQ(store_->Size().evicted_artifacts, 1);
  EXPECT_EQ(store_->Size().evicted_bytes, 10);
  EXPECT_EQ(store_->Size().evicted_seconds, 2);
}

TEST_F(BoundedStoreTest, ARestartForgetsNoUses) {
  Open(100);
  Publish('a', 1);
  Publish('b', 1);
  Publish('c', 1);
  for (int i = 0; i < 5; ++i) Use('a');
  for (int i = 0; i < 3; ++i) Use('c');
  Open(25);
  EXPECT_EQ(Names(), "ac");
}

TEST_F(BoundedStoreTest, UsesThatWereSavedSurviveAKill) {
  Open(100);
  Publish('a', 1);
  Publish('b', 1);
  for (int i = 0; i < 5; ++i) Use('a');
  ASSERT_TRUE(store_->SaveUses().ok());
  int64_t uses = 0;
  ASSERT_TRUE(inner_->VisitFacts([&](const RowSummary& row) { uses = std::max(uses, row.facts.uses()); }).ok());
  EXPECT_EQ(uses, 6);
}

TEST_F(BoundedStoreTest, WhatIsPinnedStays) {
  FakeClock clock;
  auto pins = std::make_shared<PinBook>(PinBook::Options{.max_bytes = 30, .max_bytes_per_job = 30}, &clock, nullptr);
  ASSERT_TRUE(pins->Pin("job", Sha256("aaaaaaaaaa"), 10));
  Open(40, pins);
  Publish('a', 0.1);
  for (char name : {'b', 'c', 'd', 'e', 'f'}) Publish(name, 9);
  EXPECT_TRUE(Has('a'));
  clock.Advance(absl::Hours(25));
  Publish('g', 9);
  EXPECT_FALSE(Has('a'));
}

TEST_F(BoundedStoreTest, OneThatIsLargerThanTheBoundIsServedNevertheless) {
  Open(5);
  Publish('a');
  EXPECT_TRUE(Has('a'));
  Publish('b');
  EXPECT_EQ(Names(), "b");
}

TEST_F(BoundedStoreTest, RemovedRowsCountNoMore) {
  Open(40);
  for (int i = 0; i < 20; ++i) {
    Publish('a');
    ASSERT_TRUE(store_->RemoveVariant(MakeKey("a"), Sha256("aaaaaaaaaa")).ok());
  }
  Publish('b');
  Publish('c');
  EXPECT_TRUE(Has('b'));
}

// A disk that refuses every write.
class FullStore final : public ArtifactStore {
 public:
  absl::StatusOr<StoredArtifact> GetArtifact(const Digest&) override { return Full(); }
  absl::Status PutArtifact(const Digest&, ArtifactBytes) override { return Full(); }
  absl::Status RemoveArtifact(const Digest&) override { return Full(); }
  absl::Status Publish(const VariantRow&, ArtifactBytes) override { return Full(); }
  absl::Status RemoveVariant(const VariantKey&, const Digest&) override { return Full(); }
  absl::Status VisitVariants(const std::function<void(VariantRow)>&) override { return absl::OkStatus(); }
  StoreSize Size() override { return {}; }

 private:
  static absl::Status Full() { return MakeError(ErrorReason::kStorage, "no space left"); }
};

TEST(TieredStoreTest, AFullDiskStillLeavesTheArtifactInMemory) {
  TieredStore store(std::make_shared<MemoryStore>(1 << 20), std::make_shared<FullStore>());
  SigningKey key = SigningKey::Generate();
  EXPECT_EQ(GetErrorReason(store.Publish(SignedRow(key, {.elf = "a"}), Elf("a"))), ErrorReason::kStorage);
  EXPECT_EQ(store.GetArtifact(Sha256("a"))->tier, v1::TIER_MEMORY);
}

TEST(GraphStoreTest, DomainsDoNotShareNames) {
  const Digest a = Sha256("a"), b = Sha256("b");
  EXPECT_NE(GraphName("", a, b), GraphName("tenant", a, b));
  EXPECT_NE(GraphName("", a, b), GraphName("", b, a));
}

TEST(GraphStoreTest, DiskAndMemoryGiveBackGraphs) {
  TempFolder folder;
  absl::StatusOr<std::unique_ptr<DiskStore>> disk = DiskStore::Open(folder.path());
  ASSERT_TRUE(disk.ok()) << disk.status();
  MemoryGraphStore memory(1 << 20);
  for (GraphStore* store : {static_cast<GraphStore*>(disk->get()), static_cast<GraphStore*>(&memory)}) {
    const Digest name = Sha256("name");
    EXPECT_FALSE(store->HasGraph(name));
    EXPECT_EQ(GetErrorReason(store->GetGraph(name).status()), ErrorReason::kGraphNotFound);
    ASSERT_TRUE(store->PutGraph(name, "bytes").ok());
    EXPECT_TRUE(store->HasGraph(name));
    EXPECT_EQ(*store->GetGraph(name), "bytes");
  }
}

}  // namespace
}  // namespace kiln
