// The Explain RPC: see its comment in compile_service.proto.
#ifndef KILN_SERVICE_EXPLAIN_H_
#define KILN_SERVICE_EXPLAIN_H_

#include "absl/status/statusor.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"

namespace kiln {

// Milliseconds for graphs of thousands of nodes; call it on the front's queue for
// imports.
absl::StatusOr<v1::ExplainResponse> Explain(Front& front, const v1::ExplainRequest& request);

}  // namespace kiln

#endif  // KILN_SERVICE_EXPLAIN_H_
