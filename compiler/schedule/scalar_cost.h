// What a scalar instruction costs, in units of one addition.
#ifndef KILN_COMPILER_SCHEDULE_SCALAR_COST_H_
#define KILN_COMPILER_SCHEDULE_SCALAR_COST_H_

#include "compiler/loops/loop_ir.h"

namespace kiln::schedule {

// About what a vector of them takes, relative to a vector addition: polynomials
// of transcendental functions are 15 to 40 operations, divisions and roots 4 to
// 8 on today's x86-64.
inline int ScalarCost(const Inst& inst) {
  if (inst.kind == InstKind::kRandom) return 40;
  if (inst.kind == InstKind::kIndirect) return 4;
  if (inst.kind != InstKind::kScalar) return 0;
  switch (inst.op) {
    case ScalarOp::kAcos:
    case ScalarOp::kAsin:
    case ScalarOp::kAtan:
    case ScalarOp::kAtan2:
    case ScalarOp::kCos:
    case ScalarOp::kCosh:
    case ScalarOp::kErf:
    case ScalarOp::kExp:
    case ScalarOp::kExpm1:
    case ScalarOp::kLog:
    case ScalarOp::kLog10:
    case ScalarOp::kLog1p:
    case ScalarOp::kLog2:
    case ScalarOp::kPow:
    case ScalarOp::kSigmoid:
    case ScalarOp::kSin:
    case ScalarOp::kSinh:
    case ScalarOp::kTan:
    case ScalarOp::kTanh:
      return 20;
    case ScalarOp::kDiv:
    case ScalarOp::kFloorDiv:
    case ScalarOp::kFmod:
    case ScalarOp::kRemainder:
    case ScalarOp::kRsqrt:
    case ScalarOp::kSqrt:
    case ScalarOp::kTruncDiv:
      return 4;
    case ScalarOp::kAbs:
    case ScalarOp::kAdd:
    case ScalarOp::kBitAnd:
    case ScalarOp::kBitNot:
    case ScalarOp::kBitOr:
    case ScalarOp::kBitXor:
    case ScalarOp::kCast:
    case ScalarOp::kCeil:
    case ScalarOp::kEq:
    case ScalarOp::kFloor:
    case ScalarOp::kGe:
    case ScalarOp::kGt:
    case ScalarOp::kIsInf:
    case ScalarOp::kIsNan:
    case ScalarOp::kLe:
    case ScalarOp::kLt:
    case ScalarOp::kMaximum:
    case ScalarOp::kMinimum:
    case ScalarOp::kMul:
    case ScalarOp::kNe:
    case ScalarOp::kNeg:
    case ScalarOp::kNot:
    case ScalarOp::kRound:
    case ScalarOp::kShiftLeft:
    case ScalarOp::kShiftRight:
    case ScalarOp::kSign:
    case ScalarOp::kSub:
    case ScalarOp::kTrunc:
    case ScalarOp::kWhere:
      return 1;
  }
  return 1;
}

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_SCALAR_COST_H_
