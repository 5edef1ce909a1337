#include "service/front.h"

#include "base/error.h"

namespace kiln {

absl::Status Front::CheckServing() const {
  if (!draining.load(std::memory_order_relaxed)) return absl::OkStatus();
  return MakeError(ErrorReason::kShuttingDown, "this server is shutting down");
}

void Front::CountCompileHit(v1::Tier tier) {
  ++(tier == v1::TIER_MEMORY ? compile_hits_memory : tier == v1::TIER_DISK ? compile_hits_disk : compile_hits_shared);
}

Front::~Front() {
  // Queues first: their tasks use everything else. What the others still ask of the
  // shared tier's is turned away, so that it must be there.
  if (shared_calls != nullptr) shared_calls->ShutDown();
  imports.reset();
  propagations.reset();
  compiles.reset();
  fleet.reset();
  shared_calls.reset();
}

}  // namespace kiln
