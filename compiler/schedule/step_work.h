// What one run of a step moves and computes, as expressions over the size
// symbols: for people, profilers, and the floor that a benchmark compares with.
// It decides nothing.
//
// Bytes are those that a machine with an endless cache would move: an element
// that is read counts once for each index expression that reads it, whatever
// loops repeat the access, and not at all where the kernel has stored it at this
// index; an element that is stored counts once; no buffer counts for more than
// it has. Operations are scalar ones as the loop IR has them, casts and
// constants left out, each update of an accumulator one: what a compiler moves
// out of loops later is not known here.
#ifndef KILN_COMPILER_SCHEDULE_STEP_WORK_H_
#define KILN_COMPILER_SCHEDULE_STEP_WORK_H_

#include "compiler/loops/loop_ir.h"

namespace kiln {

struct KernelWork {
  Expr bytes;
  Expr operations;
};

// `kernel` is a scheduled kernel of `program`.
KernelWork WorkOf(const Kernel& kernel, const LoopProgram& program);

// The elements that an extern operator's tensors show, in bytes.
Expr BytesOf(const ExternCall& call, ExprPool* pool);

}  // namespace kiln

#endif  // KILN_COMPILER_SCHEDULE_STEP_WORK_H_
