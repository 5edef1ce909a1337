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
  // Queues first: their tasks use everything else. They stay where they are until all
  // have ended, since tasks of one submit to another, which turns them away by then.
  if (shared_calls != nullptr) shared_calls->ShutDown();
  for (TaskQueue* queue : {imports.get(), propagations.get(), compiles.get()}) {
    if (queue != nullptr) queue->Join();
  }
  fleet.reset();
  if (shared_calls != nullptr) shared_calls->Join();
}

}  // namespace kiln
