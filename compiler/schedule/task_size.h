// How much of a parallel loop is worth a thread.
#ifndef KILN_COMPILER_SCHEDULE_TASK_SIZE_H_
#define KILN_COMPILER_SCHEDULE_TASK_SIZE_H_

#include <cstdint>

#include "fake_runtime/symbolic/expr.h"

namespace kiln::schedule {

// Elements of the smallest task that is worth a thread, as PyTorch's
// at::internal::GRAIN_SIZE.
inline constexpr int64_t kGrainElements = 32768;
// Fewer rows than this are too few for threads: twice the cores of a small
// machine.
inline constexpr int64_t kManyRows = 16;
// Tasks that each thread should find, so that unequal ones even out.
inline constexpr int64_t kTasksPerThread = 2;

// Iterations of the smallest task, where each is about `work` elements. `work`
// is never 0.
inline Expr GrainOf(ExprPool& pool, Expr work) {
  return pool.Add(pool.FloorDiv(Expr(kGrainElements), work), Expr(1));
}

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_TASK_SIZE_H_
