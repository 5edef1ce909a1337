// The gRPC face of the cache's administration, see admin_service.proto. Its calls block
// and are few, so that it is a synchronous service, with threads of its own and a bound
// on them (grpc_server.h): the compile service's are never waited for.
#ifndef KILN_SERVICE_ADMIN_SERVICE_H_
#define KILN_SERVICE_ADMIN_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "service/admin_parts.h"

namespace kiln {

std::unique_ptr<grpc::Service> MakeAdminService(AdminParts parts);

}  // namespace kiln

#endif  // KILN_SERVICE_ADMIN_SERVICE_H_
