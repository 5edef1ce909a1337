// The Lookup RPC: see its comment in compile_service.proto.
#ifndef KILN_SERVICE_LOOKUP_H_
#define KILN_SERVICE_LOOKUP_H_

#include "absl/status/status.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"

namespace kiln {

absl::Status Lookup(Front& front, const v1::LookupRequest& request, v1::LookupResponse& response);

}  // namespace kiln

#endif  // KILN_SERVICE_LOOKUP_H_
