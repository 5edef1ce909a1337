#include "fake_runtime/ops/view_meta.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/promotion.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::Status ReturnView(MetaContext& ctx, Dims sizes, Dims strides) {
  const FakeTensor& self = ctx.Tensor(0);
  ctx.Return(ctx.ViewOf(self, std::move(sizes), std::move(strides), self.storage_offset));
  return absl::OkStatus();
}

absl::Status ReturnSwapped(MetaContext& ctx, int a, int b) {
  Dims sizes = ctx.Tensor(0).sizes, strides = ctx.Tensor(0).strides;
  if (!sizes.empty()) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  return ReturnView(ctx, std::move(sizes), std::move(strides));
}

}  // namespace

absl::Status AliasMeta(MetaContext& ctx) {
  ctx.Return(ctx.Tensor(0));
  return absl::OkStatus();
}

absl::Status ExpandMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  Dims sizes = ctx.SymInts(1);
  const int skip = static_cast<int>(sizes.size()) - self.rank();
  if (skip < 0) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("expand to ", sizes.size(), " dimensions of a tensor of rank ",
                                                              self.rank()));
  }
  Dims strides(sizes.size());
  // From the last dimension on, since a new leading one of size 1 takes its
  // stride from the dimension behind it.
  for (int d = static_cast<int>(sizes.size()) - 1; d >= 0; --d) {
    const int own = d - skip;
    if (own < 0) {
      KILN_RETURN_IF_ERROR(ctx.env().Check(
          ctx.pool().Ge(sizes[d], Expr(0)), "a size is not negative",
          absl::StrCat("the expanded size ", sizes[d].ToString(), " isn't allowed in a leading, non-existing dimension ", d)));
      if (sizes[d].IsInt(1) && self.rank() > 0) {
        strides[d] = ctx.pool().Mul(sizes[d + 1], strides[d + 1]);
      }
      continue;
    }
    if (sizes[d].IsInt(-1) || sizes[d] == self.sizes[own]) {
      sizes[d] = self.sizes[own];
      strides[d] = self.strides[own];
      continue;
    }
    KILN_ASSIGN_OR_RETURN(bool same, GuardEqual(ctx, self.sizes[own], sizes[d], "expand keeps a dimension"));
    if (same) {
      strides[d] = self.strides[own];
      continue;
    }
    const std::string mismatch =
        absl::StrCat("the expanded size of the tensor (", sizes[d].ToString(), ") must match the existing size (",
                     self.sizes[own].ToString(), ") at non-singleton dimension ", d);
    const Expr is_one = ctx.pool().Eq(self.sizes[own], Expr(1));
    const Expr keeps = ctx.pool().Eq(self.sizes[own], sizes[d]);
    if (keeps.has_unbacked() && !ctx.env().StaticallyKnown(keeps).has_value() && !ctx.env().KnownTrue(is_one)) {
      // Nothing decides: as in PyTorch it is the size asked for, which is asserted, rather than 1.
      KILN_RETURN_IF_ERROR(ctx.env().Check(keeps, "expand keeps a dimension", mismatch));
      strides[d] = self.strides[own];
      continue;
    }
    KILN_RETURN_IF_ERROR(ctx.env().Check(is_one, "expanded dimension is 1", mismatch));
  }
  return ReturnView(ctx, std::move(sizes), std::move(strides));
}

absl::Status PermuteMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const std::vector<int64_t> dims = ctx.Ints(1);
  if (static_cast<int>(dims.size()) != self.rank()) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("permute of ", dims.size(), " dimensions of a tensor of rank ", self.rank()));
  }
  KILN_ASSIGN_OR_RETURN(auto order, ctx.WrapDims(dims, self.rank()));
  Dims sizes, strides;
  for (int d : order) {
    sizes.push_back(self.sizes[d]);
    strides.push_back(self.strides[d]);
  }
  return ReturnView(ctx, std::move(sizes), std::move(strides));
}

absl::Status TransposeMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(int a, ctx.WrapDim(ctx.Int(1), ctx.Tensor(0).rank()));
  KILN_ASSIGN_OR_RETURN(int b, ctx.WrapDim(ctx.Int(2), ctx.Tensor(0).rank()));
  return ReturnSwapped(ctx, a, b);
}

absl::Status TMeta(MetaContext& ctx) {
  const int rank = ctx.Tensor(0).rank();
  if (rank > 2) return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("t() expects rank <= 2 but got rank ", rank));
  return ReturnSwapped(ctx, 0, rank < 2 ? 0 : 1);
}

absl::StatusOr<FakeTensor> SelectOf(MetaContext& ctx, const FakeTensor& self, int dim, Expr index) {
  ExprPool& pool = ctx.pool();
  const Expr size = self.sizes[dim];
  const std::string range = absl::StrCat("select(): index ", index.ToString(), " out of range for dimension ", dim,
                                         " of size ", size.ToString());
  KILN_ASSIGN_OR_RETURN(bool above, ctx.env().TestOr(pool.Ge(index, size), false, "index in range"));
  KILN_ASSIGN_OR_RETURN(bool below, ctx.env().TestOr(pool.Lt(index, pool.Neg(size)), false, "index in range"));
  if (above || below) return ctx.Fail(ErrorReason::kIndexOutOfRange, range);
  KILN_ASSIGN_OR_RETURN(bool positive, ctx.env().TestOr(pool.Ge(index, Expr(0)), false, "sign of an index"));
  std::optional<Expr> offset;
  if (positive) {
    offset = pool.Add(self.storage_offset, pool.Mul(index, self.strides[dim]));
  } else {
    KILN_ASSIGN_OR_RETURN(bool negative, ctx.env().TestOr(pool.Lt(index, Expr(0)), false, "sign of an index"));
    if (negative) offset = pool.Add(self.storage_offset, pool.Mul(pool.Add(index, size), self.strides[dim]));
  }
  // Which end the index counts from is known when the code runs.
  if (!offset.has_value()) offset = ctx.env().FreshUnbacked(ValueRange{});
  Dims sizes = self.sizes, strides = self.strides;
  sizes.erase(sizes.begin() + dim);
  strides.erase(strides.begin() + dim);
  return ctx.ViewOf(self, std::move(sizes), std::move(strides), *offset);
}

absl::Status SelectMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0)
    return ctx.Fail(ErrorReason::kIndexOutOfRange, "select() cannot be applied to a 0-dim tensor");
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  KILN_ASSIGN_OR_RETURN(FakeTensor out, SelectOf(ctx, self, dim, ctx.SymInt(2)));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status SqueezeMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const int arg = ctx.schema().FindArg("dim");
  std::vector<int64_t> dims;
  if (arg < 0) {
    for (int d = 0; d < self.rank(); ++d) dims.push_back(d);
  } else if (ctx.schema().args[arg].is_list) {
    dims = ctx.Ints(arg);
  } else {
    dims = {ctx.Int(arg)};
  }
  KILN_ASSIGN_OR_RETURN(auto wrapped, ctx.WrapDims(dims, self.rank()));
  absl::InlinedVector<bool, 8> drop(self.rank() + 1, false);
  for (int d : wrapped) {
    if (self.rank() == 0) continue;
    KILN_ASSIGN_OR_RETURN(bool one, GuardOne(ctx, self.sizes[d], "squeezed dimension is 1"));
    drop[d] = one;
  }
  Dims sizes, strides;
  for (int d = 0; d < self.rank(); ++d) {
    if (drop[d]) continue;
    sizes.push_back(self.sizes[d]);
    strides.push_back(self.strides[d]);
  }
  return ReturnView(ctx, std::move(sizes), std::move(strides));
}

absl::Status UnsqueezeMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank() + 1));
  Dims sizes = self.sizes, strides = self.strides;
  const Expr stride = dim >= self.rank() ? Expr(1) : ctx.pool().Mul(sizes[dim], strides[dim]);
  sizes.insert(sizes.begin() + dim, Expr(1));
  strides.insert(strides.begin() + dim, stride);
  return ReturnView(ctx, std::move(sizes), std::move(strides));
}

// at::native::checkInBoundsForStorage: what has no element needs no storage.
absl::Status CheckInStorage(MetaContext& ctx, const FakeTensor& t, Expr available) {
  ExprPool& pool = ctx.pool();
  const Expr needed = SymbolicBytesReached(pool, t);
  const auto message = [&] {
    return absl::StrCat("as_strided: setStorage: sizes ", DimsText(t.sizes), ", strides ", DimsText(t.strides),
                        ", storage offset ", t.storage_offset.ToString(), " and itemsize ", DTypeSizeBytes(t.dtype),
                        " require a storage size of ", needed.ToString(), " bytes, which is out of bounds for storage of size ",
                        available.ToString());
  };
  const std::optional<int64_t> reached = BytesReached(t), known = available.AsInt();
  if (reached.has_value() && known.has_value()) {
    return *reached <= *known ? absl::OkStatus() : ctx.Fail(ErrorReason::kShapeMismatch, message());
  }
  Expr fits = pool.Le(needed, available);
  for (Expr size : t.sizes) fits = pool.Or(fits, pool.Eq(size, Expr(0)));
  return ctx.env().Check(fits, "as_strided stays in its storage", message());
}

absl::StatusOr<FakeTensor> AsStridedOf(MetaContext& ctx, const FakeTensor& self, int first_arg) {
  Dims sizes = ctx.SymInts(first_arg), strides = ctx.SymInts(first_arg + 1);
  if (sizes.size() != strides.size()) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("as_strided: ", sizes.size(), " sizes but ", strides.size(), " strides"));
  }
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d].AsInt().value_or(0) < 0 || strides[d].AsInt().value_or(0) < 0) {
      return ctx.Fail(ErrorReason::kBadArgumentValue,
                      absl::StrCat("as_strided: size ", sizes[d].ToString(), " and stride ", strides[d].ToString(),
                                   " of dimension ", d, " must not be negative"));
    }
  }
  const Expr offset = ctx.OptionalSymInt(first_arg + 2).value_or(self.storage_offset);
  FakeTensor out = ctx.ViewOf(self, std::move(sizes), std::move(strides), offset);
  if (out.storage_offset.AsInt().value_or(0) < 0) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("as_strided: invalid storage offset ", out.storage_offset.ToString()));
  }
  if (const std::optional<Expr> available = ctx.StorageBytes(self.storage)) {
    KILN_RETURN_IF_ERROR(CheckInStorage(ctx, out, *available));
  }
  return out;
}

absl::Status AsStridedMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, AsStridedOf(ctx, ctx.Tensor(0), 1));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::StatusOr<Dims> DiagonalSizes(MetaContext& ctx, const FakeTensor& self, int64_t offset, int64_t dim1_arg,
                                   int64_t dim2_arg) {
  ExprPool& pool = ctx.pool();
  KILN_ASSIGN_OR_RETURN(int dim1, ctx.WrapDim(dim1_arg, self.rank()));
  KILN_ASSIGN_OR_RETURN(int dim2, ctx.WrapDim(dim2_arg, self.rank()));
  if (dim1 == dim2) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("diagonal dimensions cannot be identical: ", dim1_arg, ", ", dim2_arg));
  }
  const Expr shift = pool.Int(offset < 0 ? -offset : offset);
  const Expr rows = offset < 0 ? pool.Sub(self.sizes[dim1], shift) : self.sizes[dim1];
  const Expr columns = offset < 0 ? self.sizes[dim2] : pool.Sub(self.sizes[dim2], shift);
  Dims sizes;
  for (int d = 0; d < self.rank(); ++d) {
    if (d != dim1 && d != dim2) sizes.push_back(self.sizes[d]);
  }
  sizes.push_back(ctx.env().Simplify(pool.Max(pool.Min(rows, columns), Expr(0))));
  return sizes;
}

absl::StatusOr<FakeTensor> DiagonalOf(MetaContext& ctx, const FakeTensor& self, int64_t offset, int64_t dim1_arg,
                                      int64_t dim2_arg) {
  ExprPool& pool = ctx.pool();
  KILN_ASSIGN_OR_RETURN(Dims sizes, DiagonalSizes(ctx, self, offset, dim1_arg, dim2_arg));
  KILN_ASSIGN_OR_RETURN(int dim1, ctx.WrapDim(dim1_arg, self.rank()));
  KILN_ASSIGN_OR_RETURN(int dim2, ctx.WrapDim(dim2_arg, self.rank()));
  Expr start = self.storage_offset;
  if (offset != 0) {
    KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, sizes.back(), "the diagonal is empty"));
    const Expr shift = pool.Int(offset < 0 ? -offset : offset);
    if (!empty) start = pool.Add(start, pool.Mul(shift, offset < 0 ? self.strides[dim1] : self.strides[dim2]));
  }
  Dims strides;
  for (int d = 0; d < self.rank(); ++d) {
    if (d != dim1 && d != dim2) strides.push_back(self.strides[d]);
  }
  strides.push_back(pool.Add(self.strides[dim1], self.strides[dim2]));
  return ctx.ViewOf(self, std::move(sizes), std::move(strides), start);
}

absl::Status DiagonalMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, DiagonalOf(ctx, ctx.Tensor(0), ctx.Int(1), ctx.Int(2), ctx.Int(3)));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status UnfoldMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  ExprPool& pool = ctx.pool();
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  const Expr size = pool.Int(ctx.Int(2)), step = pool.Int(ctx.Int(3));
  if (ctx.Int(2) < 0 || ctx.Int(3) <= 0)
    return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("unfold: size ", ctx.Int(2), " and step ", ctx.Int(3)));
  const Expr whole = self.rank() == 0 ? Expr(1) : self.sizes[dim];
  KILN_RETURN_IF_ERROR(ctx.env().Check(pool.Le(size, whole), "unfold fits",
                                       absl::StrCat("maximum size for tensor at dimension ", dim, " is ",
                                                    whole.ToString(), " but size is ", size.ToString())));
  Dims sizes = self.sizes, strides = self.strides;
  const Expr stride = self.rank() == 0 ? Expr(1) : strides[dim];
  if (self.rank() > 0) {
    sizes[dim] = pool.Add(pool.FloorDiv(pool.Sub(whole, size), step), Expr(1));
    strides[dim] = pool.Mul(step, stride);
  }
  sizes.push_back(size);
  strides.push_back(stride);
  return ReturnView(ctx, std::move(sizes), std::move(strides));
}

absl::Status CopyReturned(MetaContext& ctx) {
  for (MetaContext::Returned& slot : ctx.mutable_returned()) {
    for (FakeValue& value : slot.values) {
      const FakeTensor& view = std::get<FakeTensor>(value);
      FakeTensor copy = ctx.NewTensor(view.dtype, view.device, view.sizes);
      value = std::move(copy);
    }
  }
  return absl::OkStatus();
}

}  // namespace kiln
