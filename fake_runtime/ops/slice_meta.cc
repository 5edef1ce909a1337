// slice and split: views of parts of one dimension.
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/size_tests.h"
#include "fake_runtime/ops/view_meta.h"

namespace kiln {
namespace {

// fake_impls._compute_slice_index: the index clamped into [0, size], decided by
// tests where they can be; nullopt where even its sign hangs on data.
absl::StatusOr<std::optional<Expr>> ClampIndex(MetaContext& ctx, Expr size, Expr index) {
  ExprPool& pool = ctx.pool();
  if (index.IsInt(0) || index == size) return std::optional<Expr>(index);
  auto test = [&](Expr condition) { return ctx.env().TestOr(condition, false, "slice bound"); };
  KILN_ASSIGN_OR_RETURN(bool positive, test(pool.Ge(index, Expr(0))));
  if (positive) {
    KILN_ASSIGN_OR_RETURN(bool inside, test(pool.Le(index, size)));
    if (inside) return std::optional<Expr>(index);
    KILN_ASSIGN_OR_RETURN(bool above, test(pool.Gt(index, size)));
    return std::optional<Expr>(above ? size : pool.Min(index, size));
  }
  KILN_ASSIGN_OR_RETURN(bool negative, test(pool.Lt(index, Expr(0))));
  if (!negative) return std::optional<Expr>();
  const Expr from_end = pool.Add(index, size);
  KILN_ASSIGN_OR_RETURN(bool inside, test(pool.Ge(index, pool.Neg(size))));
  if (inside) return std::optional<Expr>(from_end);
  KILN_ASSIGN_OR_RETURN(bool below, test(pool.Lt(index, pool.Neg(size))));
  return std::optional<Expr>(below ? Expr(0) : pool.Max(from_end, Expr(0)));
}

absl::StatusOr<Expr> SliceLength(MetaContext& ctx, Expr size, std::optional<Expr> start, std::optional<Expr> end,
                                 Expr step) {
  ExprPool& pool = ctx.pool();
  if (!start.has_value() || !end.has_value()) {
    const Expr length = ctx.env().FreshUnbacked(ValueRange::AtLeast(0));
    KILN_RETURN_IF_ERROR(ctx.env().Check(pool.Le(length, size), "slice fits", "a slice is longer than its dimension"));
    return length;
  }
  Expr length = pool.Sub(*end, *start);
  auto test = [&](Expr condition) { return ctx.env().TestOr(condition, false, "slice is not empty"); };
  KILN_ASSIGN_OR_RETURN(bool ordered, test(pool.Ge(*end, *start)));
  if (!ordered) {
    KILN_ASSIGN_OR_RETURN(bool reversed, test(pool.Ge(*start, *end)));
    if (reversed) return Expr(0);
    length = pool.Max(length, Expr(0));
  }
  if (step.IsInt(1)) return ctx.env().Simplify(length);
  return ctx.env().Simplify(pool.FloorDiv(pool.Sub(pool.Add(length, step), Expr(1)), step));
}

absl::Status ReturnParts(MetaContext& ctx, const FakeTensor& self, int dim, absl::Span<const Expr> lengths) {
  std::vector<FakeValue> parts;
  Expr start(0);
  for (Expr length : lengths) {
    Dims sizes = self.sizes;
    sizes[dim] = length;
    Expr offset = ctx.pool().Add(self.storage_offset, ctx.pool().Mul(start, self.strides[dim]));
    parts.push_back(ctx.ViewOf(self, std::move(sizes), self.strides, offset));
    start = ctx.pool().Add(start, length);
  }
  ctx.ReturnList(std::move(parts));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FakeTensor> SliceOf(MetaContext& ctx, const FakeTensor& self, int dim, std::optional<Expr> start,
                                   std::optional<Expr> end, Expr step) {
  if (step.AsInt().value_or(1) <= 0) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("slice step must be positive but is ", step.ToString()));
  }
  const Expr size = self.sizes[dim];
  std::optional<Expr> first = Expr(0), last = size;
  if (start.has_value()) {
    KILN_ASSIGN_OR_RETURN(first, ClampIndex(ctx, size, *start));
  }
  if (end.has_value() && !end->IsInt(std::numeric_limits<int64_t>::max())) {
    KILN_ASSIGN_OR_RETURN(last, ClampIndex(ctx, size, *end));
  }
  KILN_ASSIGN_OR_RETURN(Expr length, SliceLength(ctx, size, first, last, step));
  Dims sizes = self.sizes, strides = self.strides;
  sizes[dim] = length;
  strides[dim] = ctx.pool().Mul(strides[dim], step);
  Expr offset = first.has_value()
                    ? ctx.pool().Add(self.storage_offset, ctx.pool().Mul(*first, self.strides[dim]))
                    : ctx.env().FreshUnbacked(ValueRange::AtLeast(0));
  return ctx.ViewOf(self, std::move(sizes), std::move(strides), offset);
}

absl::Status SliceMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0)
    return ctx.Fail(ErrorReason::kBadArgumentValue, "slice() cannot be applied to a 0-dim tensor");
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  KILN_ASSIGN_OR_RETURN(
      FakeTensor out, SliceOf(ctx, self, dim, ctx.OptionalSymInt(2), ctx.OptionalSymInt(3), ctx.SymInt(4)));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status SplitMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  ExprPool& pool = ctx.pool();
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kBadArgumentValue, "split expects at least a 1-dimensional tensor");
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(2), self.rank()));
  const Expr part = ctx.SymInt(1), size = self.sizes[dim];
  KILN_RETURN_IF_ERROR(
      ctx.env().Check(pool.Or(pool.Gt(part, Expr(0)), pool.And(pool.Eq(part, Expr(0)), pool.Eq(size, Expr(0)))),
                      "split size is positive",
                      absl::StrCat("split size ", part.ToString(), " of dimension ", dim, " of size ", size.ToString())));
  if (part.IsInt(0)) return ReturnParts(ctx, self, dim, {Expr(0)});
  // How many results there are is part of the graph, so it becomes a constant.
  KILN_ASSIGN_OR_RETURN(int64_t count, ctx.env().Specialize(pool.Max(pool.CeilDiv(size, part), Expr(1)),
                                                            "the number of parts of a split"));
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kListLength, count, "the parts of a split"));
  std::vector<Expr> lengths(count, part);
  lengths[count - 1] = ctx.env().Simplify(pool.Sub(size, pool.Mul(part, Expr(count - 1))));
  return ReturnParts(ctx, self, dim, lengths);
}

absl::Status SplitWithSizesMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kBadArgumentValue, "split expects at least a 1-dimensional tensor");
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(2), self.rank()));
  const Dims lengths = ctx.SymInts(1);
  Expr total(0);
  for (Expr length : lengths) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(length, Expr(0)), "a split size is not negative",
                                         absl::StrCat("split size ", length.ToString(), " is negative")));
    total = ctx.pool().Add(total, length);
  }
  KILN_RETURN_IF_ERROR(
      ctx.CheckEqual(total, self.sizes[dim], "the sum of the split sizes", absl::StrCat("dim ", dim)));
  return ReturnParts(ctx, self, dim, lengths);
}

absl::Status UnbindMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kIndexOutOfRange, "unbind: a 0-dim tensor has no dimension");
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  KILN_ASSIGN_OR_RETURN(int64_t count, ctx.env().Specialize(self.sizes[dim], "the number of parts of unbind"));
  KILN_RETURN_IF_ERROR(CheckLimit(Limit::kListLength, count, "the parts of unbind"));
  std::vector<FakeValue> parts;
  for (int64_t i = 0; i < count; ++i) {
    KILN_ASSIGN_OR_RETURN(FakeTensor part, SelectOf(ctx, self, dim, Expr(i)));
    parts.push_back(std::move(part));
  }
  ctx.ReturnList(std::move(parts));
  return absl::OkStatus();
}

}  // namespace kiln
