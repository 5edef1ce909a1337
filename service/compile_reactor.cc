#include "service/compile_reactor.h"

#include <grpcpp/server_context.h>

#include <utility>

#include "base/error.h"
#include "service/grpc_status.h"
#include "service/message_bytes.h"

namespace kiln {
namespace {

// gRPC's timer and our clock may differ by this much at a deadline.
constexpr absl::Duration kClockSlack = absl::Milliseconds(50);

// gRPC's deadline is on the wall clock; ours on one that does not jump.
absl::Duration MonotonicDeadline(const Clock& clock, const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteDuration();
  return clock.Monotonic() + (absl::FromChrono(deadline) - absl::Now());
}

grpc::ByteBuffer Serialize(const CompileReply& reply) {
  v1::CompileResponse message;
  *message.mutable_result() = reply.result;
  if (reply.artifact == nullptr) return SerializeMessage(message);
  return SerializeWithBytes(message,
                            {v1::CompileResponse::kResultFieldNumber, v1::CompileResult::kVariantFieldNumber,
                             v1::Variant::kArtifactFieldNumber},
                            reply.artifact, *reply.artifact);
}

}  // namespace

CompileReactor::CompileReactor(Front& front, grpc::CallbackServerContext* context, const grpc::ByteBuffer& request)
    : front_(front), deadline_(MonotonicDeadline(*front.clock, *context)), log_(front, Rpc::kCompile) {
  v1::CompileRequest parsed;
  if (absl::Status status = ParseRequest(request, parsed); !status.ok()) {
    Finish(status);
    return;
  }
  {
    absl::MutexLock lock(&mutex_);
    log_.SetHeader(parsed.header());
  }
  std::shared_ptr<CompileCall> call = CompileCall::Start(front, std::move(parsed), deadline_, this);
  absl::MutexLock lock(&mutex_);
  call_ = std::move(call);
}

void CompileReactor::Progress(const v1::Progress& progress) {
  v1::CompileResponse message;
  *message.mutable_progress() = progress;
  absl::MutexLock lock(&mutex_);
  messages_.push_back(SerializeMessage(message));
  // Never the end: that comes after Finish().
  Advance();
}

void CompileReactor::Finish(const absl::StatusOr<CompileReply>& reply) {
  bool ended;
  {
    absl::MutexLock lock(&mutex_);
    if (reply.ok()) {
      last_ = Serialize(*reply);
      log_.SetOutcome(DescribeTier(reply->result.variant().tier()));
      front_.metrics->CountSentArtifactBytes(reply->artifact == nullptr ? 0 : reply->artifact->size());
    }
    log_.Finish(reply.status());
    status_ = ToGrpcStatus(reply.status());
    finished_ = true;
    ended = Advance();
  }
  if (ended) EndStream();
}

bool CompileReactor::Advance() {
  if (writing_) return false;
  if (finished_) return true;
  if (cancelled_) messages_.clear();
  if (messages_.empty()) return false;
  writing_ = true;
  StartWrite(&messages_.front());
  return false;
}

void CompileReactor::EndStream() {
  if (!last_.Valid()) return ServerWriteReactor::Finish(status_);
  StartWriteAndFinish(&last_, grpc::WriteOptions(), status_);
}

void CompileReactor::OnWriteDone(bool ok) {
  bool ended;
  {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    messages_.pop_front();
    if (!ok) cancelled_ = true;
    ended = Advance();
  }
  if (ended) EndStream();
}

void CompileReactor::OnCancel() {
  std::shared_ptr<CompileCall> call;
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    call = call_;
  }
  if (call == nullptr) return;
  const bool late = front_.clock->Monotonic() + kClockSlack >= deadline_;
  call->Cancel(late ? MakeError(ErrorReason::kDeadlineExceeded, "the request's deadline passed")
                    : MakeError(ErrorReason::kRequestCancelled, "the client cancelled the request"));
}

}  // namespace kiln
