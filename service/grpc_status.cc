#include "service/grpc_status.h"

#include <optional>
#include <string>

#include "base/error.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "service/server_limits.h"

namespace kiln {
namespace {

void AddErrorInfo(const ErrorReasonRow& row, google::rpc::Status& details) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(row.name));
  info.set_domain(kErrorDomain);
  (*info.mutable_metadata())["next_step"] = std::string(row.next_step);
  details.add_details()->PackFrom(info);
}

void AddRetryInfo(google::rpc::Status& details) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(kRetryDelay));
  details.add_details()->PackFrom(info);
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  const std::optional<ErrorReason> reason = GetErrorReason(status);
  if (reason.has_value()) AddErrorInfo(GetErrorReasonRow(*reason), details);
  if (reason == ErrorReason::kOverloaded) AddRetryInfo(details);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      details.SerializeAsString());
}

}  // namespace kiln
