// Tensors put together from parts: cat, stack, pads, and writes into a slice of
// a copy. One kernel of sibling nests; a later nest overwrites an earlier one.
#include <algorithm>
#include <vector>

#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

// cat passes over tensors of shape [0], whatever the rank of the others.
bool IsLegacyEmpty(const FakeTensor& t, int rank) { return t.rank() == 1 && rank != 1 && t.sizes[0].IsInt(0); }

// aten::cat(Tensor[] tensors, int dim=0)
absl::Status Cat(LoweringContext& c) {
  int rank = c.OutTensor().rank();
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(1), rank));
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  Expr start;
  for (const FakeTensor* t : c.args().TensorList(0)) {
    if (IsLegacyEmpty(*t, rank)) continue;
    TensorOperand in = c.Window(*t);
    CopyNest(b, SliceWindow(c.pool(), out, dim, start, in.sizes[dim], Expr(1)), in);
    start = c.pool().Add(start, in.sizes[dim]);
  }
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::stack(Tensor[] tensors, int dim=0)
absl::Status Stack(LoweringContext& c) {
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(1), c.OutTensor().rank()));
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  int64_t index = 0;
  for (const FakeTensor* t : c.args().TensorList(0)) {
    CopyNest(b, SelectWindow(c.pool(), out, dim, Expr(index++)), c.Window(*t));
  }
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::block_diag(Tensor[] tensors): a vector is a row, and a number a row of one.
absl::Status BlockDiag(LoweringContext& c) {
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  FillNest(b, out, Expr(0));
  ExprPool& pool = c.pool();
  Expr row, column;
  for (const FakeTensor* t : c.args().TensorList(0)) {
    TensorOperand in = c.Window(*t);
    while (in.sizes.size() < 2) {
      in.sizes.insert(in.sizes.begin(), Expr(1));
      in.strides.insert(in.strides.begin(), Expr(0));
    }
    TensorOperand rows = SliceWindow(pool, out, 0, row, in.sizes[0], Expr(1));
    CopyNest(b, SliceWindow(pool, rows, 1, column, in.sizes[1], Expr(1)), in);
    row = pool.Add(row, in.sizes[0]);
    column = pool.Add(column, in.sizes[1]);
  }
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0): pairs from
// the last dimension on; a negative pad cuts.
absl::Status ConstantPad(LoweringContext& c) {
  ExprPool& pool = c.pool();
  Dims pad = c.args().SymInts(1);
  Expr value = c.args().Scalar(2).value;
  TensorOperand in = c.In(0);
  TensorOperand out = c.Out();
  TensorOperand inner = out;
  auto positive = [&](Expr e) { return c.env().Simplify(pool.Max(e, Expr(0))); };
  for (size_t pair = 0; 2 * pair + 1 < pad.size(); ++pair) {
    int dim = static_cast<int>(in.sizes.size() - 1 - pair);
    Expr before = pad[2 * pair];
    Expr after = pad[2 * pair + 1];
    Expr cut_before = positive(pool.Neg(before));
    Expr length = pool.Sub(in.sizes[dim], pool.Add(cut_before, positive(pool.Neg(after))));
    in = SliceWindow(pool, in, dim, cut_before, length, Expr(1));
    inner = SliceWindow(pool, inner, dim, positive(before), length, Expr(1));
  }
  KernelBuilder b = c.NewKernel();
  FillNest(b, out, value);
  CopyNest(b, inner, in);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// A Python index into `size`: a negative one counts from the end.
Expr Wrapped(LoweringContext& c, Expr index, Expr size) {
  ExprPool& pool = c.pool();
  index = c.env().Simplify(index);
  if (c.env().KnownTrue(pool.Ge(index, Expr(0)))) return index;
  Expr wrapped = pool.Max(pool.Add(index, size), Expr(0));
  if (c.env().KnownTrue(pool.Lt(index, Expr(0)))) return c.env().Simplify(wrapped);
  return pool.Where(pool.Lt(index, Expr(0)), wrapped, index);
}

// Stores `part` into the slice of `out` that starts at argument `start`. Its
// length is the part's, so the end says nothing new.
TensorOperand SliceOf(LoweringContext& c, const TensorOperand& out, int dim, std::optional<Expr> start, Expr length,
                      Expr step) {
  Expr first = start.has_value() ? Wrapped(c, *start, out.sizes[dim]) : Expr(0);
  return SliceWindow(c.pool(), out, dim, first, length, step);
}

// aten::slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1)
absl::Status SliceScatter(LoweringContext& c) {
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(2), c.OutTensor().rank()));
  TensorOperand out = c.Out();
  TensorOperand src = c.In(1);
  KernelBuilder b = c.NewKernel();
  CopyNest(b, out, c.In(0));
  CopyNest(b, SliceOf(c, out, dim, c.args().OptionalSymInt(3), src.sizes[dim], c.args().SymInt(5)), src);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::slice_backward(Tensor grad_output, SymInt[] input_sizes, int dim, SymInt start, SymInt end, SymInt step)
absl::Status SliceBackward(LoweringContext& c) {
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(2), c.OutTensor().rank()));
  TensorOperand out = c.Out();
  TensorOperand grad = c.In(0);
  KernelBuilder b = c.NewKernel();
  FillNest(b, out, Expr(0));
  CopyNest(b, SliceOf(c, out, dim, c.args().SymInt(3), grad.sizes[dim], c.args().SymInt(5)), grad);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

TensorOperand SelectOf(LoweringContext& c, const TensorOperand& out, int dim, Expr index) {
  return SelectWindow(c.pool(), out, dim, Wrapped(c, index, out.sizes[dim]));
}

// aten::select_scatter(Tensor self, Tensor src, int dim, SymInt index)
absl::Status SelectScatter(LoweringContext& c) {
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(2), c.OutTensor().rank()));
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  CopyNest(b, out, c.In(0));
  CopyNest(b, SelectOf(c, out, dim, c.args().SymInt(3)), c.In(1));
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::select_backward(Tensor grad_output, SymInt[] input_sizes, int dim, SymInt index)
absl::Status SelectBackward(LoweringContext& c) {
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(2), c.OutTensor().rank()));
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  FillNest(b, out, Expr(0));
  CopyNest(b, SelectOf(c, out, dim, c.args().SymInt(3)), c.In(0));
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::flip(Tensor self, int[] dims): the window is read backwards.
absl::Status Flip(LoweringContext& c) {
  TensorOperand in = c.In(0);
  KILN_ASSIGN_OR_RETURN(auto dims, c.args().WrapDims(c.args().Ints(1), static_cast<int>(in.sizes.size())));
  for (int dim : dims) {
    if (in.sizes.empty()) break;
    Expr last = c.pool().Sub(in.sizes[dim], Expr(1));
    in = SliceWindow(c.pool(), in, dim, last, in.sizes[dim], Expr(-1));
  }
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  CopyNest(b, out, in);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::as_strided_scatter(Tensor self, Tensor src, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None):
// size, stride and offset speak of self's storage, so the result must be laid
// out as self is.
absl::Status AsStridedScatter(LoweringContext& c) {
  TensorOperand in = c.In(0);
  TensorOperand promised = c.Window(c.OutTensor());
  if (!in.offset.IsInt(0) || in.strides != promised.strides) return c.Unsupported("self is laid out in a way of its own");
  TensorOperand out = c.Out();
  TensorOperand part = out;
  part.sizes = c.args().SymInts(2);
  part.strides = c.args().SymInts(3);
  part.offset = c.args().OptionalSymInt(4).value_or(Expr(0));
  KernelBuilder b = c.NewKernel();
  CopyNest(b, out, in);
  CopyNest(b, part, c.In(1));
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::diagonal_backward(Tensor grad_output, SymInt[] input_sizes, int offset, int dim1, int dim2) and
// diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1): the diagonal is a window with the
// sum of both strides.
absl::StatusOr<TensorOperand> DiagonalOf(LoweringContext& c, TensorOperand window, Expr length, int first_arg) {
  int rank = static_cast<int>(window.sizes.size());
  int64_t offset = c.args().Int(first_arg);
  KILN_ASSIGN_OR_RETURN(int dim1, c.args().WrapDim(c.args().Int(first_arg + 1), rank));
  KILN_ASSIGN_OR_RETURN(int dim2, c.args().WrapDim(c.args().Int(first_arg + 2), rank));
  ExprPool& pool = c.pool();
  Expr skip = offset >= 0 ? pool.Mul(window.strides[dim2], Expr(offset)) : pool.Mul(window.strides[dim1], Expr(-offset));
  Expr stride = pool.Add(window.strides[dim1], window.strides[dim2]);
  for (int dim : {std::max(dim1, dim2), std::min(dim1, dim2)}) window = SelectWindow(pool, window, dim, Expr(0));
  window.offset = pool.Add(window.offset, skip);
  window.sizes.push_back(length);
  window.strides.push_back(stride);
  return window;
}

absl::Status DiagonalBackward(LoweringContext& c) {
  TensorOperand grad = c.In(0);
  KILN_ASSIGN_OR_RETURN(TensorOperand part, DiagonalOf(c, c.Out(), grad.sizes.back(), 2));
  KernelBuilder b = c.NewKernel();
  FillNest(b, c.Out(), Expr(0));
  CopyNest(b, part, grad);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

absl::Status DiagonalScatter(LoweringContext& c) {
  TensorOperand src = c.In(1);
  KILN_ASSIGN_OR_RETURN(TensorOperand part, DiagonalOf(c, c.Out(), src.sizes.back(), 2));
  KernelBuilder b = c.NewKernel();
  CopyNest(b, c.Out(), c.In(0));
  CopyNest(b, part, src);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1)
absl::Status DiagEmbed(LoweringContext& c) {
  TensorOperand in = c.In(0);
  KILN_ASSIGN_OR_RETURN(TensorOperand part, DiagonalOf(c, c.Out(), in.sizes.back(), 1));
  KernelBuilder b = c.NewKernel();
  FillNest(b, c.Out(), Expr(0));
  CopyNest(b, part, in);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::reflection_pad1d(Tensor self, SymInt[2] padding), replication_pad1d and
// their fellows in 2 and 3 dimensions: the index goes back, or stays, at an end.
absl::Status EdgePad(LoweringContext& c, bool reflects) {
  TensorOperand in = c.In(0);
  Dims pad = c.args().SymInts(1);
  TensorOperand out = c.Out();
  ExprPool& pool = c.pool();
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  Dims at = i;
  for (size_t pair = 0; 2 * pair + 1 < pad.size(); ++pair) {
    size_t d = in.sizes.size() - 1 - pair;
    Expr last = pool.Sub(in.sizes[d], Expr(1));
    Expr inner = pool.Sub(i[d], pad[2 * pair]);
    if (reflects) {
      at[d] = pool.Sub(last, pool.Abs(pool.Sub(last, pool.Abs(inner))));
    } else {
      at[d] = pool.Min(pool.Max(inner, Expr(0)), last);
    }
  }
  StoreAt(b, out, i, b.Load(in.buffer, in.dtype, b.Index(in, at)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
absl::Status ReflectionPad(LoweringContext& c) { return EdgePad(c, true); }
absl::Status ReplicationPad(LoweringContext& c) { return EdgePad(c, false); }

// aten::pixel_shuffle(Tensor self, int upscale_factor): [.., c*r*r, h, w] -> [.., c, h*r, w*r], and back.
absl::Status PixelShuffle(LoweringContext& c, bool back) {
  TensorOperand in = c.In(0);
  TensorOperand out = c.Out();
  ExprPool& pool = c.pool();
  Expr r(c.args().Int(1));
  const TensorOperand& few = back ? in : out;    // few channels, large planes
  const TensorOperand& many = back ? out : in;
  size_t rank = in.sizes.size();
  KernelBuilder b = c.NewKernel();
  Dims outer = b.BeginNest(absl::MakeConstSpan(few.sizes).first(rank - 2));
  Dims inner = b.BeginNest({many.sizes[rank - 2], r, many.sizes[rank - 1], r});
  Dims large = outer;
  large.push_back(pool.Add(pool.Mul(inner[0], r), inner[1]));
  large.push_back(pool.Add(pool.Mul(inner[2], r), inner[3]));
  Dims small = outer;
  small.back() = pool.Add(pool.Mul(pool.Add(pool.Mul(small.back(), r), inner[1]), r), inner[3]);
  small.push_back(inner[0]);
  small.push_back(inner[2]);
  StoreAt(b, out, back ? small : large, b.Load(in.buffer, in.dtype, b.Index(in, back ? large : small)));
  b.EndNest(inner);
  b.EndNest(outer);
  c.Emit(std::move(b));
  return absl::OkStatus();
}
absl::Status Shuffle(LoweringContext& c) { return PixelShuffle(c, false); }
absl::Status Unshuffle(LoweringContext& c) { return PixelShuffle(c, true); }

// aten::repeat(Tensor self, SymInt[] repeats): each dimension is two loops, over
// the copies and inside one.
absl::Status Repeat(LoweringContext& c) {
  TensorOperand in = c.In(0);
  TensorOperand out = c.Out();
  size_t skip = out.sizes.size() - in.sizes.size();
  Dims repeats = c.args().SymInts(1);
  KernelBuilder b = c.NewKernel();
  Dims to, from;
  for (size_t d = 0; d < out.sizes.size(); ++d) {
    Expr copy = b.BeginLoop(c.env().Simplify(repeats[d]));
    Expr size = d < skip ? Expr(1) : in.sizes[d - skip];
    Expr inner = b.BeginLoop(size);
    to.push_back(c.pool().Add(c.pool().Mul(copy, size), inner));
    if (d >= skip) from.push_back(inner);
  }
  StoreAt(b, out, to, LoadBroadcast(b, in, from));
  for (size_t d = 0; d < 2 * out.sizes.size(); ++d) b.EndLoop();
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// A reshape that is no view: the result, contiguous, is written through a window
// of the operand's shape, since both have one row-major order.
absl::Status ReshapeCopy(LoweringContext& c) {
  TensorOperand in = c.In(0);
  TensorOperand out = c.Out();
  out.strides = ContiguousStrides(c.env(), in.sizes);
  out.sizes = in.sizes;
  KernelBuilder b = c.NewKernel();
  CopyNest(b, out, in);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) along one dimension:
// the end goes to the front.
absl::Status Roll(LoweringContext& c) {
  Dims shifts = c.args().SymInts(1);
  std::vector<int64_t> dims = c.args().Ints(2);
  TensorOperand in = c.In(0);
  if (dims.size() != 1 || shifts.size() != 1 || in.sizes.empty()) return c.Unsupported("roll of more than a dimension");
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(dims[0], static_cast<int>(in.sizes.size())));
  ExprPool& pool = c.pool();
  Expr size = in.sizes[dim];
  Expr shift = c.env().Simplify(pool.Mod(shifts[0], pool.Max(size, Expr(1))));
  Expr rest = pool.Sub(size, shift);
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  CopyNest(b, SliceWindow(pool, out, dim, shift, rest, Expr(1)), SliceWindow(pool, in, dim, Expr(0), rest, Expr(1)));
  CopyNest(b, SliceWindow(pool, out, dim, Expr(0), shift, Expr(1)), SliceWindow(pool, in, dim, rest, shift, Expr(1)));
  c.Emit(std::move(b));
  return absl::OkStatus();
}

constexpr LoweringRow kRows[] = {
    {"aten._reshape_copy.default", ReshapeCopy},
    {"aten._unsafe_view.default", ReshapeCopy},
    {"aten.as_strided_scatter.default", AsStridedScatter},
    {"aten.block_diag.default", BlockDiag},
    {"aten.cat.default", Cat},
    {"aten.constant_pad_nd.default", ConstantPad},
    {"aten.diag_embed.default", DiagEmbed},
    {"aten.diagonal_backward.default", DiagonalBackward},
    {"aten.diagonal_scatter.default", DiagonalScatter},
    {"aten.flip.default", Flip},
    {"aten.pixel_shuffle.default", Shuffle},
    {"aten.pixel_unshuffle.default", Unshuffle},
    {"aten.reflection_pad1d.default", ReflectionPad},
    {"aten.reflection_pad2d.default", ReflectionPad},
    {"aten.reflection_pad3d.default", ReflectionPad},
    {"aten.repeat.default", Repeat},
    {"aten.replication_pad1d.default", ReplicationPad},
    {"aten.replication_pad2d.default", ReplicationPad},
    {"aten.replication_pad3d.default", ReplicationPad},
    {"aten.roll.default", Roll},
    {"aten.select_backward.default", SelectBackward},
    {"aten.select_scatter.default", SelectScatter},
    {"aten.slice_backward.default", SliceBackward},
    {"aten.slice_scatter.default", SliceScatter},
    {"aten.stack.default", Stack},
};

}  // namespace

absl::Span<const LoweringRow> AssemblyLowerings() { return kRows; }

}  // namespace kiln
