#include "service/worker_session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "service/worker_frames.h"

namespace kiln {
namespace {

// Between a worker's last byte and its being dead.
constexpr absl::Duration kDyingPatience = absl::Seconds(2);

}  // namespace

WorkerSession::WorkerSession(WorkerProcess process, absl::Duration time_limit, const CancelSignal* cancel)
    : process_(std::move(process)),
      socket_(process_.TakeSocket(), kMaxFrameBytes),
      time_limit_(time_limit),
      wait_{.deadline = Clock::Real()->Monotonic() + time_limit, .cancel = cancel} {}

absl::StatusOr<WorkerSession> WorkerSession::Start(const Zygote& zygote, absl::Duration time_limit,
                                                   const CancelSignal* cancel) {
  absl::StatusOr<WorkerProcess> process = zygote.Spawn();
  // Once more, for the zygote that comes up after one that died under us.
  if (!process.ok()) process = zygote.Spawn();
  if (!process.ok()) return process.status();
  return WorkerSession(*std::move(process), time_limit, cancel);
}

absl::Status WorkerSession::Explain(const absl::Status& status) {
  const std::optional<ErrorReason> reason = GetErrorReason(status);
  if (reason == ErrorReason::kWorkerCrashed) {
    return MakeError(*reason, absl::StrCat("the compile worker ", DescribeExit(process_.AwaitExit(kDyingPatience))));
  }
  if (reason == ErrorReason::kDeadlineExceeded) {
    return MakeError(ErrorReason::kLimitExceeded, absl::StrCat("the compile worker took more than the ",
                                                               absl::FormatDuration(time_limit_), " that it has"));
  }
  return status;
}

absl::Status WorkerSession::Send(const v1::FrontToWorker& frame) {
  absl::Status status = WriteMessage(socket_, frame, wait_);
  return status.ok() ? status : Explain(status);
}

absl::StatusOr<v1::WorkerToFront> WorkerSession::Receive() {
  absl::StatusOr<v1::WorkerToFront> frame = ReadMessage<v1::WorkerToFront>(socket_, wait_);
  if (!frame.ok()) return Explain(frame.status());
  if (frame->has_failed()) return StatusOf(frame->failed());
  return frame;
}

}  // namespace kiln
