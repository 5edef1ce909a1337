// What a kernel is called, and why it is one kernel, for people.
#ifndef KILN_COMPILER_SCHEDULE_NAME_KERNEL_H_
#define KILN_COMPILER_SCHEDULE_NAME_KERNEL_H_

#include <string>

#include "compiler/schedule/cluster.h"

namespace kiln::schedule {

// "add_2" for one operator, "fused_add_native_layer_norm_3" for several.
std::string NameKernel(const Cluster& cluster, int number);

// "3 producers inlined, 2 kernels joined over 1 row dimension".
std::string ExplainFusion(const Cluster& cluster);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_NAME_KERNEL_H_
