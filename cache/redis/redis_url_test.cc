#include "cache/redis/redis_url.h"

#include <string>

#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

RedisUrl Parse(const std::string& text) {
  absl::StatusOr<RedisUrl> url = ParseRedisUrl(text);
  EXPECT_TRUE(url.ok()) << text << ": " << url.status();
  return url.ok() ? *url : RedisUrl();
}

TEST(RedisUrlTest, ReadsOneServer) {
  const RedisUrl url = Parse("redis://kiln:s%40cret%2F@cache.example:7000/3");
  EXPECT_EQ(url.topology, RedisTopology::kSingle);
  EXPECT_FALSE(url.tls);
  EXPECT_THAT(url.addresses, ElementsAre(RedisAddress{"cache.example", 7000}));
  EXPECT_EQ(url.user, "kiln");
  EXPECT_EQ(url.password, "s@cret/");
  EXPECT_EQ(url.db, 3);
  EXPECT_EQ(url.prefix, "kiln");
}

TEST(RedisUrlTest, LeavesOutWhatIsUsual) {
  EXPECT_THAT(Parse("redis://cache").addresses, ElementsAre(RedisAddress{"cache", 6379}));
  EXPECT_THAT(Parse("rediss://[::1]").addresses, ElementsAre(RedisAddress{"::1", 6379}));
  EXPECT_THAT(Parse("rediss://[::1]:7").addresses, ElementsAre(RedisAddress{"::1", 7}));
  EXPECT_TRUE(Parse("rediss://cache").tls);
  const RedisUrl url = Parse("redis://:secret@cache/?prefix=team-a");
  EXPECT_EQ(url.user, "");
  EXPECT_EQ(url.password, "secret");
  EXPECT_EQ(url.prefix, "team-a");
}

TEST(RedisUrlTest, ReadsSocketsSentinelsAndClusters) {
  EXPECT_THAT(Parse("redis+unix:///run/redis.sock?db=2").addresses, ElementsAre(RedisAddress{"/run/redis.sock", 0}));
  EXPECT_EQ(Parse("redis+unix:///run/redis.sock?db=2").db, 2);
  const RedisUrl sentinel = Parse("rediss+sentinel://u:p@a,b:7/main/1");
  EXPECT_EQ(sentinel.topology, RedisTopology::kSentinel);
  EXPECT_TRUE(sentinel.tls);
  EXPECT_THAT(sentinel.addresses, ElementsAre(RedisAddress{"a", 26379}, RedisAddress{"b", 7}));
  EXPECT_EQ(sentinel.master, "main");
  EXPECT_EQ(sentinel.db, 1);
  EXPECT_THAT(Parse("redis+cluster://a:1,b:2").addresses, ElementsAre(RedisAddress{"a", 1}, RedisAddress{"b", 2}));
}

TEST(RedisUrlTest, RefusesWhatIsNone) {
  for (const char* text : {"", "cache:6379", "http://cache", "redis:/cache", "redis://", "redis://:1", "redis://a:0",
                           "redis://a:65536", "redis://a:b", "redis://a,b", "redis://user@a", "redis://user:@a",
                           "redis://a/x", "redis://a/-1", "redis://a/1/2", "redis://a?x=1", "redis://a?prefix=",
                           "redis://a?prefix=a:b", "redis://%2@a", "redis://u:%zz@a", "redis://[::1", "redis://a b",
                           "redis+unix://", "redis+unix://host/path", "redis+sentinel://a", "redis+sentinel://a/",
                           "redis+cluster://a/1", "redis+cluster://a,,b", "redis://a\r\nb"}) {
    const absl::Status status = ParseRedisUrl(text).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kBadArgumentValue) << text << ": " << status;
  }
}

TEST(RedisUrlTest, NoMessageHoldsAPassword) {
  // Each is wrong in its own way; a part of the password stands where something else
  // is looked for.
  for (const char* text : {"redis://u:hunter2", "redis://u:hunter2@", "redis://u:hun/hunter2@a",
                           "redis://u:hun?hunter2@a", "redis://hunter2@a", "redis://u:hunter2%@a",
                           "redis://u:hunter2@a/x", "redis://u:hunter2@a:b", "u:hunter2@a"}) {
    const absl::Status status = ParseRedisUrl(text).status();
    EXPECT_FALSE(status.ok()) << text;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hunter2"))) << text;
  }
  EXPECT_EQ(Parse("rediss://u:hunter2@a/1").Redacted(), "rediss://u:***@a:6379/1");
  EXPECT_EQ(Parse("redis+sentinel://:hunter2@a,[::1]/m").Redacted(), "redis+sentinel://:***@a:26379,[::1]:26379/m");
}

}  // namespace
}  // namespace kiln
