// Lets a kernel's own temporary live in a result that it stores later.
//
//   stage {c}: t[r,c] = exp(...)            stage {c}: out[r,c] = exp(...)
//   stage {c}: out[r,c] = t[r,c] / sum      stage {c}: out[r,c] = out[r,c] / sum
#ifndef KILN_COMPILER_SCHEDULE_REUSE_LOCAL_BUFFERS_H_
#define KILN_COMPILER_SCHEDULE_REUSE_LOCAL_BUFFERS_H_

#include <functional>

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

// `is_local(b)`: a temporary that only this cluster accesses.
void ReuseLocalBuffers(Cluster& cluster, const LoopProgram& program, const std::function<bool(BufferId)>& is_local);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_REUSE_LOCAL_BUFFERS_H_
