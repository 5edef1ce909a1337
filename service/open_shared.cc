#include "service/open_shared.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "cache/metered_tier.h"
#include "cache/redis/redis_shape_log.h"
#include "cache/redis/redis_store.h"
#include "service/peer_tier.h"

namespace kiln {

absl::StatusOr<std::shared_ptr<RedisClient>> MakeRedisClient(const ServeOptions& options, const Clock* clock) {
  if (options.redis.empty()) return nullptr;
  RedisOptions redis;
  KILN_ASSIGN_OR_RETURN(redis.url, ParseRedisUrl(options.redis));
  redis.tls = options.redis_tls;
  redis.limits = RedisStoreReplyLimits();
  return RedisClient::Create(std::move(redis), clock);
}

namespace {

// Null for none.
std::unique_ptr<SharedTier> MakeSharedTier(const ServeOptions& options, const Front& front) {
  if (front.redis != nullptr) {
    spdlog::info("artifacts are shared by {}", front.redis->options().url.Redacted());
    return std::make_unique<RedisStore>(front.redis, RedisStoreOptions{.time_to_live = options.redis_ttl}, front.clock);
  }
  if (options.peers.empty()) return nullptr;
  spdlog::info("artifacts are looked for at {}", absl::StrJoin(options.peers, ", "));
  return std::make_unique<PeerTier>(options.peers, front.clock);
}

}  // namespace

void UseShared(const ServeOptions& options, Front& front, CacheOptions& cache_options) {
  std::unique_ptr<SharedTier> store = MakeSharedTier(options, front);
  if (store == nullptr) return;
  // There are metrics by the time that anybody asks the tier for anything.
  cache_options.shared = std::make_shared<MeteredTier>(
      std::move(store),
      [&front](SharedCall call, absl::Duration elapsed) { front.metrics->CountSharedCall(call, elapsed); },
      front.clock);
  cache_options.shared_options.complain = [](absl::string_view what) { spdlog::error("{}", std::string(what)); };
  cache_options.clock = front.clock;
}

void UseSharedShapes(const ServeOptions& options, Front& front) {
  if (front.redis == nullptr) return;
  front.shared_shapes = std::make_unique<SharedShapes>(
      std::make_unique<RedisShapeLog>(front.redis, options.redis_ttl), front.shapes.get());
}

void SharedWatch::Look(const Front& front) {
  if (front.redis == nullptr) return;
  const bool is_up = front.redis->State().breaker == BreakerState::kClosed;
  if (is_up == was_up_) return;
  was_up_ = is_up;
  if (is_up) {
    spdlog::info("{} answers again", front.redis->options().url.Redacted());
  } else {
    spdlog::warn("{} does not answer; this server goes on without it", front.redis->options().url.Redacted());
  }
}

}  // namespace kiln
