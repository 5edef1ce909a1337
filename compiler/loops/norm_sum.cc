#include "compiler/loops/norm_sum.h"

#include <cmath>

namespace kiln {
namespace {

ReduceKind KindOf(double ord) {
  if (std::isinf(ord)) return ord > 0 ? ReduceKind::kMax : ReduceKind::kMin;
  return ReduceKind::kSum;
}

}  // namespace

NormSum::NormSum(KernelBuilder& b, DType dtype, double ord)
    : b_(b), dtype_(dtype), ord_(ord), accumulator_(b.Accumulate(KindOf(ord), dtype)) {}

// Orders 0, 1 and 2 need no powers.
bool NormSum::is_power() const { return !std::isinf(ord_) && ord_ != 0 && ord_ != 1 && ord_ != 2; }

void NormSum::Update(Val x) {
  x = b_.Op(ScalarOp::kAbs, b_.Cast(x, dtype_));
  if (ord_ == 2) x = b_.Op(ScalarOp::kMul, x, x);
  if (ord_ == 0) x = b_.Cast(b_.Cast(x, DType::kBool), dtype_);
  if (is_power()) x = b_.Op(ScalarOp::kPow, x, b_.Constant(dtype_, ord_));
  b_.Update(accumulator_, x);
}

Val NormSum::Result() {
  Val result = b_.Result(accumulator_);
  if (ord_ == 2) return b_.Op(ScalarOp::kSqrt, result);
  return is_power() ? b_.Op(ScalarOp::kPow, result, b_.Constant(dtype_, 1 / ord_)) : result;
}

}  // namespace kiln
