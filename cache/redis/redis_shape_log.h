// What replicas tell one another about sizes, in Redis (docs/cache.md):
//
//   PREFIX:1:s:DOMAIN:SUBJECT   a stream: the subject's log, field "s"
#ifndef KILN_CACHE_REDIS_REDIS_SHAPE_LOG_H_
#define KILN_CACHE_REDIS_REDIS_SHAPE_LOG_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "cache/redis/redis_client.h"
#include "cache/shape_log.h"

namespace kiln {

// Thread-safe.
class RedisShapeLog final : public ShapeLog {
 public:
  // `time_to_live`: how long after it was written last a log goes. Infinite: until
  // Redis evicts it.
  RedisShapeLog(std::shared_ptr<RedisClient> client, absl::Duration time_to_live)
      : client_(std::move(client)), time_to_live_(time_to_live) {}

  // A log keeps about 1024 entries, the newest.
  absl::Status Append(absl::string_view domain, const Digest& subject, absl::string_view entry) override;
  absl::StatusOr<ShapeLogPage> Read(absl::string_view domain, const Digest& subject, absl::string_view after) override;

 private:
  std::string LogKey(absl::string_view domain, const Digest& subject) const;

  // Constant after construction.
  const std::shared_ptr<RedisClient> client_;
  const absl::Duration time_to_live_;
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_SHAPE_LOG_H_
