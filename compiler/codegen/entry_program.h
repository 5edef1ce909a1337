// What an artifact's entry does, as data: a list of small instructions that one
// routine of the artifact interprets, the templates and strings that they use,
// and the expressions that are computed before them. So the code of an entry is
// the same few hundred bytes for a graph of ten or ten thousand nodes, and only
// its tables grow. No LLVM here.
#ifndef KILN_COMPILER_CODEGEN_ENTRY_PROGRAM_H_
#define KILN_COMPILER_CODEGEN_ENTRY_PROGRAM_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/codegen/kernel_table.h"
#include "compiler/codegen/step_template.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

// Numbers are those of the switch in entry_run_routine.cc. `step` is the place of a
// template among `step_words`.
enum class EntryOpcode : int32_t {
  kEnd = 0,
  kInput = 1,          // input, record
  kPlace = 2,          // offset expression, record, frame slot of the arena
  kShare = 3,          // record from, record to
  kScalarOutput = 4,   // step, output
  kViewOfInput = 5,    // step, output, input
  kViewOfKept = 6,     // step, output, frame slot
  kNewOutput = 7,      // step, output, record
  kKeep = 8,           // scratch slot, frame slot
  kLaunch = 9,         // step, kernel, node, extent expression, grain expression
  kExtern = 10,        // step, op, arguments, scratch slot of results, results
  kTakeResult = 11,    // scratch slot, record
  kReleaseResult = 12, // record
  kReleaseInput = 13,  // input
  kAssert = 14,        // condition expression, node, byte of the message
  kSkipUnless = 15,    // condition expression, how many of the next instructions
  kBindSize = 16,      // scratch slot of a result, dimension, frame slot
  kLateSizes = 17,     // number of the late expressions, arena expression, frame slot of the arena
  kReadNumber = 18,    // record, frame slot
};

struct EntryOp {
  EntryOpcode code = EntryOpcode::kEnd;
  std::array<int32_t, 5> args = {};
};

struct EntryProgram {
  std::vector<EntryOp> ops;
  std::vector<int64_t> step_words;
  std::string strings;
  std::vector<Expr> exprs;
  // By expression: 0 where it is known when the entry begins, k where it is not before
  // the k-th step that binds symbols.
  std::vector<int> late;
  int num_late = 0;
  // Those symbols, one after the other from `bound_slot` on, by step.
  std::vector<std::vector<Expr>> bound;
  int arena_expr = 0;
  bool is_random = false;
  // The frame, in slots: header, kept tensors, bound symbols, the arenas of steps that
  // bind some, expressions, records, scratch.
  int bound_slot = 0;
  int arenas_slot = 0;
  int exprs_slot = 0;
  int records_slot = 0;
  int num_records = 0;
  int num_owned = 0;
  int scratch_slot = 0;
  int frame_slots = 0;
};

// COMPILER_BUG for a program whose memory plan contradicts itself.
absl::StatusOr<EntryProgram> BuildEntryProgram(const LoopProgram& program, const KernelTable& table);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_ENTRY_PROGRAM_H_
