// absl::Status to grpc::Status. The reason travels as google.rpc.ErrorInfo in the
// status details, where standard clients look for it.
#ifndef KILN_SERVICE_GRPC_STATUS_H_
#define KILN_SERVICE_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace kiln {

inline constexpr char kErrorDomain[] = "kiln.dev";

grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace kiln

#endif  // KILN_SERVICE_GRPC_STATUS_H_
