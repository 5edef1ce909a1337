// Where each buffer's memory comes from, and its record in the entry's frame.
// No LLVM.
#ifndef KILN_COMPILER_CODEGEN_BUFFER_PLACEMENT_H_
#define KILN_COMPILER_CODEGEN_BUFFER_PLACEMENT_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

struct BufferPlacement {
  // The buffer that gives the memory: itself, the end of its alias chain, or an
  // output that lives in the same memory, which only the host can make.
  std::vector<BufferId> home_of_buffer;
  // By home: the others that live in its memory.
  std::vector<std::vector<BufferId>> guests_of_buffer;
  // -1 for buffers that nothing uses. Extern results come first.
  std::vector<int> record_of_buffer;
  int num_records = 0;
  int num_owned = 0;
};

// COMPILER_BUG if two outputs, or an output and memory of the host's, are to
// share memory.
absl::StatusOr<BufferPlacement> PlaceBuffers(const LoopProgram& program);

// Each buffer that a step reads or writes, possibly several times.
void VisitStepBuffers(const Step& step, const std::function<void(BufferId)>& visit);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_BUFFER_PLACEMENT_H_
