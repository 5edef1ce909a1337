// One server: a bounded pool of connections and a breaker.
#ifndef KILN_CACHE_REDIS_REDIS_NODE_H_
#define KILN_CACHE_REDIS_REDIS_NODE_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "cache/redis/circuit_breaker.h"
#include "cache/redis/redis_connection.h"

namespace kiln {

// Thread-safe.
class RedisNode {
 public:
  // `clock` must outlive it.
  RedisNode(RedisAddress address, std::shared_ptr<const RedisDialing> dialing, const Clock* clock);

  const RedisAddress& address() const { return address_; }
  const CircuitBreaker& breaker() const { return breaker_; }

  // One reply for each command. STORAGE when the server cannot be used, at once
  // while the breaker is open; and when all connections stay busy, which says nothing
  // about the server: large artifacts take their time.
  absl::StatusOr<std::vector<RedisReply>> Exchange(absl::Span<const RedisWords> commands);

 private:
  using Connection = std::unique_ptr<RedisConnection>;

  absl::StatusOr<std::vector<RedisReply>> TryExchange(absl::Span<const RedisWords> commands);
  // Waits until fewer connections than allowed are busy, and counts one more.
  absl::Status AwaitTurn() ABSL_LOCKS_EXCLUDED(mutex_);
  // Whose turn it is: an idle connection, or a new one.
  absl::StatusOr<Connection> Take() ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends a turn. Null: the connection is closed.
  void GiveBack(Connection connection) ABSL_LOCKS_EXCLUDED(mutex_);

  // Constant after construction.
  const RedisAddress address_;
  const std::shared_ptr<const RedisDialing> dialing_;

  // Self-locking.
  CircuitBreaker breaker_;

  absl::Mutex mutex_;
  std::vector<Connection> idle_ ABSL_GUARDED_BY(mutex_);
  int busy_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_NODE_H_
