#include "compiler/loops/pool_axes.h"

namespace kiln {
namespace {

int64_t NumberOf(const std::vector<int64_t>& values, size_t axis) {
  return values.size() == 1 ? values[0] : values[axis];
}

}  // namespace

std::vector<PoolAxis> PoolAxesOf(LoweringContext& c, int num_axes, int kernel_arg, int dilation_arg) {
  std::vector<int64_t> kernel = c.args().Ints(kernel_arg);
  std::vector<int64_t> stride = c.args().Ints(kernel_arg + 1);
  std::vector<int64_t> padding = c.args().Ints(kernel_arg + 2);
  std::vector<int64_t> dilation = dilation_arg < 0 ? std::vector<int64_t>{1} : c.args().Ints(dilation_arg);
  std::vector<PoolAxis> axes(num_axes);
  for (size_t a = 0; a < axes.size(); ++a) {
    axes[a].kernel = NumberOf(kernel, a);
    axes[a].stride = stride.empty() ? axes[a].kernel : NumberOf(stride, a);
    axes[a].padding = NumberOf(padding, a);
    axes[a].dilation = NumberOf(dilation, a);
  }
  return axes;
}

Val LessThan(KernelBuilder& b, Expr a, Expr limit) {
  return b.Op(ScalarOp::kLt, b.FromExpr(DType::kInt64, a), b.FromExpr(DType::kInt64, limit));
}

Expr MaskedPlaces::Place(Expr place, Expr size, bool may_be_below, bool may_be_above) {
  ExprPool& pool = b_.pool();
  Expr inside = place;
  if (!may_be_below && !may_be_above) return place;
  Val v = b_.FromExpr(DType::kInt64, place);
  if (may_be_below) {
    Require(b_.Op(ScalarOp::kGe, v, b_.Constant(DType::kInt64, 0)));
    inside = pool.Max(inside, Expr(0));
  }
  if (may_be_above) {
    Require(b_.Op(ScalarOp::kLt, v, b_.FromExpr(DType::kInt64, size)));
    inside = pool.Min(inside, pool.Sub(size, Expr(1)));
  }
  return inside;
}

void MaskedPlaces::Require(Val condition) {
  inside_ = inside_.has_value() ? b_.Op(ScalarOp::kBitAnd, *inside_, condition) : condition;
}

Expr FlatPlace(ExprPool& pool, const Dims& sizes, const Dims& at, size_t first) {
  Expr flat;
  for (size_t d = first; d < sizes.size(); ++d) flat = pool.Add(pool.Mul(flat, sizes[d]), at[d]);
  return flat;
}

}  // namespace kiln
