// Windows taken apart and put together again (im2col, unfold), and the gradients
// of pads: each place collects from wherever it was copied to.
#include <vector>

#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"
#include "compiler/loops/pool_axes.h"

namespace kiln {
namespace {

int64_t PairItem(const std::vector<int64_t>& pair, int a) { return pair.size() == 1 ? pair[0] : pair[a]; }

// The two axes of im2col and col2im: kernel_size, dilation, padding and stride
// stand in this order from `arg` on.
struct ColumnAxes {
  ColumnAxes(LoweringContext& c, int arg) {
    for (int a = 0; a < 2; ++a) {
      axes[a].kernel = PairItem(c.args().Ints(arg), a);
      axes[a].dilation = PairItem(c.args().Ints(arg + 1), a);
      axes[a].padding = PairItem(c.args().Ints(arg + 2), a);
      axes[a].stride = PairItem(c.args().Ints(arg + 3), a);
    }
  }

  Expr NumWindows(ExprPool& pool, int a, Expr size) const {
    const PoolAxis& axis = axes[a];
    Expr room = pool.Add(size, Expr(2 * axis.padding - axis.dilation * (axis.kernel - 1) - 1));
    return pool.Add(pool.FloorDiv(room, Expr(axis.stride)), Expr(1));
  }

  Expr Row(ExprPool& pool, Expr channel, Expr k0, Expr k1) const {
    Expr row = pool.Add(pool.Mul(channel, Expr(axes[0].kernel)), k0);
    return pool.Add(pool.Mul(row, Expr(axes[1].kernel)), k1);
  }

  PoolAxis axes[2];
};

// aten::im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride):
// [n, c, h, w] -> [n, c*k0*k1, windows]
absl::Status Im2Col(LoweringContext& c) {
  ColumnAxes columns(c, 1);
  TensorOperand in = c.In(0);
  TensorOperand out = c.Out();
  ExprPool& pool = c.pool();
  size_t h = in.sizes.size() - 2;
  KernelBuilder b = c.NewKernel();
  Dims outer = b.BeginNest(absl::MakeConstSpan(in.sizes).first(h));
  Dims k = b.BeginNest({Expr(columns.axes[0].kernel), Expr(columns.axes[1].kernel)});
  Expr width = columns.NumWindows(pool, 1, in.sizes[h + 1]);
  Dims w = b.BeginNest({columns.NumWindows(pool, 0, in.sizes[h]), width});
  Dims from = outer;
  MaskedPlaces places(b);
  for (int a = 0; a < 2; ++a) {
    const PoolAxis& axis = columns.axes[a];
    Expr start = pool.Sub(pool.Mul(w[a], Expr(axis.stride)), Expr(axis.padding));
    Expr place = pool.Add(start, pool.Mul(k[a], Expr(axis.dilation)));
    from.push_back(places.Place(place, in.sizes[h + a], axis.padding > 0, axis.padding > 0));
  }
  Dims to = outer;
  to.back() = columns.Row(pool, outer.back(), k[0], k[1]);
  to.push_back(pool.Add(pool.Mul(w[0], width), w[1]));
  Val v = b.Load(in.buffer, in.dtype, b.Index(in, from));
  StoreAt(b, out, to, places.Masked(v, b.Constant(v.dtype, 0)));
  b.EndNest(w);
  b.EndNest(k);
  b.EndNest(outer);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::col2im(Tensor self, SymInt[2] output_size, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride):
// the windows' elements are added up where they came from.
absl::Status Col2Im(LoweringContext& c) {
  ColumnAxes columns(c, 2);
  TensorOperand in = c.In(0);
  TensorOperand out = c.Out();
  ExprPool& pool = c.pool();
  size_t h = out.sizes.size() - 2;
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val sum = b.Accumulate(ReduceKind::kSum, dtype);
  Dims k = b.BeginNest({Expr(columns.axes[0].kernel), Expr(columns.axes[1].kernel)});
  MaskedPlaces windows(b);
  Dims w;
  for (int a = 0; a < 2; ++a) {
    const PoolAxis& axis = columns.axes[a];
    Expr offset = pool.Sub(pool.Add(i[h + a], Expr(axis.padding)), pool.Mul(k[a], Expr(axis.dilation)));
    Expr window = pool.FloorDiv(offset, Expr(axis.stride));
    if (axis.stride > 1) {
      Val start = b.FromExpr(DType::kInt64, pool.Mul(window, Expr(axis.stride)));
      windows.Require(b.Op(ScalarOp::kEq, start, b.FromExpr(DType::kInt64, offset)));
    }
    w.push_back(windows.Place(window, columns.NumWindows(pool, a, out.sizes[h + a]), true, true));
  }
  Dims from(i.begin(), i.begin() + h);
  from.back() = columns.Row(pool, from.back(), k[0], k[1]);
  from.push_back(pool.Add(pool.Mul(w[0], columns.NumWindows(pool, 1, out.sizes[h + 1])), w[1]));
  Val v = b.Load(in.buffer, in.dtype, b.Index(in, from));
  b.Update(sum, windows.Masked(v, b.Constant(v.dtype, 0)));
  b.EndNest(k);
  StoreAt(b, out, i, b.Result(sum));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::unfold_backward(Tensor grad_in, SymInt[] input_sizes, int dim, int size, int step): window `o` of dimension
// `dim` holds the places o*step + k, k being grad's last dimension.
absl::Status UnfoldBackward(LoweringContext& c) {
  if (c.OutTensor().rank() == 0) return c.Unsupported("unfold of a 0-dim tensor");
  TensorOperand grad = c.In(0);
  TensorOperand out = c.Out();
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(2), static_cast<int>(out.sizes.size())));
  PoolAxis axis{.kernel = c.args().Int(3), .stride = c.args().Int(4)};
  ExprPool& pool = c.pool();
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val sum = b.Accumulate(ReduceKind::kSum, dtype);
  Expr w = b.BeginLoop(Expr(axis.num_windows()));
  MaskedPlaces windows(b);
  Expr window = pool.Sub(pool.FloorDiv(i[dim], Expr(axis.stride)), w);
  Dims from = i;
  from[dim] = windows.Place(window, grad.sizes[dim], axis.num_windows() > 1, true);
  Expr k = pool.Sub(i[dim], pool.Mul(window, Expr(axis.stride)));
  // The earliest of these windows, or any if windows leave gaps, may end before the place.
  from.push_back(windows.Place(k, Expr(axis.kernel), false, axis.kernel % axis.stride != 0));
  b.Update(sum, windows.Masked(b.Load(grad.buffer, grad.dtype, b.Index(grad, from)), b.Constant(dtype, 0)));
  b.EndLoop();
  StoreAt(b, out, i, b.Result(sum));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// Adds up the elements of grad that a reflection at both ends copied from the
// place `i`, dimension by dimension.
class ReflectedSum {
 public:
  ReflectedSum(KernelBuilder& b, const TensorOperand& grad, const TensorOperand& out, const Dims& pad)
      : b_(b), grad_(grad), out_(out), pad_(pad) {}

  Val Run(Dims i) { return Along(std::move(i), 0, std::nullopt); }

 private:
  // A place of grad, and the tests that it must pass.
  struct Source {
    Expr place;
    std::vector<std::pair<Expr, Expr>> less;  // first < second
  };

  Val Along(Dims at, size_t pair, std::optional<Val> inside) {
    if (2 * pair >= pad_.size()) {
      Val v = b_.Load(grad_.buffer, grad_.dtype, b_.Index(grad_, at));
      return inside.has_value() ? b_.Where(*inside, v, b_.Constant(v.dtype, 0)) : v;
    }
    ExprPool& pool = b_.pool();
    size_t d = at.size() - 1 - pair;
    Expr i = at[d];
    Expr before = pad_[2 * pair];
    Expr size = out_.sizes[d];
    Expr padded = grad_.sizes[d];
    Expr last = pool.Add(before, pool.Sub(size, Expr(1)));
    Expr left = pool.Sub(before, i);
    Expr right = pool.Sub(pool.Add(last, pool.Sub(size, Expr(1))), i);
    const Source sources[] = {
        {pool.Add(before, i), {}},
        {left, {{left, before}}},
        {right, {{last, right}}},
    };
    std::optional<Val> sum;
    for (const Source& source : sources) {
      Val here = b_.Op(ScalarOp::kBitAnd, LessThan(b_, Expr(-1), source.place), LessThan(b_, source.place, padded));
      for (const auto& [a, limit] : source.less) here = b_.Op(ScalarOp::kBitAnd, here, LessThan(b_, a, limit));
      if (inside.has_value()) here = b_.Op(ScalarOp::kBitAnd, here, *inside);
      at[d] = pool.Min(pool.Max(source.place, Expr(0)), pool.Sub(padded, Expr(1)));
      Val part = Along(at, pair + 1, here);
      sum = sum.has_value() ? b_.Op(ScalarOp::kAdd, *sum, part) : part;
    }
    return *sum;
  }

  KernelBuilder& b_;
  const TensorOperand& grad_;
  const TensorOperand& out_;
  const Dims& pad_;
};

// aten::reflection_pad1d_backward(Tensor grad_output, Tensor self, SymInt[2] padding), and in 2 and 3 dimensions.
absl::Status ReflectionPadBackward(LoweringContext& c) {
  TensorOperand grad = c.In(0);
  TensorOperand out = c.Out();
  Dims pad = c.args().SymInts(2);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  StoreAt(b, out, i, ReflectedSum(b, grad, out, pad).Run(i));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::replication_pad1d_backward(Tensor grad_output, Tensor self, SymInt[2] padding), and in 2 and 3 dimensions:
// the first and the last place collect what lies before and behind them.
absl::Status ReplicationPadBackward(LoweringContext& c) {
  TensorOperand grad = c.In(0);
  TensorOperand out = c.Out();
  Dims pad = c.args().SymInts(2);
  ExprPool& pool = c.pool();
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Val sum = b.Accumulate(ReduceKind::kSum, dtype);
  Dims at = i;
  for (size_t pair = 0; 2 * pair + 1 < pad.size(); ++pair) {
    size_t d = i.size() - 1 - pair;
    Expr padded = grad.sizes[d];
    Expr here = pool.Add(pad[2 * pair], i[d]);
    Expr begin = pool.Where(pool.Eq(i[d], Expr(0)), Expr(0), pool.Max(here, Expr(0)));
    bool is_last_known = out.sizes[d].IsInt(1);
    Expr last = pool.Sub(out.sizes[d], Expr(1));
    Expr behind = pool.Min(pool.Add(here, Expr(1)), padded);
    Expr end = is_last_known ? padded : pool.Where(pool.Eq(i[d], last), padded, behind);
    at[d] = pool.Add(begin, b.BeginLoop(pool.Sub(end, begin)));
  }
  b.Update(sum, b.Load(grad.buffer, grad.dtype, b.Index(grad, at)));
  for (size_t pair = 0; 2 * pair + 1 < pad.size(); ++pair) b.EndLoop();
  StoreAt(b, out, i, b.Result(sum));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

constexpr LoweringRow kRows[] = {
    {"aten.col2im.default", Col2Im},
    {"aten.im2col.default", Im2Col},
    {"aten.reflection_pad1d_backward.default", ReflectionPadBackward},
    {"aten.reflection_pad2d_backward.default", ReflectionPadBackward},
    {"aten.reflection_pad3d_backward.default", ReflectionPadBackward},
    {"aten.replication_pad1d_backward.default", ReplicationPadBackward},
    {"aten.replication_pad2d_backward.default", ReplicationPadBackward},
    {"aten.replication_pad3d_backward.default", ReplicationPadBackward},
    {"aten.unfold_backward.default", UnfoldBackward},
};

}  // namespace

absl::Span<const LoweringRow> WindowLowerings() { return kRows; }

}  // namespace kiln
