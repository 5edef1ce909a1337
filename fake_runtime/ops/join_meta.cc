// Joins: cat, stack and those that see their tensors with more dimensions first.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/copy_meta.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/memory_format.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

// Tensors that take part in a cat: a 1-D tensor of no elements is passed over.
absl::StatusOr<std::vector<const FakeTensor*>> JoinedTensors(MetaContext& ctx,
                                                             const std::vector<const FakeTensor*>& tensors) {
  int rank = 1;
  for (const FakeTensor* t : tensors) rank = t->rank() != 1 ? t->rank() : rank;
  std::vector<const FakeTensor*> out;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const FakeTensor* t = tensors[i];
    if (t->rank() == 0) {
      return ctx.Fail(ErrorReason::kShapeMismatch,
                      absl::StrCat("zero-dimensional tensor (at position ", i, ") cannot be concatenated"));
    }
    if (t->rank() == 1) {
      KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, t->sizes[0], "an empty tensor is passed over"));
      if (empty) continue;
    }
    if (t->rank() != rank) {
      return ctx.Fail(ErrorReason::kShapeMismatch,
                      absl::StrCat("tensors must have the same number of dimensions, but tensor ", i, " has ",
                                   t->rank(), " and another ", rank));
    }
    out.push_back(t);
  }
  return out;
}

absl::StatusOr<MemoryFormat> JoinedFormat(MetaContext& ctx, const std::vector<const FakeTensor*>& tensors) {
  std::optional<MemoryFormat> format;
  for (const FakeTensor* t : tensors) {
    KILN_ASSIGN_OR_RETURN(MemoryFormat own, SuggestMemoryFormat(ctx, *t));
    if (own == MemoryFormat::kContiguous) return own;
    if (format.has_value() && *format != own) return MemoryFormat::kContiguous;
    format = own;
  }
  return format.value_or(MemoryFormat::kContiguous);
}

absl::StatusOr<DType> ListResultType(MetaContext& ctx, const std::vector<const FakeTensor*>& tensors) {
  Operands operands;
  for (const FakeTensor* t : tensors) operands.push_back({t, {}});
  return ResultType(ctx, operands);
}

absl::Status ReturnJoined(MetaContext& ctx, const std::vector<const FakeTensor*>& tensors, int64_t along) {
  if (tensors.empty()) return ctx.Fail(ErrorReason::kBadArgumentValue, "cat expects a non-empty list of tensors");
  KILN_ASSIGN_OR_RETURN(std::vector<const FakeTensor*> joined, JoinedTensors(ctx, tensors));
  KILN_ASSIGN_OR_RETURN(DType dtype, ListResultType(ctx, tensors));
  KILN_ASSIGN_OR_RETURN(MemoryFormat format, JoinedFormat(ctx, tensors));
  if (joined.empty()) {
    ctx.Return(ctx.NewTensor(dtype, tensors[0]->device, {Expr(0)}));
    return absl::OkStatus();
  }
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(along, joined[0]->rank()));
  Dims sizes = joined[0]->sizes;
  std::vector<Expr> lengths = {sizes[dim]};
  for (size_t i = 1; i < joined.size(); ++i) {
    for (int d = 0; d < joined[0]->rank(); ++d) {
      if (d == dim) continue;
      KILN_RETURN_IF_ERROR(ctx.CheckEqual(sizes[d], joined[i]->sizes[d], absl::StrCat("dim ", d, " of tensor 0"),
                                          absl::StrCat("of tensor ", i)));
    }
    lengths.push_back(joined[i]->sizes[dim]);
  }
  sizes[dim] = ctx.pool().Add(absl::MakeConstSpan(lengths));
  KILN_ASSIGN_OR_RETURN(Dims strides, StridesOfFormat(ctx, format, sizes));
  ctx.Return(ctx.NewTensor(dtype, joined[0]->device, std::move(sizes), std::move(strides)));
  return absl::OkStatus();
}

// unsqueeze.
FakeTensor WithDimension(MetaContext& ctx, FakeTensor t, int dim) {
  const Expr stride = dim >= t.rank() ? Expr(1) : ctx.pool().Mul(t.sizes[dim], t.strides[dim]);
  t.sizes.insert(t.sizes.begin() + dim, Expr(1));
  t.strides.insert(t.strides.begin() + dim, stride);
  return t;
}

// atleast_1d, _2d, _3d: of [], [n] and [n,m] the third makes [1,1,1], [1,n,1] and [n,m,1].
FakeTensor AtLeast(MetaContext& ctx, int rank, FakeTensor t) {
  if (t.rank() == 0) t = WithDimension(ctx, std::move(t), 0);
  if (rank >= 2 && t.rank() == 1) t = WithDimension(ctx, std::move(t), 0);
  if (rank >= 3 && t.rank() == 2) t = WithDimension(ctx, std::move(t), 2);
  return t;
}

absl::Status ReturnRaisedAndJoined(MetaContext& ctx, int rank, int64_t along) {
  std::vector<FakeTensor> raised;
  for (const FakeTensor* t : ctx.TensorList(0)) raised.push_back(AtLeast(ctx, rank, *t));
  std::vector<const FakeTensor*> tensors;
  for (const FakeTensor& t : raised) tensors.push_back(&t);
  return ReturnJoined(ctx, tensors, along);
}

}  // namespace

absl::Status CatMeta(MetaContext& ctx) { return ReturnJoined(ctx, ctx.TensorList(0), ctx.Int(1)); }

absl::Status HstackMeta(MetaContext& ctx) {
  const std::vector<const FakeTensor*> tensors = ctx.TensorList(0);
  const bool of_vectors = !tensors.empty() && tensors[0]->rank() < 2;
  return ReturnRaisedAndJoined(ctx, 1, of_vectors ? 0 : 1);
}

absl::Status VstackMeta(MetaContext& ctx) { return ReturnRaisedAndJoined(ctx, 2, 0); }

absl::Status DstackMeta(MetaContext& ctx) { return ReturnRaisedAndJoined(ctx, 3, 2); }

absl::Status StackMeta(MetaContext& ctx) {
  const std::vector<const FakeTensor*> tensors = ctx.TensorList(0);
  if (tensors.empty()) return ctx.Fail(ErrorReason::kBadArgumentValue, "stack expects a non-empty list of tensors");
  for (size_t i = 1; i < tensors.size(); ++i) {
    KILN_RETURN_IF_ERROR(
        CheckSameSizes(ctx, tensors[0]->sizes, tensors[i]->sizes, "tensor 0", absl::StrCat("tensor ", i)));
  }
  KILN_ASSIGN_OR_RETURN(DType dtype, ListResultType(ctx, tensors));
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), tensors[0]->rank() + 1));
  Dims sizes = tensors[0]->sizes;
  sizes.insert(sizes.begin() + dim, Expr(static_cast<int64_t>(tensors.size())));
  ctx.Return(ctx.NewTensor(dtype, tensors[0]->device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status BlockDiagMeta(MetaContext& ctx) {
  const std::vector<const FakeTensor*> tensors = ctx.TensorList(0);
  if (tensors.empty()) return ctx.Fail(ErrorReason::kBadArgumentValue, "block_diag expects a non-empty list");
  KILN_ASSIGN_OR_RETURN(DType dtype, ListResultType(ctx, tensors));
  Expr rows(0), columns(0);
  for (const FakeTensor* t : tensors) {
    if (t->rank() > 2) {
      return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("block_diag of a tensor of rank ", t->rank()));
    }
    rows = ctx.pool().Add(rows, t->rank() < 2 ? Expr(1) : t->sizes[0]);
    columns = ctx.pool().Add(columns, t->rank() == 0 ? Expr(1) : t->sizes.back());
  }
  ctx.Return(ctx.NewTensor(dtype, tensors[0]->device, {rows, columns}));
  return absl::OkStatus();
}

}  // namespace kiln
