// Chooses the loops of a fused kernel: which axis is the parallel loop, which
// are serial, and which is the vector loop of each stage.
//
// The vector axis is the one along which most accesses have stride 1, stores
// counting more. Where a row axis is that axis although the kernel reduces over
// others (column sums, softmax over channels), loops are interchanged: the rows
// become vector lanes and accumulators live in memory (interchange_reduction.h).
// All other row axes are collapsed into the parallel loop. Where they are few,
// the vector axis is cut into chunks, so that threads have something to share.
#ifndef KILN_COMPILER_SCHEDULE_ORDER_LOOPS_H_
#define KILN_COMPILER_SCHEDULE_ORDER_LOOPS_H_

#include "absl/status/statusor.h"
#include "compiler/schedule/cluster.h"
#include "compiler/schedule/schedule.h"

namespace kiln::schedule {

// May add temporaries to `program`, and performance guards to its environment.
// `cluster` is cleaned and has stages.
absl::StatusOr<Kernel> OrderLoops(Cluster cluster, LoopProgram& program, const ScheduleOptions& options,
                                  IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_ORDER_LOOPS_H_
