// The Propagate RPC: see its comment in compile_service.proto. The propagation
// itself runs in a worker, as compiles do.
#ifndef KILN_SERVICE_PROPAGATE_H_
#define KILN_SERVICE_PROPAGATE_H_

#include "absl/status/statusor.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/cancel_signal.h"
#include "service/front.h"

namespace kiln {

// Blocks for as long as the worker takes; call it on the front's queue for
// propagations.
absl::StatusOr<v1::PropagateResponse> PropagateInWorker(Front& front, const v1::PropagateRequest& request,
                                                        const CancelSignal* cancel);

}  // namespace kiln

#endif  // KILN_SERVICE_PROPAGATE_H_
