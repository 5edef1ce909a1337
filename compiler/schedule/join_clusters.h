// Makes one cluster of two that run over the same rows.
//
// The two are linked by a buffer that both access: its two indices say which
// axes of one are which axes of the other (after splits, where one side has
// merged what the other keeps apart). Then each pair of conflicting accesses is
// proven to stay within a row, and every stage of the second is put into the
// first stage of the first that has the same inner axes and stands late enough;
// what finds none is a new stage at the end.
//
// What becomes of the rows:
//   pointwise + pointwise    all axes are rows; or, when the first lacks axes of
//                            the second, those become inner axes
//   reduction + pointwise    the reduction's rows; the rest is inner
//   reduction + reduction    must be the same rows
// Joining is refused where too few rows would be left for threads; all reasons are
// rows of compiler/loops/apart_reasons.def.
#ifndef KILN_COMPILER_SCHEDULE_JOIN_CLUSTERS_H_
#define KILN_COMPILER_SCHEDULE_JOIN_CLUSTERS_H_

#include <variant>

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

// `second` comes after `first` in the program. Both in one, or why not.
std::variant<Cluster, ApartReason> JoinClusters(const Cluster& first, const Cluster& second, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_JOIN_CLUSTERS_H_
