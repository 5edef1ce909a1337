// The shared tier in a real Redis.
#include "cache/redis/redis_store.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/redis_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

class RedisStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    server_ = RedisProcess::Start();
    ASSERT_NE(server_, nullptr);
    client_ = Client();
    store_ = Store();
  }
  std::shared_ptr<RedisClient> Client() {
    RedisOptions options = server_->ClientOptions();
    options.limits = RedisStoreReplyLimits();
    return *RedisClient::Create(options, &clock_);
  }
  std::unique_ptr<RedisStore> Store(RedisStoreOptions options = {}) {
    return std::make_unique<RedisStore>(client_, options, &clock_);
  }
  ErrorReason Get(const std::string& domain, const std::string& elf) {
    return *GetErrorReason(store_->GetArtifact(domain, Sha256(elf)).status());
  }
  // The only key that begins so.
  std::string KeyOfKind(const std::string& kind) {
    return client_->Call("", {"KEYS", absl::StrCat("kiln:1:", kind, ":*")})->elements.at(0).text;
  }
  v1::SignedVariant Row(const std::string& elf) { return SignVariant(key_, {.elf = elf}); }
  std::vector<std::string> Rows(const LogPage& page) {
    std::vector<std::string> rows;
    for (const SharedRow& row : page.rows) {
      rows.push_back(row.signed_variant.has_value() ? row.signed_variant->SerializeAsString() : "none");
    }
    return rows;
  }

  FakeClock clock_;
  const SigningKey key_ = SigningKey::Generate();
  const VariantKey log_ = MakeKey("g");
  std::unique_ptr<RedisProcess> server_;
  std::shared_ptr<RedisClient> client_;
  std::unique_ptr<RedisStore> store_;
};

TEST_F(RedisStoreTest, KeepsArtifactsByDomainAndDigest) {
  const std::string elf(100000, 'e');
  ASSERT_TRUE(store_->PutArtifact("", Sha256(elf), Elf(elf)).ok());
  EXPECT_EQ(**store_->GetArtifact("", Sha256(elf)), elf);
  EXPECT_EQ(Get("tenant", elf), ErrorReason::kArtifactNotFound);
  EXPECT_EQ(Get("", "other"), ErrorReason::kArtifactNotFound);
  EXPECT_THAT(*store_->HasArtifacts("", {Sha256(elf), Sha256("other")}), ElementsAre(true, false));
  ASSERT_TRUE(store_->RemoveArtifact("", Sha256(elf)).ok());
  EXPECT_EQ(Get("", elf), ErrorReason::kArtifactNotFound);
}

TEST_F(RedisStoreTest, KeysAreAsDocumented) {
  ASSERT_TRUE(store_->PutArtifact("", Sha256("elf"), Elf("elf")).ok());
  ASSERT_TRUE(store_->AppendRow("", log_, Row("elf")).ok());
  const std::string tag = DigestBuilder("kiln.shared_domain.v1").AddBytes("").Finish().ToHex().substr(0, 16);
  EXPECT_EQ(KeyOfKind("a"), absl::StrCat("kiln:1:a:", tag, ":", Sha256("elf").ToHex()));
  EXPECT_EQ(KeyOfKind("v"), absl::StrCat("kiln:1:v:", tag, ":", log_.digest.ToHex()));
  EXPECT_EQ(client_->Call("", {"GET", KeyOfKind("a")})->text, std::string("KAE1\0\3\0\0\0elf", 12));
  const std::string log = KeyOfKind("v");
  absl::StatusOr<RedisReply> entries = client_->Call("", {"XRANGE", log, "-", "+"});
  EXPECT_EQ(entries->elements[0].elements[1].elements[0].text, "r");
  EXPECT_EQ(entries->elements[0].elements[1].elements[1].text, Row("elf").SerializeAsString());
}

TEST_F(RedisStoreTest, APutChangesNothingThatIsThere) {
  ASSERT_TRUE(store_->PutArtifact("", Sha256("a"), Elf("first")).ok());
  ASSERT_TRUE(store_->PutArtifact("", Sha256("a"), Elf("second")).ok());
  EXPECT_EQ(**store_->GetArtifact("", Sha256("a")), "first");
}

TEST_F(RedisStoreTest, WhatIsNoArtifactIsCorrupt) {
  ASSERT_TRUE(store_->PutArtifact("", Sha256("elf"), Elf("elf")).ok());
  const std::string key = KeyOfKind("a");
  ASSERT_TRUE(client_->Call("", {"SET", key, "noise"}).ok());
  EXPECT_EQ(Get("", "elf"), ErrorReason::kArtifactCorrupt);
  ASSERT_TRUE(client_->Call("", {"DEL", key}).ok());
  ASSERT_TRUE(client_->Call("", {"LPUSH", key, "noise"}).ok());
  EXPECT_EQ(Get("", "elf"), ErrorReason::kArtifactCorrupt);
}

TEST_F(RedisStoreTest, ALogIsReadOnFromWhereItEnded) {
  LogPage page = *store_->ReadLog("", log_, "");
  EXPECT_TRUE(page.rows.empty());
  EXPECT_EQ(page.end, "");
  EXPECT_FALSE(page.lost);
  for (const char* elf : {"a", "b"}) ASSERT_TRUE(store_->AppendRow("", log_, Row(elf)).ok());
  page = *store_->ReadLog("", log_, "");
  EXPECT_THAT(Rows(page), ElementsAre(Row("a").SerializeAsString(), Row("b").SerializeAsString()));
  EXPECT_FALSE(page.more);
  ASSERT_TRUE(store_->AppendRow("", log_, Row("c")).ok());
  page = *store_->ReadLog("", log_, page.end);
  EXPECT_THAT(Rows(page), ElementsAre(Row("c").SerializeAsString()));
  EXPECT_TRUE(store_->ReadLog("", log_, page.end)->rows.empty());
  EXPECT_TRUE(store_->ReadLog("other", log_, "")->rows.empty());
}

TEST_F(RedisStoreTest, ALongLogComesInPages) {
  constexpr int kRows = 200;
  for (int i = 0; i < kRows; ++i) ASSERT_TRUE(store_->AppendRow("", log_, Row(absl::StrCat(i))).ok());
  std::vector<std::string> all;
  LogPage page;
  int pages = 0;
  do {
    page = *store_->ReadLog("", log_, page.end);
    for (std::string& row : Rows(page)) all.push_back(std::move(row));
    ++pages;
  } while (page.more);
  ASSERT_EQ(all.size(), size_t{kRows});
  EXPECT_EQ(all[150], Row("150").SerializeAsString());
  EXPECT_GT(pages, 1);
}

TEST_F(RedisStoreTest, ALostLogIsRecognised) {
  ASSERT_TRUE(store_->AppendRow("", log_, Row("a")).ok());
  const LogCursor cursor = store_->ReadLog("", log_, "")->end;
  EXPECT_FALSE(store_->ReadLog("", log_, cursor)->lost);
  ASSERT_TRUE(client_->Call("", {"FLUSHALL"}).ok());
  EXPECT_TRUE(store_->ReadLog("", log_, cursor)->lost);
  // Entries are named by milliseconds: the server waits for the next.
  ASSERT_TRUE(client_->Call("", {"BLPOP", "nothing", "0.002"}).ok());
  // Begun anew, with a row that the reader has not seen.
  ASSERT_TRUE(store_->AppendRow("", log_, Row("b")).ok());
  EXPECT_TRUE(store_->ReadLog("", log_, cursor)->lost);
  // By a server whose clock is behind.
  EXPECT_TRUE(store_->ReadLog("", log_, "99999999999999-0")->lost);
}

TEST_F(RedisStoreTest, WhatIsNoLogAndNoRow) {
  ASSERT_TRUE(store_->AppendRow("", log_, Row("a")).ok());
  const std::string log = KeyOfKind("v");
  ASSERT_TRUE(client_->Call("", {"XADD", log, "*", "r", "noise", "x", "y"}).ok());
  ASSERT_TRUE(client_->Call("", {"XADD", log, "*", "other", "field"}).ok());
  LogPage page = *store_->ReadLog("", log_, "");
  EXPECT_THAT(Rows(page), ElementsAre(Row("a").SerializeAsString(), "none", "none"));
  ASSERT_TRUE(store_->RemoveRow("", log_, page.rows[1].at).ok());
  EXPECT_EQ(store_->ReadLog("", log_, "")->rows.size(), 2u);
  ASSERT_TRUE(client_->Call("", {"SET", log, "a string"}).ok());
  EXPECT_EQ(GetErrorReason(store_->ReadLog("", log_, "").status()), ErrorReason::kStorage);
  EXPECT_EQ(GetErrorReason(store_->AppendRow("", log_, Row("b"))), ErrorReason::kStorage);
}

TEST_F(RedisStoreTest, EntriesLiveAsLongAsTold) {
  store_ = Store({.time_to_live = absl::Hours(2)});
  ASSERT_TRUE(store_->PutArtifact("", Sha256("elf"), Elf("elf")).ok());
  ASSERT_TRUE(store_->AppendRow("", log_, Row("elf")).ok());
  for (const char* kind : {"a", "v"}) {
    const int64_t left = client_->Call("", {"PTTL", KeyOfKind(kind)})->integer;
    EXPECT_GT(left, 0);
    EXPECT_LE(left, 2 * 3600 * 1000);
  }
}

TEST_F(RedisStoreTest, AFullRedisIsWrittenToAgainAfterAWhile) {
  ASSERT_TRUE(store_->PutArtifact("", Sha256("elf"), Elf("elf")).ok());
  ASSERT_TRUE(client_->Call("", {"CONFIG", "SET", "maxmemory", "1"}).ok());
  EXPECT_EQ(GetErrorReason(store_->PutArtifact("", Sha256("b"), Elf("b"))), ErrorReason::kStorage);
  const int64_t calls = client_->State().calls;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(store_->PutArtifact("", Sha256("b"), Elf("b")).ok());
  EXPECT_EQ(client_->State().calls, calls);
  EXPECT_EQ(store_->State().put_failures, 11);
  // Reads go on, and the tier is up.
  EXPECT_EQ(**store_->GetArtifact("", Sha256("elf")), "elf");
  EXPECT_TRUE(store_->State().up);
  ASSERT_TRUE(client_->Call("", {"CONFIG", "SET", "maxmemory", "0"}).ok());
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(store_->PutArtifact("", Sha256("b"), Elf("b")).ok());
}

TEST_F(RedisStoreTest, AServerThatIsAwayIsDown) {
  server_->KillHard();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get("", "elf"), ErrorReason::kStorage);
  EXPECT_FALSE(store_->State().up);
  ASSERT_TRUE(server_->Restart());
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(Get("", "elf"), ErrorReason::kArtifactNotFound);
  EXPECT_TRUE(store_->State().up);
  EXPECT_EQ(store_->State().times_down, 1);
}

}  // namespace
}  // namespace kiln
