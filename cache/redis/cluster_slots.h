// Redis Cluster's map of keys to servers: 16384 slots, each of one server.
// https://redis.io/docs/reference/cluster-spec
#ifndef KILN_CACHE_REDIS_CLUSTER_SLOTS_H_
#define KILN_CACHE_REDIS_CLUSTER_SLOTS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cache/redis/redis_reply.h"
#include "cache/redis/redis_url.h"

namespace kiln {

inline constexpr int kClusterSlots = 16384;

// CRC16 (XMODEM) of the key, or of its hash tag: what stands between the first '{'
// and the next '}', if that is not empty.
int SlotOf(absl::string_view key);

struct SlotRange {
  int first = 0;
  int last = 0;
  RedisAddress master;
};

// What CLUSTER SLOTS answers. A server that does not know its own name is `asked`.
// STORAGE if it is not that.
absl::StatusOr<std::vector<SlotRange>> ParseClusterSlots(const RedisReply& reply, const RedisAddress& asked);

struct Redirect {
  bool ask = false;  // for this one call; otherwise for good
  int slot = 0;
  RedisAddress to;
};

// Of "MOVED 3999 127.0.0.1:6381" and "ASK ...". A host that is left out is `asked`.
std::optional<Redirect> ParseRedirect(const RedisReply& reply, const RedisAddress& asked);

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_CLUSTER_SLOTS_H_
