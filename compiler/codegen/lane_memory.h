// Loads and stores of all lanes, in the way that suits how their index runs: one
// element for all, consecutive ones, reversed ones, every n-th, or lane by lane.
//
// What is kept within bounds (a window's places, a padding's) is a run but for the
// edges: whether it is one here is tested when it runs.
//
// Not thread-safe.
#ifndef KILN_COMPILER_CODEGEN_LANE_MEMORY_H_
#define KILN_COMPILER_CODEGEN_LANE_MEMORY_H_

#include "compiler/codegen/kernel_memory.h"
#include "compiler/codegen/lane_exprs.h"

namespace kiln {

class LaneMemory {
 public:
  // All outlive this; `lanes` are those of the moment.
  LaneMemory(KernelMemory* memory, llvm::IRBuilder<>* builder, ExprEmitter* exprs, LaneExprs* lane_exprs,
             const Lanes* lanes)
      : memory_(memory), b_(builder), exprs_(exprs), lane_exprs_(lane_exprs), lanes_(lanes) {}

  // buffer[index] in each lane; a scalar where it is the same in all.
  llvm::Value* Load(BufferId buffer, Expr index);
  // A scalar `v` is the value in all lanes.
  void Store(BufferId buffer, Expr index, llvm::Value* v);

 private:
  // Every stride-th element from `first` on.
  llvm::Value* LoadStrided(BufferId buffer, llvm::Value* first, int64_t stride);
  llvm::Value* LoadBounded(BufferId buffer, Expr index, int64_t step);
  llvm::Value* LoadEach(BufferId buffer, Expr index, const LaneRun& run);
  // The index of each lane; for a linear run from that of the first.
  llvm::Value* IndexIn(Expr index, const LaneRun& run, int lane);
  // The index of the lowest element of a run with stride -1.
  llvm::Value* LowestIndex(Expr index);

  KernelMemory* memory_;
  llvm::IRBuilder<>* b_;
  ExprEmitter* exprs_;
  LaneExprs* lane_exprs_;
  const Lanes* lanes_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_LANE_MEMORY_H_
