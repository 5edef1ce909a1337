// Whether a kernel may write one buffer over another that it reads.
#ifndef KILN_COMPILER_SCHEDULE_REUSE_IN_PLACE_H_
#define KILN_COMPILER_SCHEDULE_REUSE_IN_PLACE_H_

#include "compiler/loops/loop_ir.h"

namespace kiln::schedule {

// True if every access of the kernel to `dying` and `born` is at the same
// index of the same loops, and no load of `dying` follows a store of `born`:
// then the two may share memory, element by element.
bool CanReuseInPlace(const Kernel& kernel, BufferId dying, BufferId born);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_REUSE_IN_PLACE_H_
