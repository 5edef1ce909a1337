// Scheduling: an unfused loop program in, a fused and planned one out. One file
// a pass; docs/compiler.md tells the cost model.
//   fuse_kernels      producers into consumers, reductions with what follows
//                     over the same rows, siblings; dead stores vanish
//   share_long_rows   a second version of kernels over rows, for few and long ones
//   order_loops       which loop is parallel, which is vector, from strides
//   plan_memory       lifetimes, in-place reuse, one arena, releases
#ifndef KILN_COMPILER_SCHEDULE_SCHEDULE_H_
#define KILN_COMPILER_SCHEDULE_SCHEDULE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

//
// What codegen may rely on, beyond loop_ir.h: a loop's extent may mention the
// parallel variable (`vector i1 < Min(4096, s0 - 4096*i0)`), as may a serial
// loop's; row variables that were collapsed into the parallel loop appear as
// FloorDiv and Mod of its variable; `grain` is at least 1. Loop variables are
// i0, i1, ... in printed order, so equal kernels print equally up to buffers.
// Kernels with `when` are versions: of each, one runs in every call.
// A kernel without a parallel loop runs on the calling thread. Buffers without
// a use are gone; every temporary has an arena_offset, a multiple of 64 bytes.
// A Release follows the last use of inputs and extern results, but for those
// that outputs show (kInput, kView): these are released when the call ends.
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
