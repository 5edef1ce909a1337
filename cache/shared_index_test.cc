#include "cache/shared_index.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/memory_shared_tier.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using When = SharedIndex::When;

class SharedIndexTest : public testing::Test {
 protected:
  // What a replica knows: its own variants.
  struct Replica {
    std::unique_ptr<SharedIndex> index;
    SharedIndex::Variants known;
  };

  Replica MakeReplica(const std::vector<std::string>& known = {}) {
    Replica replica;
    replica.index = std::make_unique<SharedIndex>(
        tier_, Trusting(key_),
        SharedIndexOptions{.complain = [this](absl::string_view what) { complaints_.emplace_back(what); }}, &clock_);
    for (const std::string& elf : known) replica.known.push_back(Variant(elf));
    return replica;
  }
  IndexedVariantPtr Variant(const std::string& elf) {
    return *MakeIndexedVariant(SignVariant(key_, {.graph = "g", .elf = elf}));
  }
  void Append(v1::SignedVariant row) { ASSERT_TRUE(tier_->AppendRow("", log_, row).ok()); }
  void Append(const std::string& elf) { Append(SignVariant(key_, {.graph = "g", .elf = elf})); }
  void PublishAll(Replica& replica) {
    for (const IndexedVariantPtr& variant : replica.known) {
      ASSERT_TRUE(replica.index->Publish(*variant, Bytes(variant->artifact)).ok());
    }
  }
  ArtifactBytes Bytes(const Digest& sha256) {
    for (const char* elf : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
      if (Sha256(elf) == sha256) return Elf(elf);
    }
    return nullptr;
  }
  absl::StatusOr<SharedIndex::Pulled> Pull(Replica& replica, When when = When::kNow) {
    return replica.index->Pull("", log_, [&] { return replica.known; }, when);
  }
  std::vector<Digest> Rows(Replica& replica, When when = When::kNow) {
    std::vector<Digest> rows;
    absl::StatusOr<SharedIndex::Pulled> pulled = Pull(replica, when);
    if (pulled.ok()) rows = Digests(pulled->rows);
    return rows;
  }
  static std::vector<Digest> Digests(const SharedIndex::Variants& variants) {
    std::vector<Digest> digests;
    for (const IndexedVariantPtr& variant : variants) digests.push_back(variant->artifact);
    return digests;
  }

  FakeClock clock_;
  const SigningKey key_ = SigningKey::Generate();
  const VariantKey log_ = MakeKey("g");
  const std::shared_ptr<MemorySharedTier> tier_ = std::make_shared<MemorySharedTier>();
  std::vector<std::string> complaints_;
};

TEST_F(SharedIndexTest, PullsWhatIsNewAndNothingTwice) {
  Replica replica = MakeReplica();
  EXPECT_THAT(Rows(replica), IsEmpty());
  // More than a page.
  for (const char* elf : {"a", "b", "c", "d", "e"}) Append(elf);
  EXPECT_THAT(Rows(replica), ElementsAre(Sha256("a"), Sha256("b"), Sha256("c"), Sha256("d"), Sha256("e")));
  Append("f");
  Append("f");
  EXPECT_THAT(Rows(replica), ElementsAre(Sha256("f")));
  EXPECT_THAT(Rows(replica), IsEmpty());
  EXPECT_EQ(replica.index->Counters().rows, 6);
}

TEST_F(SharedIndexTest, AKeyIsNotReadMoreOftenThanItMay) {
  Replica replica = MakeReplica();
  Append("a");
  EXPECT_TRUE(replica.index->IsDue(log_));
  EXPECT_THAT(Rows(replica, When::kIfDue), ElementsAre(Sha256("a")));
  Append("b");
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(replica.index->IsDue(log_));
    EXPECT_THAT(Rows(replica, When::kIfDue), IsEmpty());
  }
  EXPECT_EQ(tier_->reads, 1);
  EXPECT_EQ(replica.index->Counters().pulls_saved, 1000);
  // Other keys are their own.
  EXPECT_TRUE(replica.index->IsDue(MakeKey("other")));
  // Who must know asks.
  EXPECT_THAT(Rows(replica, When::kNow), ElementsAre(Sha256("b")));
  clock_.Advance(absl::Milliseconds(101));
  EXPECT_TRUE(replica.index->IsDue(log_));
}

TEST_F(SharedIndexTest, RowsOfOthersAreNone) {
  const SigningKey stranger = SigningKey::Generate();
  Append("a");
  Append(SignVariant(stranger, {.graph = "g", .elf = "b"}));
  // Validly signed, of another graph.
  Append(SignVariant(key_, {.graph = "other", .elf = "c"}));
  // The signature is another row's.
  v1::SignedVariant swapped = SignVariant(key_, {.graph = "g", .elf = "d"});
  swapped.set_signature(SignVariant(key_, {.graph = "g", .elf = "a"}).signature());
  Append(swapped);
  // Signed, and no record.
  Append(key_.Sign("noise"));
  Append("e");
  Replica replica = MakeReplica();
  EXPECT_THAT(Rows(replica), ElementsAre(Sha256("a"), Sha256("e")));
  EXPECT_EQ(replica.index->Counters().untrusted_rows, 4);
  // Once, however many there are.
  EXPECT_EQ(complaints_.size(), 1u);
  // What nobody can have meant is gone; what others may trust is not.
  EXPECT_EQ(tier_->LogSize("", log_), 5u);
}

TEST_F(SharedIndexTest, AnEntryThatIsNoRowIsRemoved) {
  tier_->logs[{"", log_.digest}].push_back({"x", std::nullopt});
  Append("a");
  Replica replica = MakeReplica();
  EXPECT_THAT(Rows(replica), ElementsAre(Sha256("a")));
  EXPECT_EQ(tier_->LogSize("", log_), 1u);
}

TEST_F(SharedIndexTest, AKeySaysThatItLostRowsUntilOneIsTaken) {
  Append(SignVariant(SigningKey::Generate(), {.graph = "g", .elf = "b"}));
  Replica replica = MakeReplica();
  EXPECT_FALSE(replica.index->HasLost(log_));
  EXPECT_THAT(Rows(replica), IsEmpty());
  EXPECT_TRUE(replica.index->HasLost(log_));
  Append("a");
  EXPECT_THAT(Rows(replica), ElementsAre(Sha256("a")));
  EXPECT_FALSE(replica.index->HasLost(log_));
}

TEST_F(SharedIndexTest, AnArtifactIsWhatItsNameSaysOrGone) {
  Replica replica = MakeReplica();
  tier_->artifacts[{"", Sha256("a")}] = Elf("a");
  tier_->artifacts[{"", Sha256("b")}] = Elf("not b");
  EXPECT_EQ(**replica.index->Fetch("", Sha256("a")), "a");
  EXPECT_EQ(GetErrorReason(replica.index->Fetch("", Sha256("b")).status()), ErrorReason::kArtifactCorrupt);
  EXPECT_EQ(GetErrorReason(replica.index->Fetch("", Sha256("b")).status()), ErrorReason::kArtifactNotFound);
  EXPECT_EQ(GetErrorReason(replica.index->Fetch("tenant", Sha256("a")).status()), ErrorReason::kArtifactNotFound);
  EXPECT_EQ(replica.index->Counters().corrupt_artifacts, 1);
}

TEST_F(SharedIndexTest, NoRowIsWrittenWithoutItsArtifact) {
  Replica replica = MakeReplica();
  tier_->full = true;
  EXPECT_EQ(GetErrorReason(replica.index->Publish(*Variant("a"), Elf("a"))), ErrorReason::kStorage);
  tier_->full = false;
  EXPECT_EQ(tier_->LogSize("", log_), 0u);
}

TEST_F(SharedIndexTest, WhatTheTierLostIsRestored) {
  Replica replica = MakeReplica({"a", "b", "c"});
  PublishAll(replica);
  EXPECT_THAT(Pull(replica)->lacking, IsEmpty());
  // One row, one artifact, and of one both.
  auto& log = tier_->logs[{"", log_.digest}];
  log.erase(log.begin());
  tier_->artifacts.erase({"", Sha256("b")});
  log.erase(log.begin() + 1);
  tier_->artifacts.erase({"", Sha256("c")});
  clock_.Advance(absl::Minutes(11));
  EXPECT_TRUE(replica.index->IsStale(log_));
  const SharedIndex::Pulled pulled = *Pull(replica);
  EXPECT_TRUE(pulled.from_start);
  EXPECT_THAT(Digests(pulled.lacking), UnorderedElementsAre(Sha256("a"), Sha256("c")));
  EXPECT_THAT(Digests(pulled.present), ElementsAre(Sha256("b")));
  replica.index->Restore(pulled, [this](const Digest& sha256) { return Bytes(sha256); });
  EXPECT_EQ(replica.index->Counters().restored, 3);
  Replica other = MakeReplica();
  EXPECT_THAT(Rows(other), UnorderedElementsAre(Sha256("a"), Sha256("b"), Sha256("c")));
  for (const char* elf : {"a", "b", "c"}) EXPECT_EQ(**other.index->Fetch("", Sha256(elf)), elf);
}

TEST_F(SharedIndexTest, ALogThatWasBegunAnewIsReadFromItsStart) {
  Replica replica = MakeReplica({"a"});
  PublishAll(replica);
  EXPECT_TRUE(Pull(replica)->from_start);
  EXPECT_FALSE(Pull(replica)->from_start);
  tier_->Flush();
  Append("b");
  const SharedIndex::Pulled pulled = *Pull(replica);
  EXPECT_TRUE(pulled.from_start);
  EXPECT_THAT(Digests(pulled.rows), ElementsAre(Sha256("b")));
  EXPECT_THAT(Digests(pulled.lacking), ElementsAre(Sha256("a")));
}

TEST_F(SharedIndexTest, OneLostLogMakesAllKeysDoubtful) {
  Replica replica = MakeReplica({"a"});
  PublishAll(replica);
  EXPECT_TRUE(Pull(replica).ok());
  const VariantKey other = MakeKey("other");
  ASSERT_TRUE(replica.index->Pull("", other, [] { return SharedIndex::Variants(); }, When::kNow).ok());
  EXPECT_FALSE(replica.index->IsStale(other));
  tier_->Flush();
  EXPECT_TRUE(Pull(replica).ok());
  // Not more often than each ten seconds, whatever is lost.
  EXPECT_FALSE(replica.index->IsStale(other));
  clock_.Advance(absl::Seconds(11));
  EXPECT_TRUE(replica.index->IsStale(other));
}

TEST_F(SharedIndexTest, ATierThatCameBackIsDoubtful) {
  Replica replica = MakeReplica({"a"});
  PublishAll(replica);
  EXPECT_TRUE(Pull(replica).ok());
  clock_.Advance(absl::Seconds(11));
  EXPECT_TRUE(Pull(replica).ok());
  EXPECT_FALSE(replica.index->IsStale(log_));
  tier_->times_down = 1;
  EXPECT_TRUE(Pull(replica).ok());
  EXPECT_TRUE(replica.index->IsStale(log_));
}

TEST_F(SharedIndexTest, WhileTheTierIsDownFewAsk) {
  Replica replica = MakeReplica();
  tier_->down = true;
  EXPECT_EQ(GetErrorReason(Pull(replica).status()), ErrorReason::kStorage);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(replica.index->IsDue(MakeKey(absl::StrCat(i))));
    EXPECT_FALSE(replica.index->IsStale(MakeKey(absl::StrCat(i))));
  }
  clock_.Advance(absl::Milliseconds(251));
  EXPECT_TRUE(replica.index->IsDue(MakeKey("1")));
  // A pull of one key that fails while the tier is up keeps nobody else away.
  tier_->down = false;
  EXPECT_TRUE(Pull(replica).ok());
  EXPECT_TRUE(replica.index->IsDue(MakeKey("1")));
}

TEST_F(SharedIndexTest, AnEndlessLogIsReadInParts) {
  tier_->page_rows = 1000;
  for (int i = 0; i < 9000; ++i) tier_->logs[{"", log_.digest}].push_back({absl::StrCat("n", i), std::nullopt});
  // Entries that are removed while they are read.
  Replica replica = MakeReplica();
  EXPECT_THAT(Rows(replica), IsEmpty());
  EXPECT_LE(tier_->reads, 10);
  EXPECT_GT(tier_->LogSize("", log_), 0u);
}

}  // namespace
}  // namespace kiln
