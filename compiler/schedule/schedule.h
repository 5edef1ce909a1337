// Scheduling: an unfused loop program in, a fused and planned one out. One file
// a pass; docs/compiler.md tells the cost model.
//   fuse_kernels      producers into consumers, reductions with what follows
//                     over the same rows, siblings; dead stores vanish
//   order_loops       which loop is parallel, which is vector, from strides
//   plan_memory       lifetimes, in-place reuse, one arena, releases
#ifndef KILN_COMPILER_SCHEDULE_SCHEDULE_H_
#define KILN_COMPILER_SCHEDULE_SCHEDULE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

struct ScheduleOptions {
  int vector_bits = 256;
  int threads = 1;
  bool fuse = true;
  bool allow_performance_guards = true;
  // Peek at whether inner sizes divide by the vector length, and guard on it.
  bool specialize_divisible = false;
};

absl::StatusOr<LoopProgram> Schedule(LoopProgram program, const ScheduleOptions& options);

}  // namespace kiln

#endif  // KILN_COMPILER_SCHEDULE_SCHEDULE_H_
