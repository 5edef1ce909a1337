// Whether two accesses of a buffer meet only within one row.
#ifndef KILN_COMPILER_SCHEDULE_CHECK_ROW_LOCALITY_H_
#define KILN_COMPILER_SCHEDULE_CHECK_ROW_LOCALITY_H_

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

enum class Meeting : uint8_t {
  kNever,      // at no element
  kSamePoint,  // only at the same point of all axes
  kSameRow,    // only at points of the same row
  kAnywhere,   // or it can't be proven
};

struct AccessPlace {
  Expr place;
  const AxisList* inner = nullptr;  // of its stage
};

// `store` and `other` are indices into one buffer over rows `rows` and their
// stage's inner axes, all of them axes of `cluster`; inner axes of the two run
// independently of each other.
Meeting FindMeeting(const Cluster& cluster, const AxisList& rows, const AccessPlace& store, const AccessPlace& other,
                    IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_CHECK_ROW_LOCALITY_H_
