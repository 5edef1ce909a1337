// What is behind RedisClient: private to it and to the subscriber.
#ifndef KILN_CACHE_REDIS_REDIS_CLIENT_REP_H_
#define KILN_CACHE_REDIS_REDIS_CLIENT_REP_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cache/redis/redis_client.h"
#include "cache/redis/redis_connection.h"
#include "cache/redis/redis_router.h"

namespace kiln {

// Thread-safe.
class RedisClient::Rep {
 public:
  Rep(std::shared_ptr<const RedisDialing> dialing, const Clock* clock)
      : dialing_(std::move(dialing)), router_(MakeRedisRouter(dialing_, clock)) {}

  const std::shared_ptr<const RedisDialing>& dialing() const { return dialing_; }
  RedisRouter& router() { return *router_; }
  absl::StatusOr<std::vector<RedisReply>> Run(absl::string_view key, absl::Span<const RedisWords> commands);

 private:
  absl::StatusOr<std::vector<RedisReply>> Follow(absl::string_view key, absl::Span<const RedisWords> commands);

  const std::shared_ptr<const RedisDialing> dialing_;
  const std::unique_ptr<RedisRouter> router_;
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_CLIENT_REP_H_
