// How much one point of a stage is, when work is shared among threads.
#ifndef KILN_COMPILER_SCHEDULE_POINT_WORK_H_
#define KILN_COMPILER_SCHEDULE_POINT_WORK_H_

#include <algorithm>

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

// As many loads as the usual kernel has, for which the grain was chosen.
inline constexpr int64_t kUsualLoads = 4;

// The elements that one point of `stage` counts as: reductions that were written
// out read many.
inline int64_t PointWork(const Cluster& cluster, const Stage& stage) {
  const int64_t loads = std::count_if(stage.insts.begin(), stage.insts.end(),
                                      [&](int id) { return cluster.insts[id].kind == InstKind::kLoad; });
  return std::max<int64_t>(1, loads / kUsualLoads);
}

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_POINT_WORK_H_
