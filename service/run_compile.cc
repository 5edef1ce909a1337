#include "service/run_compile.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cache/fleet_thread.h"
#include "service/apply_trust.h"
#include "service/check_compiled.h"
#include "service/look_again.h"
#include "service/worker_session.h"

namespace kiln {
namespace {

// Each compile's share of the threads that are there for all.
int ThreadsForOne(const TaskQueue& compiles) {
  return static_cast<int>(compiles.num_threads() / std::max<int64_t>(1, compiles.num_running()));
}

v1::FrontToWorker StartFrame(const PreparedCompile& request, const CompilerEntry& compiler, bool forbid_performance,
                             int threads) {
  v1::FrontToWorker frame;
  v1::FrontToWorker::Start& start = *frame.mutable_start();
  *start.mutable_graph() = request.graph->proto;
  start.mutable_options()->insert(request.options.begin(), request.options.end());
  *start.mutable_target() = request.host.target();
  *start.mutable_key() = request.components;
  start.set_compiler_build(compiler.build);
  *start.mutable_extern_ops() = request.host.extern_ops();
  start.set_forbid_performance_guards(forbid_performance);
  start.set_threads(threads);
  return frame;
}

class CompileRun {
 public:
  // `lease` may be null.
  CompileRun(Front& front, Flight& flight, FleetLease* lease, const PreparedCompile& request,
             const CancelSignal& cancel)
      : front_(front), flight_(flight), lease_(lease), request_(request), cancel_(cancel) {}

  // Tells the flight of everything but a failure, which is returned.
  absl::Status Run() {
    const absl::Duration begin = front_.clock->Monotonic();
    KILN_ASSIGN_OR_RETURN(v1::WorkerToFront answer, Converse());
    if (!answer.has_compiled()) {
      return MakeError(ErrorReason::kWorkerProtocol, "the worker answered the decision with another frame");
    }
    const absl::Duration elapsed = front_.clock->Monotonic() - begin;
    return Publish(std::move(*answer.mutable_compiled()), elapsed);
  }

 private:
  absl::StatusOr<v1::WorkerToFront> Converse() {
    KILN_ASSIGN_OR_RETURN(WorkerSession session,
                          WorkerSession::Start(*front_.zygote, absl::Seconds(GetLimit(Limit::kCompileSeconds)),
                                               &cancel_));
    KILN_RETURN_IF_ERROR(session.Send(
        StartFrame(request_, front_.compiler, flight_.request().forbid_performance_guards(),
                   ThreadsForOne(*front_.compiles))));
    KILN_ASSIGN_OR_RETURN(v1::WorkerToFront frame, session.Receive());
    // Nothing obliges a worker to propagate before it is done; the flight's waiters
    // are then tested at the end.
    if (!frame.has_propagated()) return frame;
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kGuards, frame.propagated().guards_size(), "guards of propagation"));
    // The worker goes on while those who wait are told.
    absl::Status sent;
    const bool go = TellPropagated(*frame.mutable_propagated(), [&](bool goes) {
      v1::FrontToWorker decision;
      decision.mutable_decision()->set_go(goes);
      sent = session.Send(decision);
    });
    KILN_RETURN_IF_ERROR(sent);
    if (!go) return MakeError(ErrorReason::kRequestCancelled, "nobody waits for the compile");
    return session.Receive();
  }

  bool TellPropagated(v1::WorkerToFront::Propagated& propagated, const std::function<void(bool)>& decided) {
    AddLocations(request_.graph->source->locations, *propagated.mutable_guards());
    const std::vector<v1::Guard> guards(propagated.guards().begin(), propagated.guards().end());
    KeepGraph();
    propagated_ = front_.clock->Monotonic();
    raw_estimate_seconds_ = propagated.estimated_seconds();
    const double estimated_seconds = front_.estimates.Correct(raw_estimate_seconds_);
    // First to the fleet: who goes on here for want of these guards meets the lease.
    if (lease_ != nullptr) lease_->Propagated(guards, estimated_seconds);
    return flight_.Propagated(guards, estimated_seconds, decided);
  }

  // So that others may name it from now on. Without it they send it inline.
  void KeepGraph() {
    const Digest name = GraphName(request_.domain, request_.graph->digest, request_.graph->signature_digest);
    if (front_.graphs->HasGraph(name)) return;
    const absl::Status status = front_.graphs->PutGraph(name, StoredGraph(request_.graph->proto));
    if (!status.ok()) spdlog::warn("a graph is not kept: {}", std::string(status.message()));
  }

  absl::Status Publish(v1::WorkerToFront::Compiled compiled, absl::Duration elapsed) {
    KILN_ASSIGN_OR_RETURN(const v1::Manifest manifest, CheckCompiled(compiled, request_, front_.compiler.build));
    KILN_ASSIGN_OR_RETURN(
        const v1::VariantRecord record,
        MakeVariantRecord(compiled, manifest, request_, {.compile_time = elapsed, .created = front_.clock->Now()}));
    front_.metrics->CountCompile(elapsed, record.stage_times(), record.guards_size());
    front_.failures.NoteSuccess(flight_.request());
    if (propagated_.has_value()) {
      front_.estimates.Note(raw_estimate_seconds_, front_.clock->Monotonic() - *propagated_);
    }
    if (LandPublished()) return absl::OkStatus();
    auto elf = std::make_shared<const std::string>(std::move(*compiled.mutable_elf()));
    KILN_ASSIGN_OR_RETURN(IndexedVariantPtr variant, PublishTrusted(front_, record, elf));
    spdlog::info("compiled graph={} guards={} bytes={} ms={:.1f}", request_.graph->digest.ToShortHex(),
                 record.guards_size(), elf->size(), absl::ToDoubleMilliseconds(elapsed));
    flight_.Compiled(variant, elf);
    // Nobody here waits for that.
    front_.cache->Share(*variant, elf);
    return absl::OkStatus();
  }

  // Another replica may have compiled the same, when leases were of no use: then
  // its variant is the fleet's, and this one is not published beside it.
  bool LandPublished() {
    if (front_.fleet == nullptr) return false;
    const std::optional<CacheHit> hit = LookAgainEverywhere(front_, flight_.request());
    if (!hit.has_value()) return false;
    front_.fleet->flights().CountDuplicate();
    flight_.Found(*hit);
    return true;
  }

  Front& front_;
  Flight& flight_;
  FleetLease* const lease_;
  const PreparedCompile& request_;
  const CancelSignal& cancel_;

  // What the worker said would come after propagation, and when.
  double raw_estimate_seconds_ = 0;
  std::optional<absl::Duration> propagated_;
};

void Fail(Front& front, Flight& flight, const PreparedCompile& request, const absl::Status& status) {
  front.metrics->CountCompileFailure(status);
  if (GetErrorReason(status) != ErrorReason::kRequestCancelled) {
    spdlog::warn("compile failed graph={} {}", request.graph->digest.ToShortHex(), std::string(status.message()));
  }
  front.failures.NoteFailure(flight.request(), status);
  flight.Failed(status);
}

// `lease` (may be null) is held until the compile has ended.
void QueueCompile(Front& front, std::shared_ptr<Flight> flight, std::shared_ptr<FleetLease> lease,
                  std::shared_ptr<const PreparedCompile> request) {
  auto cancel = std::make_shared<CancelSignal>();
  flight->OnCancel([cancel] { cancel->Cancel(); });
  front.compiles->Submit(
      [&front, flight = std::move(flight), lease = std::move(lease), request = std::move(request),
       cancel](absl::Status admission) {
        if (admission.ok()) admission = CompileRun(front, *flight, lease.get(), *request, *cancel).Run();
        if (!admission.ok()) Fail(front, *flight, *request, admission);
      },
      cancel);
}

}  // namespace

void StartCompile(Front& front, std::shared_ptr<Flight> flight, std::shared_ptr<const PreparedCompile> request) {
  if (front.fleet == nullptr) return QueueCompile(front, std::move(flight), nullptr, std::move(request));
  front.fleet->flights().Start(
      std::move(flight),
      [&front, request = std::move(request)](std::shared_ptr<Flight> led, std::shared_ptr<FleetLease> lease) {
        QueueCompile(front, std::move(led), std::move(lease), request);
      });
}

}  // namespace kiln
