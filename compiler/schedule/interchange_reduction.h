// Turns a reduction inside out: a row axis becomes the vector axis of every
// stage, and what was a register of the row becomes an array over that axis.
//
//   rows {c}                                rows {}
//     stage {r}: update %acc, x[C*r + c]      stage {c}:    t[c] = 0
//     stage {}:  out[c] = result %acc         stage {r, c}: t[c] = t[c] + x[C*r + c]
//                                             stage {c}:    out[c] = t[c]
//
// so that the loop over c, along which memory runs, can be a vector loop.
#ifndef KILN_COMPILER_SCHEDULE_INTERCHANGE_REDUCTION_H_
#define KILN_COMPILER_SCHEDULE_INTERCHANGE_REDUCTION_H_

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

// False for reductions whose state is more than values to combine (argmax).
bool CanInterchange(const Cluster& cluster);

// `axis` is one of the rows. Adds temporaries to `program`.
void InterchangeReduction(Cluster& cluster, int axis, LoopProgram& program, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_INTERCHANGE_REDUCTION_H_
