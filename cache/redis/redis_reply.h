// A reply of Redis (RESP2), and the reader that makes replies of bytes that a
// stranger sent. hiredis' reader parses; what it may build is bounded here.
#ifndef KILN_CACHE_REDIS_REDIS_REPLY_H_
#define KILN_CACHE_REDIS_REDIS_REPLY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {

// A plain value.
struct RedisReply {
  enum class Type { kNil, kStatus, kError, kInteger, kString, kArray };

  Type type = Type::kNil;
  int64_t integer = 0;                // kInteger
  std::string text;                   // kStatus, kError, kString
  std::vector<RedisReply> elements;   // kArray

  bool is_nil() const { return type == Type::kNil; }
  bool is_error() const { return type == Type::kError; }
  bool is_string() const { return type == Type::kString; }
  bool is_integer() const { return type == Type::kInteger; }
  bool is_array() const { return type == Type::kArray; }
  // Of an error, its first word: "OOM", "MOVED", "WRONGTYPE"; else empty.
  absl::string_view error_word() const;
};

// STORAGE with what Redis said, cut to a line, if it is an error; OK otherwise.
absl::Status ErrorOf(const RedisReply& reply);

struct RedisReplyLimits {
  // Of one reply as it is sent. Nothing larger is ever held.
  int64_t max_bytes = int64_t{1} << 20;
  // Elements of one reply, arrays within arrays included.
  int64_t max_elements = 1 << 20;
};

// Not thread-safe.
class RedisReplyReader {
 public:
  explicit RedisReplyReader(RedisReplyLimits limits);
  ~RedisReplyReader();
  RedisReplyReader(const RedisReplyReader&) = delete;
  RedisReplyReader& operator=(const RedisReplyReader&) = delete;

  // Takes bytes as they come. STORAGE over `max_bytes`.
  absl::Status Feed(absl::string_view bytes);
  // The next whole reply, if it is here. STORAGE when the bytes are no RESP2 or
  // ask for more than the limits; the connection is of no use then.
  absl::StatusOr<std::optional<RedisReply>> Next();
  // True between replies: all that was fed has been taken.
  bool empty() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_REPLY_H_
