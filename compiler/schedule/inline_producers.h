// Computes the values of a pointwise kernel where they are read, so that its
// buffer need not exist.
//
// A producer with one reader always moves into it, unless that would repeat
// costly work in a loop that the producer did not have. A producer with several
// readers is computed again in each only if that reads no more memory than its
// buffer would (one load that spans its whole space, the rest broadcast) and
// costs a few operations: what is worth more stays in memory, and join_clusters
// may still bring its readers into the same kernel.
#ifndef KILN_COMPILER_SCHEDULE_INLINE_PRODUCERS_H_
#define KILN_COMPILER_SCHEDULE_INLINE_PRODUCERS_H_

#include "compiler/schedule/fusion_graph.h"

namespace kiln::schedule {

void InlineProducers(FusionGraph& graph, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_INLINE_PRODUCERS_H_
