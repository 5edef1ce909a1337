#include "cache/redis/redis_reply.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using Type = RedisReply::Type;

// A reply in text, for comparison: [ 'a' 1 nil ].
std::string Text(const RedisReply& reply) {
  switch (reply.type) {
    case Type::kNil: return "nil";
    case Type::kStatus: return absl::StrCat("+", reply.text);
    case Type::kError: return absl::StrCat("-", reply.text);
    case Type::kInteger: return absl::StrCat(reply.integer);
    case Type::kString: return absl::StrCat("'", reply.text, "'");
    case Type::kArray: break;
  }
  std::string out = "[";
  for (const RedisReply& element : reply.elements) absl::StrAppend(&out, " ", Text(element));
  return out + " ]";
}

std::string Wire(const RedisReply& reply) {
  switch (reply.type) {
    case Type::kNil: return "$-1\r\n";
    case Type::kStatus: return absl::StrCat("+", reply.text, "\r\n");
    case Type::kError: return absl::StrCat("-", reply.text, "\r\n");
    case Type::kInteger: return absl::StrCat(":", reply.integer, "\r\n");
    case Type::kString: return absl::StrCat("$", reply.text.size(), "\r\n", reply.text, "\r\n");
    case Type::kArray: break;
  }
  std::string out = absl::StrCat("*", reply.elements.size(), "\r\n");
  for (const RedisReply& element : reply.elements) out += Wire(element);
  return out;
}

// Everything that the bytes hold, one after the other; "error" at the end if they
// hold something else.
std::string ReadAll(const std::string& bytes, size_t piece, RedisReplyLimits limits = {}) {
  RedisReplyReader reader(limits);
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if (!reader.Feed(absl::string_view(bytes).substr(at, piece)).ok()) return out + "error";
    while (true) {
      absl::StatusOr<std::optional<RedisReply>> reply = reader.Next();
      if (!reply.ok()) return out + "error";
      if (!reply->has_value()) break;
      absl::StrAppend(&out, Text(**reply), ";");
    }
  }
  return out;
}

RedisReply Draw(std::mt19937& random, int depth) {
  RedisReply reply;
  reply.type = static_cast<Type>(random() % (depth > 0 ? 6 : 5));
  if (reply.type == Type::kInteger) reply.integer = static_cast<int32_t>(random());
  if (reply.type == Type::kStatus || reply.type == Type::kError) reply.text = absl::StrCat("W", random() % 100);
  if (reply.type == Type::kString) {
    for (size_t i = random() % 40; i > 0; --i) reply.text.push_back(static_cast<char>(random()));
  }
  if (reply.type == Type::kArray) {
    for (size_t i = random() % 5; i > 0; --i) reply.elements.push_back(Draw(random, depth - 1));
  }
  return reply;
}

TEST(RedisReplyTest, ReadsEveryKind) {
  EXPECT_EQ(ReadAll("+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*2\r\n$0\r\n\r\n*0\r\n", 1000),
            "+OK;-ERR no;-7;'a\r\n';nil;nil;[ '' [ ] ];");
}

TEST(RedisReplyTest, ReadsWhatWasDrawnInPiecesOfAnySize) {
  std::mt19937 random(20261130);
  for (int round = 0; round < 300; ++round) {
    std::string bytes, expected;
    for (int i = 0; i < 3; ++i) {
      const RedisReply reply = Draw(random, 4);
      bytes += Wire(reply);
      absl::StrAppend(&expected, Text(reply), ";");
    }
    for (size_t piece : {size_t{1}, size_t{7}, bytes.size()}) EXPECT_EQ(ReadAll(bytes, piece), expected);
  }
}

TEST(RedisReplyTest, HostileBytesAreRefusedOrWaitedFor) {
  // A prefix of what was drawn, some of its bytes others: whatever comes out, the
  // reader stays within its limits and ends.
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = Wire(Draw(random, 5));
    for (size_t i = random() % 4; i > 0; --i) bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % (bytes.size() + 1));
    ReadAll(bytes, 1 + random() % 64, {.max_bytes = 4096, .max_elements = 64});
  }
}

TEST(RedisReplyTest, RefusesWhatIsNoAnswer) {
  for (const char* bytes : {"?what\r\n", "HTTP/1.1 200 OK\r\n", "*99999999999\r\n", "*-2\r\n", "$-2\r\n", ":seven\r\n",
                            "$99999999999999999999\r\n", "*1000\r\n", "%1\r\n"}) {
    EXPECT_EQ(ReadAll(bytes, 1000, {.max_bytes = 4096, .max_elements = 999}), "error") << bytes;
  }
}

TEST(RedisReplyTest, ElementsAreCountedThroughAllLevels) {
  const std::string ten = "*10\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n";
  EXPECT_NE(ReadAll("*3\r\n" + ten + ten + ten, 1000, {.max_elements = 33}), "error");
  EXPECT_EQ(ReadAll("*3\r\n" + ten + ten + ten, 1000, {.max_elements = 32}), "error");
  // Of each reply anew.
  EXPECT_EQ(ReadAll("*1\r\n:1\r\n*1\r\n:2\r\n", 1000, {.max_elements = 1}), "[ 1 ];[ 2 ];");
}

TEST(RedisReplyTest, BytesAreBounded) {
  const std::string large = absl::StrCat("$5000\r\n", std::string(5000, 'x'), "\r\n");
  EXPECT_NE(ReadAll(large, 100, {.max_bytes = 6000}), "error");
  EXPECT_EQ(ReadAll(large, 100, {.max_bytes = 4000}), "error");
  // Elements of an array that are whole already count as well.
  const std::string many = absl::StrCat("*3\r\n$2000\r\n", std::string(2000, 'x'), "\r\n$2000\r\n",
                                        std::string(2000, 'x'), "\r\n$2000\r\n", std::string(2000, 'x'), "\r\n");
  EXPECT_EQ(ReadAll(many, 100, {.max_bytes = 5000}), "error");
}

TEST(RedisReplyTest, ALineHasAnEnd) {
  EXPECT_EQ(ReadAll("+" + std::string(100000, 'x'), 1000), "error");
  EXPECT_EQ(ReadAll(":" + std::string(100000, '1'), 1000), "error");
}

TEST(RedisReplyTest, TooDeepIsNoAnswer) {
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += "*1\r\n";
  EXPECT_EQ(ReadAll(deep, 1000), "error");
}

TEST(RedisReplyTest, AnErrorSaysWhatAndNothingElse) {
  RedisReply reply{.type = Type::kError, .text = "OOM command\nnot allowed" + std::string(1000, '!')};
  EXPECT_EQ(reply.error_word(), "OOM");
  const absl::Status status = ErrorOf(reply);
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage);
  EXPECT_LT(status.message().size(), 300u);
  EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
  EXPECT_TRUE(ErrorOf(RedisReply()).ok());
}

}  // namespace
}  // namespace kiln
