// Which server a call goes to: the only one, the master that Sentinels name, or
// the cluster's server of the key's slot.
#ifndef KILN_CACHE_REDIS_REDIS_ROUTER_H_
#define KILN_CACHE_REDIS_REDIS_ROUTER_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/redis/cluster_slots.h"
#include "cache/redis/redis_node.h"

namespace kiln {

// Thread-safe. Asking Sentinels or a cluster who serves what blocks, for a bounded
// time, at most once a second.
class RedisRouter {
 public:
  virtual ~RedisRouter() = default;

  // STORAGE when nobody says who serves the key.
  virtual absl::StatusOr<std::shared_ptr<RedisNode>> NodeFor(absl::string_view key) = 0;
  // After a call to `failed` went wrong. True: NodeFor() gives another one now.
  virtual bool Reconsider(absl::string_view key, const RedisNode& failed) = 0;
  // Where a redirect leads. Null: it is not followed here.
  virtual std::shared_ptr<RedisNode> Follow(const Redirect& redirect) = 0;
  // Those in use, for people.
  virtual std::vector<std::shared_ptr<RedisNode>> Nodes() const = 0;
};

// `clock` must outlive it.
std::unique_ptr<RedisRouter> MakeRedisRouter(std::shared_ptr<const RedisDialing> dialing, const Clock* clock);

// Servers by address, made when they are first asked for. Thread-safe.
class RedisNodes {
 public:
  RedisNodes(std::shared_ptr<const RedisDialing> dialing, const Clock* clock)
      : dialing_(std::move(dialing)), clock_(clock) {}
  std::shared_ptr<RedisNode> At(const RedisAddress& address);

 private:
  // Constant after construction.
  const std::shared_ptr<const RedisDialing> dialing_;
  const Clock* const clock_;

  absl::Mutex mutex_;
  std::map<RedisAddress, std::shared_ptr<RedisNode>> nodes_ ABSL_GUARDED_BY(mutex_);
};

// Lets one in each second, so that an outage is not made worse by questions about it.
class OncePerSecond {
 public:
  explicit OncePerSecond(const Clock* clock) : clock_(clock) {}
  bool Take() {
    const absl::Duration now = clock_->Monotonic();
    if (now - last_ < absl::Seconds(1)) return false;
    last_ = now;
    return true;
  }

 private:
  const Clock* const clock_;
  absl::Duration last_ = -absl::InfiniteDuration();
};

class SentinelRouter final : public RedisRouter {
 public:
  SentinelRouter(std::shared_ptr<const RedisDialing> dialing, const Clock* clock);
  absl::StatusOr<std::shared_ptr<RedisNode>> NodeFor(absl::string_view key) override;
  bool Reconsider(absl::string_view key, const RedisNode& failed) override;
  std::shared_ptr<RedisNode> Follow(const Redirect& redirect) override { return nullptr; }
  std::vector<std::shared_ptr<RedisNode>> Nodes() const override;

 private:
  absl::StatusOr<RedisAddress> AskSentinels();

  // Constant after construction.
  const std::string master_name_;
  std::vector<std::shared_ptr<RedisNode>> sentinels_;

  // Self-locking.
  RedisNodes nodes_;

  mutable absl::Mutex mutex_;
  OncePerSecond asking_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<RedisNode> master_ ABSL_GUARDED_BY(mutex_);
};

class ClusterRouter final : public RedisRouter {
 public:
  ClusterRouter(std::shared_ptr<const RedisDialing> dialing, const Clock* clock);
  absl::StatusOr<std::shared_ptr<RedisNode>> NodeFor(absl::string_view key) override;
  bool Reconsider(absl::string_view key, const RedisNode& failed) override;
  std::shared_ptr<RedisNode> Follow(const Redirect& redirect) override;
  std::vector<std::shared_ptr<RedisNode>> Nodes() const override;

 private:
  // Reads the map anew, if a second has passed since it was read last.
  void Refresh() ABSL_LOCKS_EXCLUDED(mutex_);
  std::shared_ptr<RedisNode> FindLocked(absl::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteUsedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  std::vector<std::shared_ptr<RedisNode>> seeds_;

  // Self-locking.
  RedisNodes nodes_;

  mutable absl::Mutex mutex_;
  OncePerSecond asking_ ABSL_GUARDED_BY(mutex_);
  // A redirect has shown that the map is old.
  bool stale_ ABSL_GUARDED_BY(mutex_) = true;
  // By slot; null: nobody's.
  std::vector<std::shared_ptr<RedisNode>> slots_ ABSL_GUARDED_BY(mutex_);
  // Those in `slots_`, each once.
  std::vector<std::shared_ptr<RedisNode>> used_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_ROUTER_H_
