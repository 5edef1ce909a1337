#include "service/compile_call.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "service/locate_failure.h"
#include "service/run_compile.h"
#include "service/variant_reply.h"

namespace kiln {

CompileCall::CompileCall(Front& front, const v1::RequestHeader& header, absl::Duration deadline, CompileSink* sink)
    : front_(front),
      deadline_(deadline),
      begin_(front.clock->Monotonic()),
      request_id_(header.request_id()),
      domain_(header.domain()),
      sink_(sink) {}

std::shared_ptr<CompileCall> CompileCall::Start(Front& front, v1::CompileRequest request, absl::Duration deadline,
                                                CompileSink* sink) {
  std::shared_ptr<CompileCall> call(new CompileCall(front, request.header(), deadline, sink));
  auto shared_request = std::make_shared<const v1::CompileRequest>(std::move(request));
  front.imports->Submit([call, shared_request](absl::Status admission) {
    call->Prepare(std::move(admission), *shared_request);
  });
  return call;
}

void CompileCall::Prepare(absl::Status admission, const v1::CompileRequest& request) {
  if (admission.ok()) admission = front_.CheckServing();
  if (!admission.ok()) return Finish(admission);
  if (finished()) return;
  absl::StatusOr<PreparedCompile> prepared = PrepareCompile(request, front_.compiler, *front_.graphs, front_.recent_graphs);
  if (!prepared.ok()) return Finish(prepared.status());
  prepared_ = std::make_shared<const PreparedCompile>(*std::move(prepared));
  LookUp();
}

void CompileCall::LookUp() {
  // A miss here has been counted by the Lookup before it, or is a compile.
  absl::StatusOr<CacheAnswer> answer = front_.cache->Lookup(prepared_->key, prepared_->graph->symbol_values,
                                                            *prepared_->host_class, /*count=*/false);
  if (!answer.ok()) return Finish(answer.status());
  if (answer->hit.has_value()) return FinishFromCache(*answer->hit);
  if (!answer->elsewhere) return Miss(std::move(answer->reasons));
  front_.shared->AfterSync(prepared_->domain, prepared_->key, SharedIndex::When::kIfDue,
                           [self = shared_from_this()] { self->LookUpShared(); });
}

void CompileCall::LookUpShared() {
  if (finished()) return;
  absl::StatusOr<CacheAnswer> answer = front_.cache->LookupShared(prepared_->key, prepared_->graph->symbol_values,
                                                                  *prepared_->host_class, /*count=*/false);
  if (!answer.ok()) return Finish(answer.status());
  if (answer->hit.has_value()) return FinishFromCache(*answer->hit);
  Miss(std::move(answer->reasons));
}

void CompileCall::Miss(std::vector<v1::MissReason> reasons) {
  if (failed_joins_ == 0 && !request_id_.empty()) NoteMiss(std::move(reasons));
  Join();
}

void CompileCall::FinishFromCache(const CacheHit& hit) {
  if (front_.better != nullptr) front_.better->Consider(prepared_, *hit.variant);
  front_.CountCompileHit(hit.tier);
  FinishWith(hit);
}

void CompileCall::Join() {
  auto self = shared_from_this();
  FlightRequest request = {.key = prepared_->key,
                           .domain = prepared_->domain,
                           .symbols = prepared_->graph->symbols,
                           .symbol_values = prepared_->graph->symbol_values,
                           .host = prepared_->host_class,
                           .deadline = deadline_,
                           .failed_joins = failed_joins_};
  if (!prepared_->no_remembered_failures) {
    const absl::Status failure = front_.failures.Recall(request);
    if (!failure.ok()) return Finish(LocateFailure(failure, *prepared_));
  }
  FlightCallbacks callbacks = {
      .start = [self](std::shared_ptr<Flight> flight) {
        StartCompile(self->front_, std::move(flight), self->prepared_);
      },
      .progress = [self](const FlightProgress& progress) { self->HandleProgress(progress); },
      .done = [self](absl::StatusOr<FlightOutcome> outcome) { self->HandleOutcome(std::move(outcome)); }};
  const WaiterId waiter = front_.flights->Join(std::move(request), std::move(callbacks));
  {
    absl::MutexLock lock(&mutex_);
    // A later Join(), from inside this one's `done`, has a larger id.
    waiter_ = std::max(waiter_, waiter);
    if (sink_ != nullptr) return;
  }
  // It finished while it joined: by a cancel, which did not know the waiter yet, or
  // by its outcome, and then there is nothing to leave.
  front_.flights->Leave(waiter);
}

void CompileCall::HandleProgress(const FlightProgress& progress) {
  v1::Progress message;
  message.set_phase(progress.phase);
  message.set_elapsed_seconds(absl::ToDoubleSeconds(front_.clock->Monotonic() - begin_));
  message.set_estimated_seconds(progress.estimated_seconds);
  for (const v1::Guard& guard : progress.guards) *message.add_guards() = guard;
  absl::MutexLock lock(&mutex_);
  if (sink_ != nullptr) sink_->Progress(message);
}

void CompileCall::HandleOutcome(absl::StatusOr<FlightOutcome> outcome) {
  if (!outcome.ok()) return Finish(LocateFailure(outcome.status(), *prepared_));
  if (outcome->hit.has_value()) {
    const bool is_compiled = outcome->hit->tier == v1::TIER_COMPILED || outcome->hit->tier == v1::TIER_JOINED;
    return is_compiled ? FinishWith(*outcome->hit) : FinishFromCache(*outcome->hit);
  }
  if (finished()) return;
  ++failed_joins_;
  LookUp();
}

void CompileCall::FinishWith(const CacheHit& hit) {
  front_.cache->Pin(prepared_->job, *hit.variant);
  CompileReply reply;
  reply.artifact = InlineArtifact(hit, prepared_->have);
  v1::CompileResult& result = reply.result;
  *result.mutable_variant() = MakeVariantReply(hit);
  result.set_graph_digest(std::string(prepared_->graph->digest.bytes()));
  result.set_signature_digest(std::string(prepared_->graph->signature_digest.bytes()));
  *result.mutable_stage_times() = hit.variant->record.stage_times();
  Finish(std::move(reply), &hit);
}

bool CompileCall::finished() const {
  absl::MutexLock lock(&mutex_);
  return sink_ == nullptr;
}

void CompileCall::Finish(const absl::StatusOr<CompileReply>& reply, const CacheHit* hit) {
  absl::MutexLock lock(&mutex_);
  CompileSink* sink = std::exchange(sink_, nullptr);
  if (sink == nullptr) return;
  // First, so that who asks why as soon as it is answered is told.
  Remember(reply.status(), hit);
  sink->Finish(reply);
}

void CompileCall::NoteMiss(std::vector<v1::MissReason> reasons) {
  auto miss = std::make_shared<const MissFacts>(FactsOfMiss(front_.cache->index(), *prepared_, std::move(reasons)));
  absl::MutexLock lock(&mutex_);
  miss_ = std::move(miss);
}

void CompileCall::Remember(const absl::Status& status, const CacheHit* hit) {
  RequestFacts facts = {.id = request_id_, .domain = domain_, .miss = miss_};
  if (hit != nullptr) {
    facts.variant = hit->variant;
    facts.tier = hit->tier;
    facts.symbol_values = prepared_->graph->symbol_values;
  }
  if (!status.ok()) facts.error = GetErrorReason(status).value_or(ErrorReason::kCompilerBug);
  front_.history.Add(std::move(facts));
}

void CompileCall::Cancel(const absl::Status& why) {
  Finish(why);
  WaiterId waiter;
  {
    absl::MutexLock lock(&mutex_);
    waiter = std::exchange(waiter_, 0);
  }
  if (waiter != 0) front_.flights->Leave(waiter);
}

}  // namespace kiln
