// What the service counts. One constant row per metric stands in metrics.cc,
// beside the code that counts it; label values come from closed sets, never from
// a client or a worker. GetServerInfo's counters are these same numbers.
#ifndef KILN_SERVICE_METRICS_H_
#define KILN_SERVICE_METRICS_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "cache/fleet_flights.h"
#include "cache/metered_tier.h"
#include "cache/remembered_failures.h"
#include "cache/scrubber.h"
#include "cache/shared_shapes.h"
#include "cache/variant_cache.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/rpc_name.h"

namespace prometheus {
class Collectable;
class Registry;
}  // namespace prometheus

namespace kiln {

// What is read off when somebody looks, instead of counted.
struct ServiceGauges {
  CacheCounters cache;
  int64_t better_compiles = 0;
  ScrubCounters scrub;
  int64_t flights = 0;
  int64_t waiters = 0;
  int64_t joined = 0;
  int64_t workers_running = 0;
  int64_t workers_allowed = 0;
  int64_t compiles_queued = 0;
  FleetCounters fleet;
  FailureCounters failures;
  SharedShapesCounters shapes;
};

// Thread-safe.
class ServiceMetrics {
 public:
  // `read_gauges` is called at each scrape, from the scraper's thread.
  explicit ServiceMetrics(std::function<ServiceGauges()> read_gauges);
  ~ServiceMetrics();

  void CountRequest(Rpc rpc, absl::StatusCode code, absl::Duration elapsed);
  // One compile that gave an artifact.
  void CountCompile(absl::Duration elapsed, const google::protobuf::RepeatedPtrField<v1::StageTime>& stages,
                    int guards);
  // One that did not.
  void CountCompileFailure(const absl::Status& status);
  void CountSentArtifactBytes(size_t bytes);
  // One call of the tier that replicas share.
  void CountSharedCall(SharedCall call, absl::Duration elapsed);

  v1::ServerCounters Counters() const;

  // For the exposer: everything above, and the gauges.
  std::vector<std::shared_ptr<prometheus::Collectable>> Collectables() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_METRICS_H_
