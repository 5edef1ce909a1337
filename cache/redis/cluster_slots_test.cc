#include "cache/redis/cluster_slots.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using Type = RedisReply::Type;

RedisReply Int(int64_t value) { return {.type = Type::kInteger, .integer = value}; }
RedisReply Str(std::string text) { return {.type = Type::kString, .text = std::move(text)}; }
RedisReply Arr(std::vector<RedisReply> elements) { return {.type = Type::kArray, .elements = std::move(elements)}; }
RedisReply Err(std::string text) { return {.type = Type::kError, .text = std::move(text)}; }

const RedisAddress kAsked = {"asked", 7000};

TEST(ClusterSlotsTest, KeysHaveTheSlotsOfTheSpecification) {
  // CRC16 of "123456789" is 0x31C3 in the specification.
  EXPECT_EQ(SlotOf("123456789"), 0x31C3 % 16384);
  EXPECT_EQ(SlotOf("foo"), 12182);
  EXPECT_EQ(SlotOf(""), 0);
}

TEST(ClusterSlotsTest, AHashTagStandsForItsKey) {
  EXPECT_EQ(SlotOf("{user1000}.following"), SlotOf("{user1000}.followers"));
  EXPECT_EQ(SlotOf("{user1000}.following"), SlotOf("user1000"));
  // An empty tag is none, and only the first counts.
  EXPECT_NE(SlotOf("foo{}{bar}"), SlotOf("bar"));
  EXPECT_EQ(SlotOf("foo{{bar}}zap"), SlotOf("{bar"));
  EXPECT_EQ(SlotOf("foo{bar}{zap}"), SlotOf("bar"));
  EXPECT_NE(SlotOf("foo{bar"), SlotOf("bar"));
}

TEST(ClusterSlotsTest, ReadsTheMap) {
  const RedisReply reply =
      Arr({Arr({Int(0), Int(8191), Arr({Str("a"), Int(1), Str("id")}), Arr({Str("replica"), Int(9)})}),
           Arr({Int(8192), Int(16383), Arr({RedisReply(), Int(2)})})});
  absl::StatusOr<std::vector<SlotRange>> ranges = ParseClusterSlots(reply, kAsked);
  ASSERT_TRUE(ranges.ok()) << ranges.status();
  ASSERT_EQ(ranges->size(), 2u);
  EXPECT_EQ((*ranges)[0].master, (RedisAddress{"a", 1}));
  EXPECT_EQ((*ranges)[1].first, 8192);
  EXPECT_EQ((*ranges)[1].master, (RedisAddress{"asked", 2}));
}

TEST(ClusterSlotsTest, RefusesWhatIsNoMap) {
  for (const RedisReply& reply :
       {RedisReply(), Err("ERR This instance has cluster support disabled"), Arr({Int(1)}),
        Arr({Arr({Int(0), Int(1)})}), Arr({Arr({Int(-1), Int(5), Arr({Str("a"), Int(1)})})}),
        Arr({Arr({Int(0), Int(16384), Arr({Str("a"), Int(1)})})}),
        Arr({Arr({Int(0), Int(5), Arr({Str("a"), Int(70000)})})}),
        Arr({Arr({Int(0), Int(5), Arr({Str("/run/x"), Int(1)})})}),
        Arr({Arr({Int(0), Int(5), Arr({Str("a"), Str("1")})})})}) {
    EXPECT_FALSE(ParseClusterSlots(reply, kAsked).ok());
  }
}

TEST(ClusterSlotsTest, ReadsRedirects) {
  const std::optional<Redirect> moved = ParseRedirect(Err("MOVED 3999 127.0.0.1:6381"), kAsked);
  ASSERT_TRUE(moved.has_value());
  EXPECT_FALSE(moved->ask);
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->to, (RedisAddress{"127.0.0.1", 6381}));
  EXPECT_TRUE(ParseRedirect(Err("ASK 1 :6381"), kAsked)->ask);
  EXPECT_EQ(ParseRedirect(Err("ASK 1 :6381"), kAsked)->to, (RedisAddress{"asked", 6381}));
  for (const char* text : {"ERR no", "MOVED", "MOVED 1", "MOVED x a:1", "MOVED 99999 a:1", "MOVED 1 a:0", "MOVED 1 a",
                           "MOVED 1 /run/x:1", "MOVED -1 a:1"}) {
    EXPECT_FALSE(ParseRedirect(Err(text), kAsked).has_value()) << text;
  }
  EXPECT_FALSE(ParseRedirect(Str("MOVED 3999 127.0.0.1:6381"), kAsked).has_value());
}

}  // namespace
}  // namespace kiln
