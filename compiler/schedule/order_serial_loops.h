// Finds parallelism in kernels that are no independent iterations as a whole:
// scans, scatters, scatter-adds.
//
//   scan      rows are independent: the outermost loop becomes parallel
//   scatter   likewise, where rows write runs of their own
//   scatter-add of rows (embedding's gradient): different columns never meet,
//             so columns are shared among threads and are vector lanes; each
//             keeps the serial order of the rows, and sums stay deterministic
//
// What it cannot prove stays serial.
#ifndef KILN_COMPILER_SCHEDULE_ORDER_SERIAL_LOOPS_H_
#define KILN_COMPILER_SCHEDULE_ORDER_SERIAL_LOOPS_H_

#include "compiler/schedule/index_analysis.h"
#include "compiler/loops/loop_ir.h"

namespace kiln::schedule {

void OrderSerialLoops(Kernel& kernel, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_ORDER_SERIAL_LOOPS_H_
