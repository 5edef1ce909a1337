#include "service/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/miss_reason_table.h"

namespace kiln {
namespace {

struct MetricRow {
  const char* name;
  const char* help;
  // Label names, separated by commas; their values are closed sets.
  const char* labels;
};

// Counted as it happens.
constexpr MetricRow kRequests = {"kiln_requests_total", "RPCs that ended, by RPC and gRPC code.", "rpc,code"};
constexpr MetricRow kRequestSeconds = {"kiln_request_seconds", "Time from a request's arrival to its end.", "rpc"};
constexpr MetricRow kCompiles = {"kiln_compiles_total", "Compiles that gave an artifact.", ""};
constexpr MetricRow kCompileFailures = {"kiln_compile_failures_total", "Compiles that did not, by error reason.",
                                        "reason"};
constexpr MetricRow kCompileSeconds = {"kiln_compile_seconds", "Wall time of one compile, worker's start to end.", ""};
constexpr MetricRow kSpentSeconds = {"kiln_compile_seconds_spent_total",
                                     "Wall time of the compiles that gave an artifact.", ""};
constexpr MetricRow kStageSeconds = {"kiln_compile_stage_seconds_total", "Time spent in each stage of the compiler.",
                                     "stage"};
constexpr MetricRow kGuards = {"kiln_guards_total", "Guards of the variants that were compiled.", ""};
constexpr MetricRow kSharedSeconds = {"kiln_shared_tier_seconds", "Time of one call to the tier that replicas share.",
                                      "call"};
constexpr MetricRow kSentBytes = {"kiln_artifact_sent_bytes_total", "Artifact bytes sent to clients.", ""};

// Read off at each scrape.
constexpr MetricRow kHits = {"kiln_cache_hits_total", "Requests that found a variant, by tier.", "tier"};
constexpr MetricRow kMisses = {"kiln_cache_misses_total", "Lookups that found none; compiles that found none are counted as compiles.", ""};
constexpr MetricRow kMissReasons = {"kiln_cache_miss_reasons_total", "Why lookups missed; one may have several.",
                                    "reason"};
constexpr MetricRow kDropped = {"kiln_cache_dropped_total", "Corrupt, unsigned or revoked entries dropped.", "what"};
constexpr MetricRow kWriteFailures = {"kiln_cache_write_failures_total", "Writes that a tier refused.", ""};
constexpr MetricRow kVariants = {"kiln_variants", "Variants in the index.", ""};
constexpr MetricRow kKeys = {"kiln_keys", "Keys in the index.", ""};
constexpr MetricRow kArtifacts = {"kiln_artifacts", "Artifacts held.", ""};
constexpr MetricRow kArtifactBytes = {"kiln_artifact_bytes", "Bytes of the artifacts held.", ""};
constexpr MetricRow kKeysBySize = {"kiln_keys_by_variants",
                                   "Keys in use, by their number of variants: so many, up to twice as many.",
                                   "variants"};
constexpr MetricRow kEvicted = {"kiln_evicted_total", "Artifacts that left the lowest tier for want of room.", ""};
constexpr MetricRow kEvictedBytes = {"kiln_evicted_bytes_total", "Their bytes.", ""};
constexpr MetricRow kEvictedSeconds = {"kiln_evicted_compile_seconds_total", "What they had cost to compile.", ""};
constexpr MetricRow kPinnedBytes = {"kiln_pinned_bytes", "Bytes of artifacts that are kept for jobs.", ""};
constexpr MetricRow kPins = {"kiln_pins", "Artifacts that are kept for jobs, for each job.", ""};
constexpr MetricRow kPinningJobs = {"kiln_pinning_jobs", "Jobs that something is kept for.", ""};
constexpr MetricRow kPinsRefused = {"kiln_pins_refused_total", "Pins beyond the bounds; the requests were answered.",
                                    ""};
constexpr MetricRow kScrubbedBytes = {"kiln_scrubbed_bytes_total", "Read again to see whether it is what it was.", ""};
constexpr MetricRow kScrubbedRows = {"kiln_scrubbed_rows_total", "Rows that were read again, with their artifacts.",
                                     ""};
constexpr MetricRow kScrubPasses = {"kiln_scrub_passes_total", "How often everything had been read again.", ""};
constexpr MetricRow kSavedSeconds = {"kiln_compile_seconds_saved_total",
                                     "What the variants of hits had cost to compile.", ""};
constexpr MetricRow kBetterCompiles = {"kiln_better_compiles_total",
                                       "Compiles for clients that had got a variant of a lesser processor.", ""};
constexpr MetricRow kFlights = {"kiln_flights", "Compiles in progress or waiting for a worker.", ""};
constexpr MetricRow kWaiters = {"kiln_flight_waiters", "Requests that wait for a compile.", ""};
constexpr MetricRow kJoined = {"kiln_flight_joined_total", "Requests that shared another's compile.", ""};
constexpr MetricRow kWorkers = {"kiln_workers", "Workers, by what they do.", "state"};
constexpr MetricRow kSharedBreaker = {"kiln_shared_tier_breaker", "1 for what the breaker of the shared tier is.",
                                      "state"};
constexpr MetricRow kSharedCalls = {"kiln_shared_tier_calls_total",
                                    "Calls to the servers of the shared tier, by how they ended.", "outcome"};
constexpr MetricRow kSharedBytes = {"kiln_shared_tier_bytes_total", "Bytes moved from and to the shared tier.",
                                    "direction"};
constexpr MetricRow kSharedPulls = {"kiln_shared_tier_pulls_total",
                                    "Keys' logs read, and not read since they just had been.", "what"};
constexpr MetricRow kSharedRows = {"kiln_shared_tier_rows_total",
                                   "Rows taken from logs, and what was restored because it was lost.", "what"};
constexpr MetricRow kSharedUntrusted = {"kiln_shared_tier_untrusted_total",
                                        "Rows and artifacts of the shared tier that were refused.", "what"};
constexpr MetricRow kSharedPutFailures = {"kiln_shared_tier_put_failures_total",
                                          "Writes that the shared tier did not take.", ""};
constexpr MetricRow kSharedDown = {"kiln_shared_tier_down_total",
                                   "How often the shared tier was left alone for a while.", ""};
constexpr MetricRow kQueued = {"kiln_compiles_queued", "Compiles that wait for a worker.", ""};

constexpr MetricRow kLeaseEvents = {"kiln_lease_events_total", "What became of compile leases that replicas share.",
                                    "event"};
constexpr MetricRow kSharedShapes = {"kiln_shared_shapes_total",
                                     "Entries about sizes that replicas exchanged, and exchanges that failed.", "what"};
constexpr MetricRow kDuplicates = {"kiln_duplicate_compiles_total",
                                   "Compiles whose variant another replica had published meanwhile.", ""};
constexpr MetricRow kRemembered = {"kiln_remembered_failures", "Failed compiles that are remembered now.", "what"};
constexpr MetricRow kRememberedAnswers = {"kiln_remembered_failure_answers_total",
                                          "Requests that a remembered failure answered.", ""};

// Stage names come from workers, which are not trusted: others are "other".
constexpr absl::string_view kStages[] = {"propagate", "decompose", "layout", "lower", "schedule", "codegen", "link", "other"};
constexpr size_t kNumStages = std::size(kStages);
constexpr size_t kNumCodes = 17;

// 1 ms to 100 s, three a decade.
const prometheus::Histogram::BucketBoundaries kSecondsBuckets = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,  0.25,
                                                                 0.5,   1,      2.5,   5,    10,    25,   50,   100};

size_t StageIndex(absl::string_view stage) {
  for (size_t i = 0; i + 1 < kNumStages; ++i) {
    if (kStages[i] == stage) return i;
  }
  return kNumStages - 1;
}

template <typename Builder>
auto& Register(prometheus::Registry& registry, Builder build, const MetricRow& row) {
  return build().Name(row.name).Help(row.help).Register(registry);
}

// A family whose values are read off elsewhere.
class ReadFamily {
 public:
  ReadFamily(const MetricRow& row, prometheus::MetricType type) : row_(row) {
    family_.name = row.name;
    family_.help = row.help;
    family_.type = type;
  }
  template <typename Number>
  ReadFamily& Add(Number number, const std::string& label_value = "") {
    const auto value = static_cast<double>(number);
    prometheus::ClientMetric metric;
    if (*row_.labels != '\0') metric.label = {{row_.labels, label_value}};
    (family_.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family_.metric.push_back(std::move(metric));
    return *this;
  }
  operator prometheus::MetricFamily() { return std::move(family_); }

 private:
  const MetricRow& row_;
  prometheus::MetricFamily family_;
};

ReadFamily Counter(const MetricRow& row) { return {row, prometheus::MetricType::Counter}; }
ReadFamily Gauge(const MetricRow& row) { return {row, prometheus::MetricType::Gauge}; }

ReadFamily MissReasons(const CacheCounters& cache) {
  ReadFamily family = Counter(kMissReasons);
  for (const MissReasonRow& row : MissReasonRows()) {
    family.Add(cache.misses_by_reason[static_cast<size_t>(row.reason)], std::string(row.label));
  }
  return family;
}

std::vector<prometheus::MetricFamily> ReadShared(const SharedCounters& shared) {
  const SharedTierState& tier = shared.tier;
  return {Gauge(kSharedBreaker)
              .Add(tier.up ? 1 : 0, "closed")
              .Add(!tier.up && tier.probing ? 1 : 0, "half_open")
              .Add(!tier.up && !tier.probing ? 1 : 0, "open"),
          Counter(kSharedCalls).Add(tier.calls - tier.failures, "ok").Add(tier.failures, "failed"),
          Counter(kSharedBytes).Add(tier.bytes_read, "read").Add(tier.bytes_written, "written"),
          Counter(kSharedPulls).Add(shared.pulls, "read").Add(shared.pulls_saved, "saved"),
          Counter(kSharedRows).Add(shared.rows, "taken").Add(shared.restored, "restored"),
          Counter(kSharedUntrusted).Add(shared.untrusted_rows, "row").Add(shared.corrupt_artifacts, "artifact"),
          Counter(kSharedPutFailures).Add(tier.put_failures),
          Counter(kSharedDown).Add(tier.times_down)};
}

ReadFamily KeysByVariants(const CacheCounters& cache) {
  ReadFamily family = Gauge(kKeysBySize);
  for (size_t i = 0; i < cache.keys_by_size.size(); ++i) {
    family.Add(cache.keys_by_size[i], absl::StrCat(int64_t{1} << i));
  }
  return family;
}

// What is kept, and what is not.
void AddRetention(const ServiceGauges& gauges, std::vector<prometheus::MetricFamily>& families) {
  const CacheCounters& cache = gauges.cache;
  families.push_back(KeysByVariants(cache));
  families.push_back(Counter(kEvicted).Add(cache.evicted_artifacts));
  families.push_back(Counter(kEvictedBytes).Add(cache.evicted_bytes));
  families.push_back(Counter(kEvictedSeconds).Add(cache.evicted_seconds));
  families.push_back(Gauge(kPinnedBytes).Add(cache.pins.bytes));
  families.push_back(Gauge(kPins).Add(cache.pins.pins));
  families.push_back(Gauge(kPinningJobs).Add(cache.pins.jobs));
  families.push_back(Counter(kPinsRefused).Add(cache.pins.refused));
  families.push_back(Counter(kScrubbedBytes).Add(gauges.scrub.bytes));
  families.push_back(Counter(kScrubbedRows).Add(gauges.scrub.rows));
  families.push_back(Counter(kScrubPasses).Add(gauges.scrub.passes));
  families.push_back(Counter(kBetterCompiles).Add(gauges.better_compiles));
  families.push_back(Counter(kSavedSeconds).Add(cache.saved_seconds));
}

ReadFamily LeaseEvents(const FleetCounters& fleet) {
  ReadFamily family = Counter(kLeaseEvents);
  family.Add(fleet.taken, "taken").Add(fleet.waited, "waited").Add(fleet.taken_over, "taken_over");
  family.Add(fleet.hedged, "hedged").Add(fleet.lost, "lost").Add(fleet.unavailable, "unavailable");
  return family;
}

ReadFamily SharedShapesEvents(const SharedShapesCounters& shapes) {
  ReadFamily family = Counter(kSharedShapes);
  family.Add(shapes.taken, "taken").Add(shapes.told, "told").Add(shapes.refused, "refused");
  family.Add(shapes.failed, "failed");
  return family;
}

std::vector<prometheus::MetricFamily> ReadGauges(const ServiceGauges& gauges) {
  const CacheCounters& cache = gauges.cache;
  std::vector<prometheus::MetricFamily> families = {
          Counter(kHits)
              .Add(cache.hits_memory, "memory")
              .Add(cache.hits_disk, "disk")
              .Add(cache.hits_shared, "shared"),
          Counter(kMisses).Add(cache.misses),
          MissReasons(cache),
          Counter(kDropped).Add(cache.dropped_rows, "row").Add(cache.dropped_artifacts, "artifact").Add(cache.revoked_rows, "revoked"),
          Counter(kWriteFailures).Add(cache.write_failures),
          Gauge(kVariants).Add(cache.variants),
          Gauge(kKeys).Add(cache.keys),
          Gauge(kArtifacts).Add(cache.artifacts),
          Gauge(kArtifactBytes).Add(cache.artifact_bytes),
          Gauge(kFlights).Add(gauges.flights),
          Gauge(kWaiters).Add(gauges.waiters),
          Counter(kJoined).Add(gauges.joined),
          Gauge(kWorkers)
              .Add(gauges.workers_running, "running")
              .Add(gauges.workers_allowed - gauges.workers_running, "idle"),
          Gauge(kQueued).Add(gauges.compiles_queued),
          LeaseEvents(gauges.fleet),
          Counter(kDuplicates).Add(gauges.fleet.duplicates),
          SharedShapesEvents(gauges.shapes),
          Gauge(kRemembered).Add(gauges.failures.failures, "failure").Add(gauges.failures.quarantined, "quarantine"),
          Counter(kRememberedAnswers).Add(gauges.failures.answered)};
  AddRetention(gauges, families);
  if (!cache.shared.has_value()) return families;
  std::vector<prometheus::MetricFamily> shared = ReadShared(*cache.shared);
  families.insert(families.end(), shared.begin(), shared.end());
  return families;
}

void AddFleet(const FleetCounters& fleet, v1::LeaseCounters& counters) {
  counters.set_taken(fleet.taken);
  counters.set_waited(fleet.waited);
  counters.set_taken_over(fleet.taken_over);
  counters.set_hedged(fleet.hedged);
  counters.set_lost(fleet.lost);
  counters.set_unavailable(fleet.unavailable);
  counters.set_duplicates(fleet.duplicates);
}

void AddFailures(const FailureCounters& failures, v1::FailureCounters& counters) {
  counters.set_failures(failures.failures);
  counters.set_quarantined(failures.quarantined);
  counters.set_answered(failures.answered);
}

class GaugeReader : public prometheus::Collectable {
 public:
  explicit GaugeReader(std::function<ServiceGauges()> read) : read_(std::move(read)) {}
  std::vector<prometheus::MetricFamily> Collect() const override { return ReadGauges(read_()); }

 private:
  const std::function<ServiceGauges()> read_;
};

}  // namespace

struct ServiceMetrics::Rep {
  explicit Rep(std::function<ServiceGauges()> read)
      : read_gauges(std::move(read)), gauges(std::make_shared<GaugeReader>(read_gauges)) {
    auto& requests_family = Register(*registry, prometheus::BuildCounter, kRequests);
    auto& seconds_family = Register(*registry, prometheus::BuildHistogram, kRequestSeconds);
    for (int rpc = 0; rpc < kNumRpcs; ++rpc) {
      const std::string name(kRpcNames[rpc]);
      for (size_t code = 0; code < kNumCodes; ++code) {
        requests[rpc][code] = &requests_family.Add(
            {{"rpc", name}, {"code", absl::StatusCodeToString(static_cast<absl::StatusCode>(code))}});
      }
      request_seconds[rpc] = &seconds_family.Add({{"rpc", name}}, kSecondsBuckets);
    }
    auto& failures_family = Register(*registry, prometheus::BuildCounter, kCompileFailures);
    for (const ErrorReasonRow& row : ErrorReasons()) {
      failures.push_back(&failures_family.Add({{"reason", std::string(row.name)}}));
    }
    auto& shared_family = Register(*registry, prometheus::BuildHistogram, kSharedSeconds);
    for (absl::string_view call : kSharedCallNames) {
      shared_seconds.push_back(&shared_family.Add({{"call", std::string(call)}}, kSecondsBuckets));
    }
    auto& stages_family = Register(*registry, prometheus::BuildCounter, kStageSeconds);
    for (size_t i = 0; i < kNumStages; ++i) stages[i] = &stages_family.Add({{"stage", std::string(kStages[i])}});
  }

  const std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  const std::function<ServiceGauges()> read_gauges;
  const std::shared_ptr<GaugeReader> gauges;
  std::array<std::array<prometheus::Counter*, kNumCodes>, kNumRpcs> requests;
  std::array<prometheus::Histogram*, kNumRpcs> request_seconds;
  prometheus::Counter& compiles = Register(*registry, prometheus::BuildCounter, kCompiles).Add({});
  prometheus::Histogram& compile_seconds =
      Register(*registry, prometheus::BuildHistogram, kCompileSeconds).Add({}, kSecondsBuckets);
  prometheus::Counter& spent_seconds = Register(*registry, prometheus::BuildCounter, kSpentSeconds).Add({});
  prometheus::Counter& guards = Register(*registry, prometheus::BuildCounter, kGuards).Add({});
  prometheus::Counter& sent_bytes = Register(*registry, prometheus::BuildCounter, kSentBytes).Add({});
  std::array<prometheus::Counter*, kNumStages> stages;
  // By ErrorReason.
  std::vector<prometheus::Counter*> failures;
  // By SharedCall.
  std::vector<prometheus::Histogram*> shared_seconds;
};

ServiceMetrics::ServiceMetrics(std::function<ServiceGauges()> read_gauges)
    : rep_(std::make_unique<Rep>(std::move(read_gauges))) {}

ServiceMetrics::~ServiceMetrics() = default;

void ServiceMetrics::CountRequest(Rpc rpc, absl::StatusCode code, absl::Duration elapsed) {
  const auto index = static_cast<size_t>(rpc);
  rep_->requests[index][static_cast<size_t>(code) % kNumCodes]->Increment();
  rep_->request_seconds[index]->Observe(absl::ToDoubleSeconds(elapsed));
}

void ServiceMetrics::CountCompile(absl::Duration elapsed,
                                  const google::protobuf::RepeatedPtrField<v1::StageTime>& stage_times, int guards) {
  rep_->compiles.Increment();
  rep_->compile_seconds.Observe(absl::ToDoubleSeconds(elapsed));
  rep_->spent_seconds.Increment(std::max(0.0, absl::ToDoubleSeconds(elapsed)));
  rep_->guards.Increment(guards);
  for (const v1::StageTime& time : stage_times) {
    // A counter refuses what is not positive; NaN compares false.
    if (time.milliseconds() > 0 && time.milliseconds() < absl::ToDoubleMilliseconds(elapsed) * 2) {
      rep_->stages[StageIndex(time.stage())]->Increment(time.milliseconds() / 1000);
    }
  }
}

void ServiceMetrics::CountCompileFailure(const absl::Status& status) {
  rep_->failures[static_cast<size_t>(GetErrorReason(status).value_or(ErrorReason::kCompilerBug))]->Increment();
}

void ServiceMetrics::CountSentArtifactBytes(size_t bytes) { rep_->sent_bytes.Increment(static_cast<double>(bytes)); }

void ServiceMetrics::CountSharedCall(SharedCall call, absl::Duration elapsed) {
  rep_->shared_seconds[static_cast<size_t>(call)]->Observe(absl::ToDoubleSeconds(elapsed));
}

v1::ServerCounters ServiceMetrics::Counters() const {
  const auto count = [](const prometheus::Counter* counter) { return static_cast<int64_t>(counter->Value()); };
  const ServiceGauges gauges = rep_->read_gauges();
  v1::ServerCounters counters;
  counters.set_compiles(count(&rep_->compiles));
  int64_t failures = 0;
  for (const prometheus::Counter* counter : rep_->failures) failures += count(counter);
  counters.set_compile_failures(failures);
  counters.set_worker_crashes(count(rep_->failures[static_cast<size_t>(ErrorReason::kWorkerCrashed)]));
  counters.set_joined(gauges.joined);
  counters.set_hits_memory(gauges.cache.hits_memory);
  counters.set_hits_disk(gauges.cache.hits_disk);
  counters.set_misses(gauges.cache.misses);
  const SharedCounters shared = gauges.cache.shared.value_or(SharedCounters());
  counters.set_hits_shared(gauges.cache.hits_shared);
  counters.set_shared_pulls(shared.pulls);
  counters.set_shared_rows(shared.rows);
  counters.set_shared_restored(shared.restored);
  counters.set_shared_bytes(shared.tier.bytes_read + shared.tier.bytes_written);
  counters.set_shared_failures(shared.tier.failures);
  counters.set_shared_put_failures(shared.tier.put_failures);
  counters.set_shared_untrusted(shared.untrusted_rows + shared.corrupt_artifacts);
  counters.set_shared_times_down(shared.tier.times_down);
  counters.set_variants(gauges.cache.variants);
  counters.set_keys(gauges.cache.keys);
  counters.set_artifact_bytes(gauges.cache.artifact_bytes);
  counters.set_guards(count(&rep_->guards));
  counters.set_evicted_bytes(gauges.cache.evicted_bytes);
  counters.set_evicted_compile_seconds(gauges.cache.evicted_seconds);
  counters.set_pinned_bytes(gauges.cache.pins.bytes);
  counters.set_pins_refused(gauges.cache.pins.refused);
  counters.set_scrubbed_bytes(gauges.scrub.bytes);
  counters.set_better_compiles(gauges.better_compiles);
  counters.set_compile_seconds_spent(rep_->spent_seconds.Value());
  counters.set_compile_seconds_saved(gauges.cache.saved_seconds);
  AddFleet(gauges.fleet, *counters.mutable_leases());
  AddFailures(gauges.failures, *counters.mutable_remembered());
  for (size_t i = 0; i < kNumStages; ++i) {
    if (rep_->stages[i]->Value() == 0) continue;
    v1::StageTime& total = *counters.add_stage_totals();
    total.set_stage(std::string(kStages[i]));
    total.set_milliseconds(rep_->stages[i]->Value() * 1000);
  }
  return counters;
}

std::vector<std::shared_ptr<prometheus::Collectable>> ServiceMetrics::Collectables() const {
  return {rep_->registry, rep_->gauges};
}

}  // namespace kiln
