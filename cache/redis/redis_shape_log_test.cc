// What replicas tell one another about sizes, in a real Redis.
#include "cache/redis/redis_shape_log.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/testing/redis_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;

class RedisShapeLogTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(server_, nullptr);
    client_ = *RedisClient::Create(server_->ClientOptions(), &clock_);
    log_ = std::make_unique<RedisShapeLog>(client_, absl::InfiniteDuration());
  }
  ShapeLogPage Read(const std::string& domain, const std::string& after = "") {
    const absl::StatusOr<ShapeLogPage> page = log_->Read(domain, subject_, after);
    EXPECT_TRUE(page.ok()) << page.status();
    return page.value_or(ShapeLogPage());
  }

  FakeClock clock_;
  const Digest subject_ = Sha256("forward");
  std::unique_ptr<RedisProcess> server_ = RedisProcess::Start();
  std::shared_ptr<RedisClient> client_;
  std::unique_ptr<RedisShapeLog> log_;
};

TEST_F(RedisShapeLogTest, ReadsOnFromACursor) {
  EXPECT_THAT(Read("").entries, ElementsAre());
  ASSERT_TRUE(log_->Append("", subject_, "one").ok());
  ASSERT_TRUE(log_->Append("", subject_, std::string("t\0o", 3)).ok());
  const ShapeLogPage first = Read("");
  EXPECT_THAT(first.entries, ElementsAre("one", std::string("t\0o", 3)));
  EXPECT_THAT(Read("", first.end).entries, ElementsAre());
  ASSERT_TRUE(log_->Append("", subject_, "three").ok());
  EXPECT_THAT(Read("", first.end).entries, ElementsAre("three"));
  EXPECT_THAT(Read("tenant").entries, ElementsAre());
}

TEST_F(RedisShapeLogTest, PagesAreWholeAndInOrder) {
  std::vector<std::string> appended, read;
  for (int i = 0; i < 100; ++i) {
    appended.push_back(absl::StrCat(i));
    ASSERT_TRUE(log_->Append("", subject_, appended.back()).ok());
  }
  ShapeLogPage page;
  int pages = 0;
  do {
    page = Read("", page.end);
    read.insert(read.end(), page.entries.begin(), page.entries.end());
    ++pages;
  } while (page.more && pages < 100);
  EXPECT_EQ(read, appended);
  EXPECT_GT(pages, 1);
}

TEST_F(RedisShapeLogTest, ALogThatWasLostSaysSo) {
  ASSERT_TRUE(log_->Append("", subject_, "one").ok());
  const std::string cursor = Read("").end;
  ASSERT_TRUE(client_->Call("", {"FLUSHALL"}).ok());
  EXPECT_TRUE(Read("", cursor).lost);
  // An id is a millisecond and a number; a log begun anew within the same one has the same.
  do {
    ASSERT_TRUE(client_->Call("", {"FLUSHALL"}).ok());
    ASSERT_TRUE(log_->Append("", subject_, "two").ok());
  } while (Read("").end == cursor);
  EXPECT_TRUE(Read("", cursor).lost);
  EXPECT_THAT(Read("").entries, ElementsAre("two"));
}

TEST_F(RedisShapeLogTest, KeepsTheNewestEntries) {
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(log_->Append("", subject_, absl::StrCat(i)).ok());
  const std::string key = client_->Call("", {"KEYS", "kiln:1:s:*"})->elements.at(0).text;
  const int64_t length = client_->Call(key, {"XLEN", key})->integer;
  EXPECT_GE(length, 1024);
  EXPECT_LT(length, 1300);
}

TEST_F(RedisShapeLogTest, EntriesWithoutTheFieldAndOtherTypes) {
  ASSERT_TRUE(log_->Append("", subject_, "one").ok());
  const std::string key = client_->Call("", {"KEYS", "kiln:1:s:*"})->elements.at(0).text;
  ASSERT_TRUE(client_->Call(key, {"XADD", key, "*", "other", "field"}).ok());
  EXPECT_THAT(Read("").entries, ElementsAre("one"));
  ASSERT_TRUE(client_->Call(key, {"SET", key, "a string"}).ok());
  EXPECT_EQ(GetErrorReason(log_->Read("", subject_, "").status()), ErrorReason::kStorage);
  EXPECT_EQ(GetErrorReason(log_->Append("", subject_, "two")), ErrorReason::kStorage);
}

TEST_F(RedisShapeLogTest, ALogMayEnd) {
  RedisShapeLog brief(client_, absl::Hours(1));
  ASSERT_TRUE(brief.Append("", subject_, "one").ok());
  const std::string key = client_->Call("", {"KEYS", "kiln:1:s:*"})->elements.at(0).text;
  EXPECT_GT(client_->Call(key, {"PTTL", key})->integer, 0);
}

}  // namespace
}  // namespace kiln
