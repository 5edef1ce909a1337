// Writes out reductions over few points: windows of poolings, the blocks of a
// resampling's gradient, sums over a handful of experts. Each point's instructions
// stand one after the other, and an accumulator becomes a chain of values:
//
//   rows {c}                                    rows {c}
//     stage {k}: update %max, x[C*k + c]          stage {}: %0 = load x[c]
//     stage {}:  store y[c], result %max                    %1 = load x[C + c]
//                                                           %2 = maximum %0, %1
//                                                           store y[c], %2
//
// What is left is pointwise work: its vector axis is whichever row memory runs
// along, and the state of every lane is a register, where a loop over few points
// would leave lanes empty, or keep its state in memory.
#ifndef KILN_COMPILER_SCHEDULE_UNROLL_REDUCTIONS_H_
#define KILN_COMPILER_SCHEDULE_UNROLL_REDUCTIONS_H_

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

// True if all inner axes are short and constant, and their reductions are chains
// of scalar operations.
bool CanUnroll(const Cluster& cluster);

// `cluster` without inner axes, cleaned.
Cluster UnrollReductions(const Cluster& cluster, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_UNROLL_REDUCTIONS_H_
