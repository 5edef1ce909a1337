#include "service/worker_frames.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

namespace kiln {

v1::WorkerToFront FailedFrame(const absl::Status& status) {
  const ErrorReason reason = GetErrorReason(status).value_or(ErrorReason::kCompilerBug);
  v1::WorkerToFront frame;
  frame.mutable_failed()->set_reason(std::string(GetErrorReasonRow(reason).name));
  frame.mutable_failed()->set_message(std::string(status.message()));
  return frame;
}

absl::Status StatusOf(const v1::WorkerToFront::Failed& failed) {
  const std::optional<ErrorReason> reason = ParseErrorReason(failed.reason());
  if (reason.has_value()) return MakeError(*reason, failed.message());
  return MakeError(ErrorReason::kWorkerProtocol,
                   absl::StrCat("the worker failed for an unknown reason: ", failed.message()));
}

}  // namespace kiln
