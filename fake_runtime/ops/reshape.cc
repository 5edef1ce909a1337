// view, _unsafe_view and their kin: torch._refs._reshape_view_helper.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/size_tests.h"
#include "fake_runtime/ops/view_meta.h"

namespace kiln {
namespace {

absl::Status CannotView(MetaContext& ctx, const FakeTensor& t, absl::Span<const Expr> shape) {
  return ctx.Fail(ErrorReason::kShapeMismatch,
                  absl::StrCat("cannot view a tensor with sizes ", DimsText(t.sizes), " and strides ",
                               DimsText(t.strides), " as ", DimsText(shape)));
}

// Merges dimensions [start, end] of `t` in place; false where its strides do not
// let a view do that (prims._collapse_view_helper).
absl::StatusOr<bool> Collapse(MetaContext& ctx, FakeTensor& t, int start, int end) {
  ExprPool& pool = ctx.pool();
  Expr length = t.sizes[end], stride = t.strides[end];
  for (int d = end - 1; d >= start; --d) {
    KILN_ASSIGN_OR_RETURN(bool outer_one, GuardOne(ctx, t.sizes[d], "merged dimension"));
    if (outer_one) continue;
    KILN_ASSIGN_OR_RETURN(bool inner_one, GuardOne(ctx, length, "merged dimension"));
    if (inner_one) {
      length = t.sizes[d];
      stride = t.strides[d];
      continue;
    }
    Expr dense = pool.Mul(length, stride);
    if (!(dense == t.strides[d])) {
      KILN_ASSIGN_OR_RETURN(bool mergeable, GuardEqual(ctx, t.strides[d], dense, "merged dimensions have no gap"));
      if (!mergeable) return false;
    }
    length = pool.Mul(length, t.sizes[d]);
  }
  t.sizes[start] = length;
  t.strides[start] = stride;
  t.sizes.erase(t.sizes.begin() + start + 1, t.sizes.begin() + end + 1);
  t.strides.erase(t.strides.begin() + start + 1, t.strides.begin() + end + 1);
  return true;
}

// Splits dimension `dim` into [length, rest].
void SplitDim(MetaContext& ctx, FakeTensor& t, int dim, Expr length) {
  Expr rest = ctx.env().Simplify(ctx.pool().FloorDiv(t.sizes[dim], length));
  Expr stride = t.strides[dim];
  t.sizes[dim] = length;
  t.strides[dim] = ctx.pool().Mul(stride, rest);
  t.sizes.insert(t.sizes.begin() + dim + 1, rest);
  t.strides.insert(t.strides.begin() + dim + 1, stride);
}

absl::StatusOr<bool> Divides(MetaContext& ctx, Expr length, Expr accumulated) {
  if (length == accumulated) return true;
  KILN_ASSIGN_OR_RETURN(bool zero, GuardZero(ctx, length, "divisor of a view"));
  if (zero) return false;
  return ctx.Test(ctx.pool().Eq(ctx.pool().Mod(accumulated, length), Expr(0)), "view splits a dimension evenly");
}

// Builds dimension `idx` of the result, of `length`, out of the front of what is
// left of `t`.
absl::Status BuildDim(MetaContext& ctx, FakeTensor& t, int idx, Expr length, absl::Span<const Expr> shape) {
  if (idx >= t.rank()) {
    KILN_RETURN_IF_ERROR(ctx.CheckEqual(length, Expr(1), "a trailing dimension", "its only possible size"));
    SplitDim(ctx, t, t.rank() - 1, t.sizes.back());
    return absl::OkStatus();
  }
  KILN_ASSIGN_OR_RETURN(bool same, GuardEqual(ctx, length, t.sizes[idx], "view keeps a dimension"));
  if (same) return absl::OkStatus();
  Expr accumulated = t.sizes[idx];
  int end = idx;
  while (true) {
    KILN_ASSIGN_OR_RETURN(bool divides, Divides(ctx, length, accumulated));
    if (divides) break;
    if (++end >= t.rank()) return CannotView(ctx, t, shape);
    accumulated = ctx.pool().Mul(accumulated, t.sizes[end]);
  }
  if (end != idx) {
    KILN_ASSIGN_OR_RETURN(bool merged, Collapse(ctx, t, idx, end));
    if (!merged) return CannotView(ctx, t, shape);
  }
  KILN_ASSIGN_OR_RETURN(bool whole, GuardEqual(ctx, accumulated, length, "view fills a dimension"));
  if (!whole) SplitDim(ctx, t, idx, length);
  return absl::OkStatus();
}

absl::StatusOr<FakeTensor> GeneralView(MetaContext& ctx, const FakeTensor& self, absl::Span<const Expr> shape) {
  FakeTensor t = self;
  for (size_t i = 0; i < shape.size(); ++i) {
    KILN_RETURN_IF_ERROR(BuildDim(ctx, t, static_cast<int>(i), shape[i], shape));
  }
  while (t.rank() > static_cast<int>(shape.size())) {
    KILN_RETURN_IF_ERROR(ctx.CheckEqual(t.sizes.back(), Expr(1), "a dimension that the view drops", "1"));
    t.sizes.pop_back();
    t.strides.pop_back();
  }
  // The sizes that were asked for are equal to those that came out, and simpler.
  return ctx.ViewOf(self, Dims(shape.begin(), shape.end()), t.strides, self.storage_offset);
}

}  // namespace

absl::StatusOr<Dims> InferSize(MetaContext& ctx, absl::Span<const Expr> shape, Expr numel) {
  ExprPool& pool = ctx.pool();
  Dims out(shape.begin(), shape.end());
  int inferred = -1;
  Expr known(1);
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d].IsInt(-1)) {
      if (inferred >= 0) return ctx.Fail(ErrorReason::kBadArgumentValue, "only one dimension can be inferred");
      inferred = static_cast<int>(d);
      continue;
    }
    KILN_RETURN_IF_ERROR(ctx.env().Check(pool.Ge(shape[d], Expr(0)), "a size is not negative",
                                         absl::StrCat("invalid size ", shape[d].ToString(), " at dimension ", d)));
    known = pool.Mul(known, shape[d]);
  }
  const std::string message =
      absl::StrCat("sizes ", DimsText(shape), " are invalid for an input of ", numel.ToString(), " elements");
  if (inferred < 0) {
    if (!(known == numel)) {
      KILN_RETURN_IF_ERROR(ctx.env().Check(pool.Eq(numel, known), "a view keeps the number of elements", message));
    }
    return out;
  }
  KILN_RETURN_IF_ERROR(ctx.env().Check(pool.Ne(known, Expr(0)), "the inferred size is unambiguous", message));
  KILN_RETURN_IF_ERROR(
      ctx.env().Check(pool.Eq(pool.Mod(numel, known), Expr(0)), "a view keeps the number of elements", message));
  out[inferred] = ctx.env().Simplify(pool.FloorDiv(numel, known));
  return out;
}

namespace {

absl::StatusOr<FakeTensor> ViewAs(MetaContext& ctx, const FakeTensor& self, absl::Span<const Expr> wanted) {
  const Expr numel = Numel(ctx.pool(), self.sizes);
  KILN_ASSIGN_OR_RETURN(Dims shape, InferSize(ctx, wanted, numel));
  if (shape == self.sizes && !numel.IsInt(0)) return ctx.ViewOf(self, self.sizes, self.strides, self.storage_offset);
  const bool plain = self.strides == ContiguousStrides(ctx.env(), self.sizes);
  // Rows of a plain layout need no tests, whatever the sizes are.
  if (plain || numel.IsInt(0)) {
    Dims strides = ContiguousStrides(ctx.env(), shape);
    return ctx.ViewOf(self, std::move(shape), std::move(strides), self.storage_offset);
  }
  KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, numel, "the tensor is empty"));
  if (empty || self.rank() == 0) {
    Dims strides = ContiguousStrides(ctx.env(), shape);
    return ctx.ViewOf(self, std::move(shape), std::move(strides), self.storage_offset);
  }
  if (shape.size() <= 1 && KnownContiguous(ctx.env(), self)) {
    return ctx.ViewOf(self, shape, Dims(shape.size(), Expr(1)), self.storage_offset);
  }
  if (shape.size() == 2 && self.rank() == 1 && KnownContiguous(ctx.env(), self)) {
    return ctx.ViewOf(self, shape, Dims{shape[1], Expr(1)}, self.storage_offset);
  }
  return GeneralView(ctx, self, shape);
}

}  // namespace

absl::Status ViewMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, ViewAs(ctx, ctx.Tensor(0), ctx.SymInts(1)));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status ReshapeAliasMeta(MetaContext& ctx) {
  ctx.Return(ctx.ViewOf(ctx.Tensor(0), ctx.SymInts(1), ctx.SymInts(2), ctx.Tensor(0).storage_offset));
  return absl::OkStatus();
}

absl::Status ReshapeCopyMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(Dims shape, InferSize(ctx, ctx.SymInts(1), Numel(ctx.pool(), self.sizes)));
  ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(shape)));
  return absl::OkStatus();
}

}  // namespace kiln
