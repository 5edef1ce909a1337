#include "fake_runtime/ops/copy_meta.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/broadcast.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/memory_format.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::Status ReturnNew(MetaContext& ctx, const FakeTensor& like, Dims sizes) {
  ctx.Return(ctx.NewTensor(like.dtype, like.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status CheckBroadcastsTo(MetaContext& ctx, absl::Span<const Expr> from, absl::Span<const Expr> to) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, BroadcastSizes(ctx, to, from));
  return CheckSameSizes(ctx, sizes, to, "the source as broadcast", "self");
}

absl::Status CopyOptions(MetaContext& ctx, std::optional<MemoryFormat> format, DType dtype, const Device& device) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(Dims strides, StridesLike(ctx, self, format));
  FakeTensor out = ctx.NewTensor(dtype, device, self.sizes, std::move(strides));
  if (dtype == self.dtype && device.is_cpu()) out.constant = self.constant;
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

}  // namespace

absl::Status CloneMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  return CopyOptions(ctx, ctx.OptionalMemoryFormat(1), self.dtype, self.device);
}

absl::Status ToCopyMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const OpSchema& schema = ctx.schema();
  return CopyOptions(ctx, ctx.OptionalMemoryFormat(schema.FindArg("memory_format")),
                     ctx.OptionalDType(schema.FindArg("dtype")).value_or(self.dtype),
                     ctx.OptionalDevice(schema.FindArg("device")).value_or(self.device));
}

absl::Status ConvertElementTypeMeta(MetaContext& ctx) {
  return CopyOptions(ctx, std::nullopt, *ctx.OptionalDType(1), ctx.Tensor(0).device);
}

absl::Status CopyMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckBroadcastsTo(ctx, ctx.Tensor(1).sizes, ctx.Tensor(0).sizes));
  KILN_ASSIGN_OR_RETURN(FakeTensor out, CloneWithGaps(ctx, ctx.Tensor(0)));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status CopyInPlaceMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckBroadcastsTo(ctx, ctx.Tensor(1).sizes, ctx.Tensor(0).sizes));
  return WriteSelfMeta(ctx);
}

absl::Status LiftFreshCopyMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  return CopyOptions(ctx, std::nullopt, self.dtype, self.device);
}

absl::Status FillMeta(MetaContext& ctx) {
  if (ctx.num_args() > 1 && ctx.IsTensor(1) && ctx.Tensor(1).rank() != 0) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("fill takes a 0-dim value tensor but got rank ", ctx.Tensor(1).rank()));
  }
  KILN_ASSIGN_OR_RETURN(FakeTensor out, EmptyLike(ctx, ctx.Tensor(0), ctx.Tensor(0).dtype));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status WriteSelfMeta(MetaContext& ctx) {
  FakeTensor out = ctx.Tensor(0);
  out.constant.reset();
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

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

absl::Status CheckOneDevice(MetaContext& ctx, const std::vector<const FakeTensor*>& tensors) {
  for (const FakeTensor* t : tensors) {
    if (t->device == tensors[0]->device) continue;
    return ctx.Fail(ErrorReason::kDeviceMismatch, absl::StrCat("found two different devices, ",
                                                               tensors[0]->device.ToString(), " and ",
                                                               t->device.ToString()));
  }
  return absl::OkStatus();
}

absl::StatusOr<DType> ListResultType(MetaContext& ctx, const std::vector<const FakeTensor*>& tensors) {
  Operands operands;
  for (const FakeTensor* t : tensors) operands.push_back({t, {}});
  return ResultType(ctx, operands);
}

}  // namespace

absl::Status CatMeta(MetaContext& ctx) {
  const std::vector<const FakeTensor*> tensors = ctx.TensorList(0);
  if (tensors.empty()) return ctx.Fail(ErrorReason::kBadArgumentValue, "cat expects a non-empty list of tensors");
  KILN_RETURN_IF_ERROR(CheckOneDevice(ctx, tensors));
  KILN_ASSIGN_OR_RETURN(std::vector<const FakeTensor*> joined, JoinedTensors(ctx, tensors));
  KILN_ASSIGN_OR_RETURN(DType dtype, ListResultType(ctx, tensors));
  KILN_ASSIGN_OR_RETURN(MemoryFormat format, JoinedFormat(ctx, tensors));
  if (joined.empty()) {
    ctx.Return(ctx.NewTensor(dtype, tensors[0]->device, {Expr(0)}));
    return absl::OkStatus();
  }
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), joined[0]->rank()));
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

absl::Status StackMeta(MetaContext& ctx) {
  const std::vector<const FakeTensor*> tensors = ctx.TensorList(0);
  if (tensors.empty()) return ctx.Fail(ErrorReason::kBadArgumentValue, "stack expects a non-empty list of tensors");
  KILN_RETURN_IF_ERROR(CheckOneDevice(ctx, tensors));
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

absl::Status RepeatMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  Dims sizes = ctx.SymInts(1);
  const int skip = static_cast<int>(sizes.size()) - self.rank();
  if (skip < 0) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("repeat: ", sizes.size(),
                                                                 " repeats for a tensor of rank ", self.rank()));
  }
  for (size_t d = 0; d < sizes.size(); ++d) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(sizes[d], Expr(0)), "repeats are not negative",
                                         absl::StrCat("repeat of ", sizes[d].ToString(), " at dimension ", d)));
    if (static_cast<int>(d) >= skip) sizes[d] = ctx.pool().Mul(sizes[d], self.sizes[d - skip]);
  }
  return ReturnNew(ctx, self, std::move(sizes));
}

absl::Status FlipMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(ctx.WrapDims(ctx.Ints(1), self.rank()).status());
  KILN_ASSIGN_OR_RETURN(FakeTensor out, EmptyLike(ctx, self, self.dtype));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status RollMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  for (int64_t dim : ctx.Ints(2)) KILN_RETURN_IF_ERROR(ctx.WrapDim(dim, self.rank()).status());
  KILN_ASSIGN_OR_RETURN(FakeTensor out, EmptyLike(ctx, self, self.dtype));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status Rot90Meta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() < 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("rot90 expects rank >= 2 but got ", self.rank()));
  }
  KILN_ASSIGN_OR_RETURN(auto dims, ctx.WrapDims(ctx.Ints(2), self.rank()));
  if (dims.size() != 2) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("rot90 takes 2 dimensions but got ", dims.size()));
  }
  const int64_t turns = ctx.Int(1);
  if (turns % 4 == 0) {
    ctx.Return(ctx.NewTensor(self.dtype, self.device, self.sizes));
    return absl::OkStatus();
  }
  // A flipped copy, for a quarter turn seen transposed: laid out before it is turned.
  KILN_ASSIGN_OR_RETURN(FakeTensor out, EmptyLike(ctx, self, self.dtype));
  if (turns % 2 != 0) {
    std::swap(out.sizes[dims[0]], out.sizes[dims[1]]);
    std::swap(out.strides[dims[0]], out.strides[dims[1]]);
  }
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status TriangleMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() < 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("input tensor must have at least 2 dimensions but has ", self.rank()));
  }
  return ReturnNew(ctx, self, self.sizes);
}

absl::Status DiagEmbedMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kShapeMismatch, "diag_embed needs at least one dimension");
  const int64_t offset = ctx.Int(1);
  KILN_ASSIGN_OR_RETURN(int dim1, ctx.WrapDim(ctx.Int(2), self.rank() + 1));
  KILN_ASSIGN_OR_RETURN(int dim2, ctx.WrapDim(ctx.Int(3), self.rank() + 1));
  if (dim1 == dim2) return ctx.Fail(ErrorReason::kBadArgumentValue, "diagonal dimensions cannot be identical");
  const Expr side = ctx.pool().Add(self.sizes.back(), ctx.pool().Int(offset < 0 ? -offset : offset));
  Dims sizes(self.sizes.begin(), self.sizes.end() - 1);
  for (int dim : {std::min(dim1, dim2), std::max(dim1, dim2)}) sizes.insert(sizes.begin() + dim, side);
  return ReturnNew(ctx, self, std::move(sizes));
}

absl::Status PixelShuffleMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const int64_t factor = ctx.Int(1);
  if (self.rank() < 3 || factor <= 0) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("pixel_shuffle of rank ", self.rank(), " by factor ", factor));
  }
  ExprPool& pool = ctx.pool();
  const int c = self.rank() - 3;
  const Expr square = pool.Mul(pool.Int(factor), pool.Int(factor));
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      pool.Eq(pool.Mod(self.sizes[c], square), Expr(0)), "channels divisible by the square of the factor",
      absl::StrCat("channels are ", self.sizes[c].ToString(), " but must be divisible by ", square.ToString())));
  Dims sizes = self.sizes;
  sizes[c] = pool.FloorDiv(sizes[c], square);
  sizes[c + 1] = pool.Mul(sizes[c + 1], pool.Int(factor));
  sizes[c + 2] = pool.Mul(sizes[c + 2], pool.Int(factor));
  KILN_ASSIGN_OR_RETURN(FakeTensor out, NewInFormatOf(ctx, self, self.dtype, std::move(sizes)));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status PixelUnshuffleMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const int64_t factor = ctx.Int(1);
  if (self.rank() < 3 || factor <= 0) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("pixel_unshuffle of rank ", self.rank(), " by factor ", factor));
  }
  ExprPool& pool = ctx.pool();
  const int c = self.rank() - 3;
  Dims sizes = self.sizes;
  for (int d : {c + 1, c + 2}) {
    KILN_RETURN_IF_ERROR(
        ctx.env().Check(pool.Eq(pool.Mod(sizes[d], pool.Int(factor)), Expr(0)), "side divisible by the factor",
                        absl::StrCat("dim ", d, " is ", sizes[d].ToString(), ", not divisible by ", factor)));
    sizes[d] = pool.FloorDiv(sizes[d], pool.Int(factor));
  }
  sizes[c] = pool.Mul(sizes[c], pool.Mul(pool.Int(factor), pool.Int(factor)));
  return ReturnNew(ctx, self, std::move(sizes));
}

absl::Status ChannelShuffleMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const Expr groups = ctx.SymInt(1);
  if (self.rank() < 3) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("channel_shuffle expects rank > 2 but got ", self.rank()));
  }
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      ctx.pool().Eq(ctx.pool().Mod(self.sizes[1], groups), Expr(0)), "channels divisible by groups",
      absl::StrCat("channels are ", self.sizes[1].ToString(), " but groups are ", groups.ToString())));
  KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, Numel(ctx.pool(), self.sizes), "there is nothing to shuffle"));
  if (empty) {
    ctx.Return(ctx.ViewOf(self, self.sizes, self.strides, self.storage_offset));
    return absl::OkStatus();
  }
  KILN_ASSIGN_OR_RETURN(FakeTensor out, NewInFormatOf(ctx, self, self.dtype, self.sizes));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status BlockDiagMeta(MetaContext& ctx) {
  const std::vector<const FakeTensor*> tensors = ctx.TensorList(0);
  if (tensors.empty()) return ctx.Fail(ErrorReason::kBadArgumentValue, "block_diag expects a non-empty list");
  KILN_RETURN_IF_ERROR(CheckOneDevice(ctx, tensors));
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
