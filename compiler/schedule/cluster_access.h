// The axes around an access of a cluster, as the digits and terms of its index.
#ifndef KILN_COMPILER_SCHEDULE_CLUSTER_ACCESS_H_
#define KILN_COMPILER_SCHEDULE_CLUSTER_ACCESS_H_

#include <vector>

#include "compiler/schedule/cluster.h"
#include "compiler/schedule/solve_index.h"

namespace kiln::schedule {

// Rows and inner axes of stage `s`; strides are still to be filled in.
std::vector<Digit> AxesAsDigits(const Cluster& cluster, int s, IndexAnalysis& index);

// The cluster's indirect indices, which a load may depend on like on an axis.
void AddIndirectTerms(const Cluster& cluster, std::vector<Digit>& terms, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_CLUSTER_ACCESS_H_
