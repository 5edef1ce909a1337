#include "service/front.h"

#include "base/error.h"

namespace kiln {

absl::Status Front::CheckServing() const {
  if (!draining.load(std::memory_order_relaxed)) return absl::OkStatus();
  return MakeError(ErrorReason::kShuttingDown, "this server is shutting down");
}

Front::~Front() {
  // Queues first: their tasks use everything else.
  imports.reset();
  propagations.reset();
  compiles.reset();
}

}  // namespace kiln
