// Which axis of one cluster is which axis of another.
#ifndef KILN_COMPILER_SCHEDULE_MATCH_AXES_H_
#define KILN_COMPILER_SCHEDULE_MATCH_AXES_H_

#include <optional>
#include <vector>

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

struct AxisMatch {
  // By axis of the second cluster: the equal axis of the first, or -1.
  std::vector<int> first_of_second;
  // True if the link is a buffer that the first stores and the second loads.
  bool by_dataflow = false;
};

// Splits axes of both, so that accesses of a buffer that both have are over the
// same axes. nullopt if they share no buffer, or its indices do not match.
std::optional<AxisMatch> MatchAxes(Cluster& first, Cluster& second, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_MATCH_AXES_H_
