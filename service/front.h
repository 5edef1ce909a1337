// What the RPCs share: the parts of a serving process, wired by serve.cc. Nothing
// here knows gRPC.
#ifndef KILN_SERVICE_FRONT_H_
#define KILN_SERVICE_FRONT_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/caretaker.h"
#include "cache/fleet_thread.h"
#include "cache/flight.h"
#include "cache/graph_store.h"
#include "cache/redis/redis_client.h"
#include "cache/remembered_failures.h"
#include "cache/scrubber.h"
#include "cache/shape_profile.h"
#include "cache/shared_shapes.h"
#include "cache/variant_cache.h"
#include "compiler/artifact/trust.h"
#include "service/activity.h"
#include "service/better_compiles.h"
#include "service/compiler_entry.h"
#include "service/estimate_correction.h"
#include "service/metrics.h"
#include "service/recent_graphs.h"
#include "service/request_history.h"
#include "service/shared_lookups.h"
#include "service/task_queue.h"
#include "service/zygote.h"

namespace kiln {

// Constant while it serves, but for self-locking parts and `draining`.
struct Front {
  explicit Front(const Clock* clock) : clock(clock), failures(FailureMemory(), clock), activity(clock) {}
  ~Front();

  const Clock* const clock;
  CompilerEntry compiler;
  SigningKey key = SigningKey::Generate();
  // Its own key, and what the files of trusted keys and of revocations say.
  std::shared_ptr<Trust> trust = Trust::Fixed({});
  absl::Time started;
  std::unique_ptr<Zygote> zygote;
  std::shared_ptr<GraphStore> graphs;
  RecentGraphs recent_graphs;
  // Null without --redis.
  std::shared_ptr<RedisClient> redis;
  std::unique_ptr<VariantCache> cache;
  std::unique_ptr<ShapeProfile> shapes;
  // What replicas tell one another of sizes; null without --redis.
  std::unique_ptr<SharedShapes> shared_shapes;
  // What the caretaker takes care of, each where there is one; it goes before them.
  std::shared_ptr<BoundedStore> bounded;
  std::shared_ptr<PinBook> pins;
  std::shared_ptr<Scrubber> scrubber;
  std::unique_ptr<Caretaker> caretaker;
  // Null unless the server is told. Its flights end before it goes.
  std::unique_ptr<BetterCompiles> better;
  std::unique_ptr<Flights> flights;
  // Null without a store that replicas share.
  std::unique_ptr<FleetThread> fleet;
  RememberedFailures failures;
  EstimateCorrection estimates;
  std::unique_ptr<ServiceMetrics> metrics;
  // Imports of requests; compiles, one worker each; propagations, likewise.
  std::unique_ptr<TaskQueue> imports;
  std::unique_ptr<TaskQueue> compiles;
  std::unique_ptr<TaskQueue> propagations;
  // What waits for the tier that replicas share; without one nobody comes.
  std::unique_ptr<TaskQueue> shared_calls;
  std::unique_ptr<SharedLookups> shared;
  Activity activity;
  // What Explain tells of earlier requests.
  RequestHistory history;
  // Compile requests that the cache served; the cache itself counts Lookup's.
  std::atomic<int64_t> compile_hits_memory{0};
  std::atomic<int64_t> compile_hits_disk{0};
  std::atomic<int64_t> compile_hits_shared{0};
  // Set when the server has been told to stop.
  std::atomic<bool> draining{false};

  void CountCompileHit(v1::Tier tier);

  // SHUTTING_DOWN once `draining`.
  absl::Status CheckServing() const;
};

}  // namespace kiln

#endif  // KILN_SERVICE_FRONT_H_
