// What a server that says it is Redis sends: in pieces of every size, within small
// limits. What is read must be the same however it was cut.
#include <cstdint>
#include <string>

#include "cache/redis/cluster_slots.h"
#include "cache/redis/redis_reply.h"
#include "tests/fuzz/require.h"

namespace {

constexpr kiln::RedisReplyLimits kLimits = {.max_bytes = 1 << 16, .max_elements = 1000};

int64_t CountElements(const kiln::RedisReply& reply) {
  int64_t count = static_cast<int64_t>(reply.elements.size());
  for (const kiln::RedisReply& element : reply.elements) count += CountElements(element);
  return count;
}

void Describe(const kiln::RedisReply& reply, std::string& out) {
  out += std::to_string(static_cast<int>(reply.type)) + ":" + std::to_string(reply.integer) + ":" + reply.text + "[";
  for (const kiln::RedisReply& element : reply.elements) Describe(element, out);
  out += "]";
}

// The replies before the first error.
std::string Read(absl::string_view bytes, size_t piece) {
  kiln::RedisReplyReader reader(kLimits);
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if (!reader.Feed(bytes.substr(at, piece)).ok()) return out;
    while (true) {
      const absl::StatusOr<std::optional<kiln::RedisReply>> reply = reader.Next();
      if (!reply.ok()) return out;
      if (!reply->has_value()) break;
      kiln::Require(CountElements(**reply) <= kLimits.max_elements, "more elements than allowed");
      kiln::ParseClusterSlots(**reply, {"asked", 1}).IgnoreError();
      kiln::ParseRedirect(**reply, {"asked", 1});
      Describe(**reply, out);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 1 << 15) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = Read(bytes, bytes.size() + 1);
  const std::string pieces = Read(bytes, 1 + data[0] % 16);
  kiln::Require(whole == pieces, "cut otherwise it reads otherwise");
  return 0;
}
