// Peeks at whether the extents of vector loops divide by the vector length.
//
// A loop over a multiple of the vector length needs no remainder loop. Where the
// facts do not say so, the hint is read and a performance guard is recorded,
// either way it turns out; if it divides, the extent becomes
// lanes * (extent // lanes), which is the same number under the guard.
#ifndef KILN_COMPILER_SCHEDULE_SPECIALIZE_VECTOR_EXTENTS_H_
#define KILN_COMPILER_SCHEDULE_SPECIALIZE_VECTOR_EXTENTS_H_

#include <vector>

#include "absl/status/status.h"
#include "compiler/schedule/cluster.h"
#include "compiler/schedule/schedule.h"

namespace kiln::schedule {

// `vector_axes` by stage, -1 for none.
absl::Status SpecializeVectorExtents(Cluster& cluster, const std::vector<int>& vector_axes,
                                     const ScheduleOptions& options, ShapeEnv& env);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_SPECIALIZE_VECTOR_EXTENTS_H_
