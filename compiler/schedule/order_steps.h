// The order of steps, for memory: what would be kept only for steps that could
// have run already is used up first.
//
// The graph's order says little: it is canonical, and puts what only an output
// needs near that output. A backward graph would then compute the gradients of all
// weights at its end, and keep every layer's activation gradients for them.
#ifndef KILN_COMPILER_SCHEDULE_ORDER_STEPS_H_
#define KILN_COMPILER_SCHEDULE_ORDER_STEPS_H_

#include <vector>

#include "compiler/loops/loop_ir.h"
#include "compiler/schedule/index_analysis.h"

namespace kiln::schedule {

// Moves steps forward: once everything is there that the remaining readers of a
// temporary or extern result need, they run, if what they make for others beside
// outputs is provably no larger than what then dies. Others keep their order, and
// so do asserts and extern calls that are not plain functions into given memory.
// Depends on no hint.
void OrderSteps(LoopProgram& program, IndexAnalysis& index);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_ORDER_STEPS_H_
