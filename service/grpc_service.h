// The gRPC face of the service: one reactor per call, which parses the request,
// hands it to the RPC's own file, and turns what comes back into gRPC's. Handlers
// know nothing of gRPC; this knows nothing of what they do.
#ifndef KILN_SERVICE_GRPC_SERVICE_H_
#define KILN_SERVICE_GRPC_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "service/front.h"

namespace kiln {

// `front` must outlive the server that the service is registered with.
std::unique_ptr<grpc::Service> MakeGrpcService(Front& front);
// What other servers ask.
std::unique_ptr<grpc::Service> MakePeerService(Front& front);

}  // namespace kiln

#endif  // KILN_SERVICE_GRPC_SERVICE_H_
