// The Lookup RPC: see its comment in compile_service.proto.
#ifndef KILN_SERVICE_LOOKUP_H_
#define KILN_SERVICE_LOOKUP_H_

#include <functional>

#include "absl/status/statusor.h"
#include "cache/artifact_store.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"

namespace kiln {

struct LookupReply {
  v1::LookupResponse response;  // without the artifact's bytes
  ArtifactBytes artifact;       // null if it does not go with the reply
};

// Calls `done` exactly once: on this thread, before it returns, unless only the tier
// that replicas share may know the answer; then on another one.
void Lookup(Front& front, const v1::LookupRequest& request,
            std::function<void(const absl::StatusOr<LookupReply>&)> done);

}  // namespace kiln

#endif  // KILN_SERVICE_LOOKUP_H_
