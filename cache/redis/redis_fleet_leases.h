// Leases of a fleet in Redis.
//
//   PREFIX:1:lease:{KEY}:IDENTITY   string: token (32 hex digits), then a serialized
//                                   CompileLease; SET NX PX, so that Redis ends it
//   PREFIX:1:leases:{KEY}           set of the identities that may be held; a hint, since
//                                   either may be evicted without the other
//   PREFIX:1:lease:news             channel: the KEY whose leases have changed
//
// KEY and IDENTITY are 64 hex digits. Taking, renewing and releasing are a Lua script
// each, which compares the token first; the braces keep a key's leases on one
// server of a cluster.
//
// What is read is a stranger's: it is bounded, and what cannot be read says nothing.
#ifndef KILN_CACHE_REDIS_REDIS_FLEET_LEASES_H_
#define KILN_CACHE_REDIS_REDIS_FLEET_LEASES_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "cache/fleet_leases.h"
#include "cache/redis/redis_client.h"
#include "cache/redis/redis_subscriber.h"

namespace kiln {

// Thread-safe.
class RedisFleetLeases final : public FleetLeases {
 public:
  explicit RedisFleetLeases(std::shared_ptr<RedisClient> redis);
  ~RedisFleetLeases() override;

  absl::StatusOr<LeaseAnswer> Take(const Wish& wish) override;
  absl::StatusOr<bool> Renew(const Wish& held, bool is_news) override;
  absl::Status Release(const LeaseName& name, const std::string& token) override;
  void Listen(Listener listener) override;

 private:
  std::string LeaseKey(const LeaseName& name) const;
  std::string LiveKey(const VariantKey& key) const;
  void Hear(absl::string_view payload);

  // Constant after construction.
  const std::shared_ptr<RedisClient> redis_;
  const std::string prefix_;       // of leases
  const std::string live_prefix_;  // of sets
  const std::string channel_;

  absl::Mutex mutex_;
  Listener listener_ ABSL_GUARDED_BY(mutex_);

  // Ends before what its callbacks use.
  std::unique_ptr<RedisSubscriber> subscriber_;
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_FLEET_LEASES_H_
