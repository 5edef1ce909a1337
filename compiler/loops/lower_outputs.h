// Decides how each output of the graph comes to be.
#ifndef KILN_COMPILER_LOOPS_LOWER_OUTPUTS_H_
#define KILN_COMPILER_LOOPS_LOWER_OUTPUTS_H_

#include "absl/status/status.h"
#include "compiler/loops/lowering_context.h"

namespace kiln {

// Fills program.outputs after every node is lowered. An output that covers a
// storage of the program's own makes that storage the host's (kNew); one that
// sees only a part is copied out of it, so that the part's strides are kept; a second
// one that sees the same part, be it of other dimensions of size 1, is a view of the copy.
absl::Status LowerOutputs(LoweringState& state);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_LOWER_OUTPUTS_H_
