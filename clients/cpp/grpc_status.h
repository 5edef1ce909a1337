// A server's error as the typed status that the server raised: the reason comes
// back out of google.rpc.ErrorInfo.
#ifndef KILN_CLIENTS_CPP_GRPC_STATUS_H_
#define KILN_CLIENTS_CPP_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace kiln {

// GetErrorReason() of the result is the server's reason; it has none if gRPC itself
// raised the error (UNAVAILABLE, DEADLINE_EXCEEDED), or a server that knows reasons
// which this build does not.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace kiln

#endif  // KILN_CLIENTS_CPP_GRPC_STATUS_H_
