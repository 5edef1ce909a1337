// The ProfileShapes RPC: takes down sizes, tells which vary.
#ifndef KILN_SERVICE_PROFILE_SHAPES_H_
#define KILN_SERVICE_PROFILE_SHAPES_H_

#include "absl/status/status.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"

namespace kiln {

// Errors as the RPC's comment has them. Never blocks.
absl::Status ProfileShapes(Front& front, const v1::ProfileShapesRequest& request,
                           v1::ProfileShapesResponse& response);

}  // namespace kiln

#endif  // KILN_SERVICE_PROFILE_SHAPES_H_
