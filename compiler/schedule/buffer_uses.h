// Which step of a program touches which buffer, and how.
#ifndef KILN_COMPILER_SCHEDULE_BUFFER_USES_H_
#define KILN_COMPILER_SCHEDULE_BUFFER_USES_H_

#include <functional>
#include <vector>

#include "compiler/loops/loop_ir.h"

namespace kiln::schedule {

enum class Access : uint8_t { kRead, kWrite };

// Calls `visit` for every access of the step, with repetitions.
void VisitAccesses(const Step& step, const std::function<void(BufferId, Access)>& visit);

// Buffers that the caller of the program sees after the last step: outputs, and
// what outputs are views of.
std::vector<bool> BuffersOfOutputs(const LoopProgram& program);

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_BUFFER_USES_H_
