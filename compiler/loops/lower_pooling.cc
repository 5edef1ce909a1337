// Pooling and resampling over the last two dimensions.
#include <optional>
#include <vector>

#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

// A single number stands for both dimensions; none for the kernel's size.
std::vector<int64_t> Pair(std::vector<int64_t> values, const std::vector<int64_t>& otherwise) {
  if (values.empty()) values = otherwise;
  if (values.size() == 1) values.push_back(values[0]);
  return values;
}

// The input rows that one output row covers: [begin, begin + extent), cut to the
// input; `padded` is the extent before the cut at zero, but cut at the padding's
// end.
struct PoolWindow {
  Expr begin;
  Expr extent;
  Expr padded;
};

PoolWindow WindowAt(ExprPool& pool, Expr at, Expr size, int64_t kernel, int64_t stride, int64_t padding, bool cut) {
  Expr first = pool.Sub(pool.Mul(at, Expr(stride)), Expr(padding));
  if (!cut) return {first, Expr(kernel), Expr(kernel)};
  Expr last = pool.Min(pool.Add(first, Expr(kernel)), pool.Add(size, Expr(padding)));
  Expr begin = pool.Max(first, Expr(0));
  return {begin, pool.Sub(pool.Min(last, size), begin), pool.Sub(last, first)};
}

// aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False,
//     bool count_include_pad=True, int? divisor_override=None)
absl::Status AvgPool2d(LoweringContext& c) {
  if (!IsFloating(c.OutTensor().dtype)) return c.Unsupported("a mean of integers");
  std::vector<int64_t> kernel = Pair(c.args().Ints(1), {});
  std::vector<int64_t> stride = Pair(c.args().Ints(2), kernel);
  std::vector<int64_t> padding = Pair(c.args().Ints(3), {});
  bool cut = padding[0] != 0 || padding[1] != 0 || c.args().Bool(4);
  bool counts_padding = c.args().Bool(5);
  TensorOperand in = c.In(0);
  size_t h = in.sizes.size() - 2;
  ExprPool& pool = c.pool();
  TensorOperand out = c.Out();
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  PoolWindow rows = WindowAt(pool, i[h], in.sizes[h], kernel[0], stride[0], padding[0], cut);
  PoolWindow columns = WindowAt(pool, i[h + 1], in.sizes[h + 1], kernel[1], stride[1], padding[1], cut);
  Val sum = b.Accumulate(ReduceKind::kSum, dtype);
  Dims at = i;
  at[h] = pool.Add(rows.begin, b.BeginLoop(rows.extent));
  at[h + 1] = pool.Add(columns.begin, b.BeginLoop(columns.extent));
  b.Update(sum, b.Cast(b.Load(in.buffer, in.dtype, b.Index(in, at)), dtype));
  b.EndLoop();
  b.EndLoop();
  Expr count = counts_padding ? pool.Mul(rows.padded, columns.padded) : pool.Mul(rows.extent, columns.extent);
  if (!c.args().IsNone(6)) count = Expr(c.args().Int(6));
  StoreAt(b, out, i, b.Op(ScalarOp::kDiv, b.Result(sum), b.FromExpr(dtype, count)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::_adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) to one cell: the mean of a plane.
absl::Status AdaptiveAvgPool2d(LoweringContext& c) {
  TensorOperand in = c.In(0);
  size_t h = in.sizes.size() - 2;
  const Dims& sizes = c.OutTensor().sizes;
  if (!IsFloating(c.OutTensor().dtype)) return c.Unsupported("a mean of integers");
  if (!sizes[h].IsInt(1) || !sizes[h + 1].IsInt(1)) return c.Unsupported("adaptive pooling to several cells");
  TensorOperand out = c.Out();
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val sum = b.Accumulate(ReduceKind::kSum, dtype);
  Dims at = i;
  at[h] = b.BeginLoop(in.sizes[h]);
  at[h + 1] = b.BeginLoop(in.sizes[h + 1]);
  b.Update(sum, b.Load(in.buffer, in.dtype, b.Index(in, at)));
  b.EndLoop();
  b.EndLoop();
  Val count = b.FromExpr(dtype, c.pool().Mul(in.sizes[h], in.sizes[h + 1]));
  StoreAt(b, out, i, b.Op(ScalarOp::kDiv, b.Result(sum), count));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::_adaptive_avg_pool2d_backward(Tensor grad_output, Tensor self) from one cell.
absl::Status AdaptiveAvgPool2dBackward(LoweringContext& c) {
  TensorOperand grad = c.In(0);
  size_t h = grad.sizes.size() - 2;
  if (!grad.sizes[h].IsInt(1) || !grad.sizes[h + 1].IsInt(1)) return c.Unsupported("adaptive pooling to several cells");
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val v = LoadBroadcast(b, grad, i);
  Val count = b.FromExpr(v.dtype, c.pool().Mul(out.sizes[h], out.sizes[h + 1]));
  StoreAt(b, out, i, b.Op(ScalarOp::kDiv, v, count));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? scales_w=None), without
// scales: output row r reads input row r * in // out.
absl::Status UpsampleNearest2d(LoweringContext& c) {
  if (!c.args().IsNone(2) || !c.args().IsNone(3)) return c.Unsupported("upsample_nearest2d by scales");
  TensorOperand in = c.In(0);
  TensorOperand out = c.Out();
  ExprPool& pool = c.pool();
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Dims at = i;
  for (size_t d : {in.sizes.size() - 2, in.sizes.size() - 1}) {
    at[d] = pool.FloorDiv(pool.Mul(i[d], in.sizes[d]), out.sizes[d]);
  }
  StoreAt(b, out, i, b.Load(in.buffer, in.dtype, b.Index(in, at)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

constexpr LoweringRow kRows[] = {
    {"aten._adaptive_avg_pool2d.default", AdaptiveAvgPool2d},
    {"aten._adaptive_avg_pool2d_backward.default", AdaptiveAvgPool2dBackward},
    {"aten.avg_pool2d.default", AvgPool2d},
    {"aten.upsample_nearest2d.default", UpsampleNearest2d},
};

}  // namespace

absl::Span<const LoweringRow> PoolingLowerings() { return kRows; }

}  // namespace kiln
