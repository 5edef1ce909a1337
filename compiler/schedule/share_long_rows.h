// A second version of a kernel over rows, for calls with few and long ones.
//
// Rows are what threads share, and reductions with what follows them are one kernel
// over rows since that reads memory once. Where a size of the call leaves fewer rows
// than threads, each of them long, most threads have nothing to do. No one order of
// loops is good for both, and the sizes are not known here. So such a kernel gets
// another version, in which threads share a row; which one runs is tested once a call.
//
//   rows {r}                          when: fewer rows than threads want, of 65536
//     stage {c}: update %max, x       elements or more together
//     stage {}:  %2 = result %max
//     stage {c}: y = exp(x - %2)
// becomes, beside itself,
//   rows {r, p}  stage {c of part p}: update %max, x;  stage {}: t[r, p] = result %max
//   rows {r}     stage {p}: update %max, t[r, p];      stage {}: u[r] = result %max
//   rows {r, c}  stage {}: y = exp(x - u[r])
//
// The parts do not depend on the number of threads, so sums are the same on each run.
#ifndef KILN_COMPILER_SCHEDULE_SHARE_LONG_ROWS_H_
#define KILN_COMPILER_SCHEDULE_SHARE_LONG_ROWS_H_

#include <optional>
#include <vector>

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

struct RowVersions {
  // Over size symbols: the calls in which `shared` runs, and those in which the
  // cluster itself does.
  Expr when;
  Expr otherwise;
  std::vector<Cluster> shared;
};

// nullopt where one version does: sizes decide it beforehand, rows can't be both few
// and long, there is one thread, or a row can't be shared. Explains itself in the
// `why` of all of them. May add temporaries.
std::optional<RowVersions> ShareLongRows(Cluster& cluster, LoopProgram& program, int threads, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_SHARE_LONG_ROWS_H_
