#include "compiler/loops/combining_op.h"

namespace kiln {

std::optional<ScalarOp> CombiningOp(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::kSum: return ScalarOp::kAdd;
    case ReduceKind::kProd: return ScalarOp::kMul;
    case ReduceKind::kMax: return ScalarOp::kMaximum;
    case ReduceKind::kMin: return ScalarOp::kMinimum;
    case ReduceKind::kAny: return ScalarOp::kBitOr;
    case ReduceKind::kAll: return ScalarOp::kBitAnd;
    case ReduceKind::kArgMax:
    case ReduceKind::kArgMin:
    case ReduceKind::kWindowMax:
    case ReduceKind::kWelford: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace kiln
