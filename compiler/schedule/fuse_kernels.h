// Fuses the kernels of a program: producers into the kernels that read them
// (inline_producers), then kernels over the same rows with each other
// (join_clusters), then what became dead is dropped.
//
// Steps keep a valid order: a kernel moves only past steps that it does not
// depend on and that do not depend on it. Linear in the program, as each kernel
// looks at a bounded number of partners.
#ifndef KILN_COMPILER_SCHEDULE_FUSE_KERNELS_H_
#define KILN_COMPILER_SCHEDULE_FUSE_KERNELS_H_

#include "compiler/schedule/fusion_graph.h"

namespace kiln::schedule {

void FuseKernels(FusionGraph& graph, IndexAnalysis& index);

// Drops stores and kernels whose results nobody reads.
void DropDeadKernels(FusionGraph& graph, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_FUSE_KERNELS_H_
