#include "clients/cpp/grpc_status.h"

#include <optional>

#include "base/error.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace kiln {
namespace {

constexpr absl::string_view kErrorDomain = "kiln.dev";

std::optional<ErrorReason> ReasonIn(const std::string& error_details) {
  google::rpc::Status details;
  if (!details.ParseFromString(error_details)) return std::nullopt;
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info) && info.domain() == kErrorDomain) return ParseErrorReason(info.reason());
  }
  return std::nullopt;
}

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (std::optional<ErrorReason> reason = ReasonIn(status.error_details())) {
    return MakeError(*reason, status.error_message());
  }
  // gRPC's codes are Abseil's.
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace kiln
