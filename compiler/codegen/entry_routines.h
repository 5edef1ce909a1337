// The routines that every entry is made of, as LLVM IR text: fill a step's
// template, launch a kernel, call an extern op, make an output, clean up; and
// `kiln.run`, which interprets an entry program (entry_program.h) with them.
//
// A frame is an array of 8-byte slots that the entry keeps on its stack:
//
//   header       kFrameHeaderSlots slots, by FrameSlot
//   tensors      KilnTensors that outputs are views of
//   late         numbers that are known only after some step, and an arena for each such step
//   expressions  one slot each: integers, the bits of doubles, booleans
//   records      four slots a buffer: data, storage, offset of data in the
//                storage (elements), the host's handle; extern results first
//   scratch      where steps' templates are filled in
#ifndef KILN_COMPILER_CODEGEN_ENTRY_ROUTINES_H_
#define KILN_COMPILER_CODEGEN_ENTRY_ROUTINES_H_

#include <string>

namespace kiln {

enum FrameSlot : int {
  kFrameHost = 0,
  kFrameContext = 1,
  kFrameErrorFlag = 2,  // and, behind it, the index and its bound
  kFrameSeed = 5,
  kFrameArena = 6,
  kFrameExprs = 7,
  kFrameRecords = 8,
  kFrameScratch = 9,
  kFrameStrings = 10,
  kFrameErrorAddress = 11,
};
inline constexpr int kFrameHeaderSlots = 12;
inline constexpr int kRecordSlots = 4;

// A module's text for LLVM's assembly parser.
std::string EntryRoutines();

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_ENTRY_ROUTINES_H_
