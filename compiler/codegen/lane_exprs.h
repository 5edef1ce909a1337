// Expressions along lanes: what they are in each, and whether that is a run of
// memory.
//
// Not thread-safe.
#ifndef KILN_COMPILER_CODEGEN_LANE_EXPRS_H_
#define KILN_COMPILER_CODEGEN_LANE_EXPRS_H_

#include <optional>

#include "compiler/codegen/expr_emitter.h"
#include "compiler/codegen/lanes.h"

namespace kiln {

// How an expression runs along the lanes.
struct LaneRun {
  enum class Kind {
    kUniform,
    kLinear,
    // Moves by 0 up to `stride` from lane to lane, as what is kept within bounds does.
    kBounded,
    kAny,
  } kind = Kind::kUniform;
  Expr stride;  // kLinear: does not change along the lanes; kBounded: a constant
};

class LaneExprs {
 public:
  // All outlive this; `lanes` are those of the moment.
  LaneExprs(ExprPool* pool, llvm::IRBuilder<>* builder, ExprEmitter* exprs, const Lanes* lanes)
      : pool_(pool), b_(builder), exprs_(exprs), lanes_(lanes) {}

  LaneRun RunOf(Expr e) const;
  // A lane's distance from the first. One that is off stands where the last one
  // that is on stands.
  llvm::Value* LaneNumber(int lane);
  // The value of `e` in one lane.
  llvm::Value* InLane(Expr e, int lane);
  // In all lanes: a scalar where it is the same in all of them.
  llvm::Value* InAllLanes(Expr e);
  // What `v`, a scalar or a vector over the lanes, is in one.
  llvm::Value* LaneOf(llvm::Value* v, int lane);

 private:
  bool Varies(Expr e) const;
  // The least s such that `e` moves by 0 up to s with each step of the lanes'
  // variable; nullopt where it may move otherwise.
  std::optional<int64_t> LargestStep(Expr e) const;
  llvm::Value* Vector(Expr e);
  llvm::Value* ShiftedOrMasked(Expr e);
  llvm::Value* VectorOfVariable();
  llvm::Value* LaneByLane(Expr e);

  ExprPool* pool_;
  llvm::IRBuilder<>* b_;
  ExprEmitter* exprs_;
  const Lanes* lanes_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_LANE_EXPRS_H_
