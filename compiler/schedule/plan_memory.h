// Gives every temporary its place in an arena, and says when the host may have
// its memory back. There is one arena, and one more for each step that binds symbols:
// of temporaries whose size is known only then.
//
// A temporary lives from the first step that writes it to the last that touches
// it. When it dies, its slot is free; a new temporary takes the smallest free
// slot that is provably large enough, else the arena grows. "Provably" is for
// sizes that differ only by a constant factor; sizes are symbolic, so most
// programs need a slot for each kind of size and live layer. A temporary whose
// every element is written by the iteration that last read the same element of
// a dying one takes over its slot within the step (alias_of).
//
// Releases are placed right after an input's or extern result's last use; an
// input that no step reads is released at the start. Memory that outputs show
// is not released: it is the caller's, or the host's, until the call is over.
//
// Unused buffers are dropped and the others renumbered. Linear in the program
// but for a logarithm.
#ifndef KILN_COMPILER_SCHEDULE_PLAN_MEMORY_H_
#define KILN_COMPILER_SCHEDULE_PLAN_MEMORY_H_

#include "compiler/loops/loop_ir.h"

namespace kiln::schedule {

LoopProgram PlanMemory(LoopProgram program);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_PLAN_MEMORY_H_
