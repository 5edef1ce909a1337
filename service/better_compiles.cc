#include "service/better_compiles.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "cache/flight.h"
#include "service/front.h"
#include "service/run_compile.h"

namespace kiln {
namespace {

// Requests that wait for their turn; more are considered with their next hit.
constexpr size_t kMaxWaiting = 64;
// Of what was tried: 1 MB.
constexpr size_t kMaxTried = 16384;

// What makes loops over arrays faster, by the beginning of LLVM's names. Others
// (aes, crc32, rdseed) are of no use to them.
constexpr absl::string_view kVectorFeatures[] = {"amx",  "avx",  "bf16",     "dotprod", "f16c", "f32mm", "f64mm",
                                                 "fma",  "fp16", "fullfp16", "i8mm",    "neon", "sse",   "sve"};

bool IsVectorFeature(absl::string_view feature) {
  return std::any_of(std::begin(kVectorFeatures), std::end(kVectorFeatures),
                     [&](absl::string_view prefix) { return absl::StartsWith(feature, prefix); });
}

}  // namespace

bool IsLesser(const v1::VariantRecord& record, const HostClass& host) {
  const auto& had = record.preimage().features();
  if (had.empty() || !host.HasFeatures(had)) return false;
  return std::any_of(host.features().begin(), host.features().end(), [&](const std::string& feature) {
    return IsVectorFeature(feature) && std::find(had.begin(), had.end(), feature) == had.end();
  });
}

bool BetterCompiles::IsNew(const HostClass& host, const IndexedVariant& served) {
  const Digest name = DigestBuilder("kiln.better.v1")
                          .AddDigest(host.digest())
                          .AddDigest(served.key.digest)
                          .AddDigest(served.artifact)
                          .Finish();
  absl::MutexLock lock(&mutex_);
  if (waiting_.size() >= kMaxWaiting) return false;
  if (tried_.size() >= kMaxTried) tried_.clear();
  return tried_.insert(name).second;
}

void BetterCompiles::Consider(const std::shared_ptr<const PreparedCompile>& request, const IndexedVariant& served) {
  if (!IsLesser(served.record, *request->host_class) || !IsNew(*request->host_class, served)) return;
  Enqueue(request);
}

void BetterCompiles::Consider(const v1::LookupRequest& request, const HostClass& host, const IndexedVariant& served) {
  if (!IsLesser(served.record, host) || !IsNew(host, served)) return;
  v1::CompileRequest compile;
  *compile.mutable_header() = request.header();
  *compile.mutable_options() = request.options();
  *compile.mutable_host() = request.host();
  compile.mutable_ref()->set_graph_digest(request.graph_digest());
  compile.mutable_ref()->set_signature_digest(request.signature_digest());
  *compile.mutable_ref()->mutable_symbol_values() = request.symbol_values();
  front_.imports->Submit([this, compile = std::move(compile)](absl::Status admission) {
    if (!admission.ok()) return;
    // A graph that is not held any more cannot be compiled again.
    absl::StatusOr<PreparedCompile> prepared = PrepareCompile(compile, front_.compiler, *front_.graphs, front_.recent_graphs);
    if (prepared.ok()) Enqueue(std::make_shared<const PreparedCompile>(*std::move(prepared)));
  });
}

void BetterCompiles::Enqueue(std::shared_ptr<const PreparedCompile> wanted) {
  {
    absl::MutexLock lock(&mutex_);
    waiting_.push_back(std::move(wanted));
    if (running_) return;
    running_ = true;
  }
  StartNext();
}

void BetterCompiles::StartNext() {
  std::shared_ptr<const PreparedCompile> wanted;
  {
    absl::MutexLock lock(&mutex_);
    // Who waits for a compile has waited long enough.
    if (front_.compiles->num_queued() > 0) waiting_.clear();
    running_ = !waiting_.empty();
    if (!running_) return;
    wanted = std::move(waiting_.front());
    waiting_.pop_front();
  }
  FlightRequest request = {.key = wanted->key,
                           .domain = wanted->domain,
                           .symbols = wanted->graph->symbols,
                           .symbol_values = wanted->graph->symbol_values,
                           .host = wanted->host_class,
                           .wants_better = true};
  FlightCallbacks callbacks = {
      .start = [this, wanted](std::shared_ptr<Flight> flight) { StartCompile(front_, std::move(flight), wanted); },
      .progress = nullptr,
      .done = [this](const absl::StatusOr<FlightOutcome>& outcome) {
        Finish(outcome.ok() && outcome->hit.has_value() && outcome->hit->tier == v1::TIER_COMPILED);
      }};
  front_.flights->Join(std::move(request), std::move(callbacks));
}

void BetterCompiles::Finish(bool compiled) {
  if (compiled) compiled_.fetch_add(1, std::memory_order_relaxed);
  StartNext();
}

}  // namespace kiln
