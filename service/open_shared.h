// The wiring of the tier that replicas share.
#ifndef KILN_SERVICE_OPEN_SHARED_H_
#define KILN_SERVICE_OPEN_SHARED_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cache/open_cache.h"
#include "service/front.h"
#include "service/serve.h"

namespace kiln {

// The client, connected to nothing yet; null if the options name no Redis.
// BAD_ARGUMENT_VALUE for a URL or a file that cannot be used; a server that is not
// there is no error, now or later.
absl::StatusOr<std::shared_ptr<RedisClient>> MakeRedisClient(const ServeOptions& options, const Clock* clock);

// Has the cache use `front.redis`, or the options' peers, if there are any.
void UseShared(const ServeOptions& options, Front& front, CacheOptions& cache_options);

// Has replicas share the shape profile over `front.redis`, if there is one. After
// `front.shapes` is there.
void UseSharedShapes(const ServeOptions& options, Front& front);

// Says when the tier goes down and when it comes back. Not thread-safe.
class SharedWatch {
 public:
  // Whoever has a timer calls it.
  void Look(const Front& front);

 private:
  bool was_up_ = true;
};

}  // namespace kiln

#endif  // KILN_SERVICE_OPEN_SHARED_H_
