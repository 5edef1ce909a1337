// Means over windows and their gradients: each place collects its share from the
// cells that cover it, so that no two writes meet.
#include <optional>
#include <vector>

#include "base/status_macros.h"
#include "compiler/loops/adaptive_cells.h"
#include "compiler/loops/lowering_table.h"
#include "compiler/loops/pool_axes.h"

namespace kiln {
namespace {

// Arguments of avg_pool2d, which its gradient has one place later:
// avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False,
//     bool count_include_pad=True, int? divisor_override=None)
struct AverageArguments {
  AverageArguments(LoweringContext& c, int num_axes, int kernel_arg)
      : axes(PoolAxesOf(c, num_axes, kernel_arg, -1)),
        ceil_mode(c.args().Bool(kernel_arg + 3)),
        counts_padding(c.args().Bool(kernel_arg + 4)) {
    if (!c.args().IsNone(kernel_arg + 5)) divisor = Expr(c.args().Int(kernel_arg + 5));
  }

  // What the sum over the window of cell `o` is divided by, along one axis.
  Expr Count(ExprPool& pool, const PoolAxis& axis, Expr o, Expr size) const {
    if (axis.padding == 0 && !ceil_mode) return Expr(axis.kernel);
    Expr first = pool.Sub(pool.Mul(o, Expr(axis.stride)), Expr(axis.padding));
    Expr last = pool.Min(pool.Add(first, Expr(axis.kernel)), pool.Add(size, Expr(axis.padding)));
    if (counts_padding) return pool.Sub(last, first);
    return pool.Sub(pool.Min(last, size), pool.Max(first, Expr(0)));
  }

  std::vector<PoolAxis> axes;
  bool ceil_mode;
  bool counts_padding;
  std::optional<Expr> divisor;
};

// How many elements a mean is over: one factor an axis, multiplied as values,
// since the product of such expressions is long when it is multiplied out.
class MeanCount {
 public:
  MeanCount(KernelBuilder& b, DType dtype) : b_(b), dtype_(dtype) {}

  void AddAxis(Expr count) {
    if (std::optional<int64_t> known = count.AsInt(); known.has_value()) {
      known_ *= *known;
    } else {
      Val v = b_.FromExpr(dtype_, count);
      product_ = product_.has_value() ? b_.Op(ScalarOp::kMul, *product_, v) : v;
    }
  }

  Val Divided(Val sum) {
    if (product_.has_value() && known_ == 1) return b_.Op(ScalarOp::kDiv, sum, *product_);
    Val count = b_.Constant(dtype_, known_);
    if (product_.has_value()) count = b_.Op(ScalarOp::kMul, *product_, count);
    return b_.Op(ScalarOp::kDiv, sum, count);
  }

 private:
  KernelBuilder& b_;
  DType dtype_;
  int64_t known_ = 1;
  std::optional<Val> product_;
};

absl::Status AvgPool(LoweringContext& c, int num_axes) {
  if (!IsFloating(c.OutTensor().dtype)) return c.Unsupported("a mean of integers");
  AverageArguments average(c, num_axes, 1);
  TensorOperand in = c.In(0);
  size_t first = in.sizes.size() - num_axes;
  ExprPool& pool = c.pool();
  TensorOperand out = c.Out();
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val sum = b.Accumulate(ReduceKind::kSum, dtype);
  Dims kernel;
  for (const PoolAxis& axis : average.axes) kernel.emplace_back(axis.kernel);
  Dims k = b.BeginNest(kernel);
  Dims at = i;
  MaskedPlaces places(b);
  for (int a = 0; a < num_axes; ++a) {
    const PoolAxis& axis = average.axes[a];
    size_t d = first + a;
    Expr place = pool.Add(pool.Sub(pool.Mul(i[d], Expr(axis.stride)), Expr(axis.padding)), k[a]);
    at[d] = places.Place(place, in.sizes[d], axis.padding > 0, axis.padding > 0 || average.ceil_mode);
  }
  Val v = b.Cast(b.Load(in.buffer, in.dtype, b.Index(in, at)), dtype);
  b.Update(sum, places.Masked(v, b.Constant(dtype, 0)));
  b.EndNest(k);
  MeanCount count(b, dtype);
  for (int a = 0; a < num_axes; ++a) {
    size_t d = first + a;
    count.AddAxis(average.divisor.has_value() ? Expr(1) : average.Count(pool, average.axes[a], i[d], in.sizes[d]));
  }
  if (average.divisor.has_value()) count.AddAxis(*average.divisor);
  StoreAt(b, out, i, count.Divided(b.Result(sum)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
absl::Status AvgPool2d(LoweringContext& c) { return AvgPool(c, 2); }
absl::Status AvgPool3d(LoweringContext& c) { return AvgPool(c, 3); }

// aten::avg_pool2d_backward(Tensor grad_output, Tensor self, int[2] kernel_size, int[2] stride, int[2] padding,
//     bool ceil_mode, bool count_include_pad, int? divisor_override)
absl::Status AvgPoolBackward(LoweringContext& c, int num_axes) {
  if (!IsFloating(c.OutTensor().dtype)) return c.Unsupported("a mean of integers");
  AverageArguments average(c, num_axes, 2);
  TensorOperand grad = c.In(0);
  TensorOperand out = c.Out();
  size_t first = out.sizes.size() - num_axes;
  ExprPool& pool = c.pool();
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val sum = b.Accumulate(ReduceKind::kSum, dtype);
  Dims windows;
  for (const PoolAxis& axis : average.axes) windows.emplace_back(axis.num_windows());
  Dims w = b.BeginNest(windows);
  Dims at = i;
  MaskedPlaces cells(b);
  MeanCount count(b, dtype);
  if (average.divisor.has_value()) count.AddAxis(*average.divisor);
  for (int a = 0; a < num_axes; ++a) {
    const PoolAxis& axis = average.axes[a];
    size_t d = first + a;
    Expr padded = pool.Add(i[d], Expr(axis.padding));
    Expr cell = pool.Sub(pool.FloorDiv(padded, Expr(axis.stride)), w[a]);
    at[d] = cells.Place(cell, grad.sizes[d], axis.num_windows() > 1, true);
    // The earliest of these windows, or any if windows leave gaps, may end before the place.
    if (axis.kernel % axis.stride != 0) {
      cells.Require(LessThan(b, padded, pool.Add(pool.Mul(cell, Expr(axis.stride)), Expr(axis.kernel))));
    }
    if (!average.divisor.has_value()) count.AddAxis(average.Count(pool, axis, at[d], out.sizes[d]));
  }
  Val v = b.Cast(b.Load(grad.buffer, grad.dtype, b.Index(grad, at)), dtype);
  b.Update(sum, cells.Masked(count.Divided(v), b.Constant(dtype, 0)));
  b.EndNest(w);
  StoreAt(b, out, i, b.Result(sum));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
absl::Status AvgPool2dBackward(LoweringContext& c) { return AvgPoolBackward(c, 2); }
absl::Status AvgPool3dBackward(LoweringContext& c) { return AvgPoolBackward(c, 3); }

// How many places the adaptive cell `cell` has.
MeanCount CellCount(LoweringContext& c, KernelBuilder& b, DType dtype, const Dims& cell, size_t first,
                    const Dims& places, const Dims& cells) {
  MeanCount count(b, dtype);
  for (size_t d = first; d < cell.size(); ++d) {
    count.AddAxis(PlacesOfCell(c.env(), cell[d], places[d], cells[d]).extent);
  }
  return count;
}

// aten::_adaptive_avg_pool2d(Tensor self, SymInt[2] output_size), and in three dimensions.
absl::Status AdaptiveAvgPool(LoweringContext& c, int num_axes) {
  if (!IsFloating(c.OutTensor().dtype)) return c.Unsupported("a mean of integers");
  TensorOperand in = c.In(0);
  size_t first = in.sizes.size() - num_axes;
  TensorOperand out = c.Out();
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val sum = b.Accumulate(ReduceKind::kSum, dtype);
  Dims at = BeginCells(b, c.env(), i, first, in.sizes, out.sizes);
  b.Update(sum, b.Load(in.buffer, in.dtype, b.Index(in, at)));
  EndCells(b, i, first);
  MeanCount count = CellCount(c, b, dtype, i, first, in.sizes, out.sizes);
  StoreAt(b, out, i, count.Divided(b.Result(sum)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
absl::Status AdaptiveAvgPool2d(LoweringContext& c) { return AdaptiveAvgPool(c, 2); }
absl::Status AdaptiveAvgPool3d(LoweringContext& c) { return AdaptiveAvgPool(c, 3); }

// aten::_adaptive_avg_pool2d_backward(Tensor grad_output, Tensor self), and in three dimensions.
absl::Status AdaptiveAvgPoolBackward(LoweringContext& c, int num_axes) {
  if (!IsFloating(c.OutTensor().dtype)) return c.Unsupported("a mean of integers");
  TensorOperand grad = c.In(0);
  TensorOperand out = c.Out();
  size_t first = out.sizes.size() - num_axes;
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val sum = b.Accumulate(ReduceKind::kSum, dtype);
  Dims at = BeginCells(b, c.env(), i, first, grad.sizes, out.sizes);
  MeanCount count = CellCount(c, b, dtype, at, first, out.sizes, grad.sizes);
  Val v = b.Cast(b.Load(grad.buffer, grad.dtype, b.Index(grad, at)), dtype);
  b.Update(sum, count.Divided(v));
  EndCells(b, i, first);
  StoreAt(b, out, i, b.Result(sum));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
absl::Status AdaptiveAvgPool2dBackward(LoweringContext& c) { return AdaptiveAvgPoolBackward(c, 2); }
absl::Status AdaptiveAvgPool3dBackward(LoweringContext& c) { return AdaptiveAvgPoolBackward(c, 3); }

constexpr LoweringRow kRows[] = {
    {"aten._adaptive_avg_pool2d.default", AdaptiveAvgPool2d},
    {"aten._adaptive_avg_pool2d_backward.default", AdaptiveAvgPool2dBackward},
    {"aten._adaptive_avg_pool3d.default", AdaptiveAvgPool3d},
    {"aten._adaptive_avg_pool3d_backward.default", AdaptiveAvgPool3dBackward},
    {"aten.avg_pool2d.default", AvgPool2d},
    {"aten.avg_pool2d_backward.default", AvgPool2dBackward},
    {"aten.avg_pool3d.default", AvgPool3d},
    {"aten.avg_pool3d_backward.default", AvgPool3dBackward},
};

}  // namespace

absl::Span<const LoweringRow> AveragePoolingLowerings() { return kRows; }

}  // namespace kiln
