// The Lookup RPC: see its comment in compile_service.proto.
#ifndef KILN_SERVICE_LOOKUP_H_
#define KILN_SERVICE_LOOKUP_H_

#include <functional>

#include "absl/status/status.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"

namespace kiln {

// Calls `done` exactly once: on this thread, before it returns, unless only the tier
// that replicas share may know the answer; then on another one.
void Lookup(Front& front, const v1::LookupRequest& request,
            std::function<void(const absl::Status&, const v1::LookupResponse&)> done);

}  // namespace kiln

#endif  // KILN_SERVICE_LOOKUP_H_
