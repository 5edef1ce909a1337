// Shares a reduction with few results among threads: a first kernel reduces
// parts, a second one the parts' results.
//
//   rows {}  stage {n, c}: update sum, x[C*n + c]
// becomes
//   rows {n} stage {c}: update sum, x[C*n + c];  stage {}: t[n] = result
//   rows {}  stage {n}: update sum, t[n];        stage {}: as before
#ifndef KILN_COMPILER_SCHEDULE_SPLIT_REDUCTION_H_
#define KILN_COMPILER_SCHEDULE_SPLIT_REDUCTION_H_

#include <vector>

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

// The cluster itself, or the two that replace it. May add temporaries.
std::vector<Cluster> SplitReduction(Cluster cluster, LoopProgram& program, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_SPLIT_REDUCTION_H_
