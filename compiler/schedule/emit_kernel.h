// Writes a cluster out as the loops of a Kernel, once their order is chosen.
//
// An instruction stands in the outermost loop in which its operands and indices
// are known; so what depends on the row alone is computed once a row.
#ifndef KILN_COMPILER_SCHEDULE_EMIT_KERNEL_H_
#define KILN_COMPILER_SCHEDULE_EMIT_KERNEL_H_

#include <vector>

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

struct LoopOrder {
  // For each stage, its vector axis: the innermost loop. -1: none.
  std::vector<int> vector_axes;
  // An axis that every stage has as its vector axis, cut into chunks of
  // `chunk_size` which the parallel loop runs over. -1: none.
  int chunk_axis = -1;
  int64_t chunk_size = 0;
  // A row that runs in a serial loop inside of the parallel one, so that the other
  // rows are recovered once for all of it. It may be cut into chunks as well, then
  // the parallel loop runs over these. -1: none; 0: not cut.
  int serial_row = -1;
  int64_t serial_row_chunk = 0;
  // Rows run in a serial loop: there are too few for threads.
  bool serial = false;
};

Kernel EmitKernel(Cluster cluster, const LoopOrder& order, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_EMIT_KERNEL_H_
