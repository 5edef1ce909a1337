// The ProfileShapes RPC: takes down sizes, tells which vary.
#ifndef KILN_SERVICE_PROFILE_SHAPES_H_
#define KILN_SERVICE_PROFILE_SHAPES_H_

#include "absl/status/status.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"

namespace kiln {

// Errors as the RPC's comment has them. Never blocks: what other replicas have said since
// the last exchange is not in the answer.
absl::Status ProfileShapes(Front& front, const v1::ProfileShapesRequest& request,
                           v1::ProfileShapesResponse& response);

// The same after an exchange with the replicas that share a Redis, for which it waits
// a bounded time. When that fails this server's own profile answers.
absl::Status ProfileSharedShapes(Front& front, const v1::ProfileShapesRequest& request,
                                 v1::ProfileShapesResponse& response);

}  // namespace kiln

#endif  // KILN_SERVICE_PROFILE_SHAPES_H_
