#include "fake_runtime/ops/copy_meta.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/broadcast.h"
#include "fake_runtime/ops/creation_meta.h"
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
  return CopyOptions(ctx, FormatOption(ctx), DTypeOption(ctx).value_or(self.dtype), DeviceOption(ctx, self.device));
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

// Two parts of it after one another, laid out as cat does (PyTorch: roll in
// TensorTransformations.cpp); without dimensions, parts of it as one line.
absl::Status RollMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  for (int64_t dim : ctx.Ints(2)) KILN_RETURN_IF_ERROR(ctx.WrapDim(dim, self.rank()).status());
  KILN_ASSIGN_OR_RETURN(FakeTensor out, EmptyLike(ctx, self, self.dtype));
  const bool is_empty = std::any_of(self.sizes.begin(), self.sizes.end(), [](Expr size) { return size.IsInt(0); });
  if (!is_empty) {
    MemoryFormat format = MemoryFormat::kContiguous;
    if (!ctx.Ints(2).empty()) {
      KILN_ASSIGN_OR_RETURN(format, SuggestMemoryFormat(ctx, self));
    }
    KILN_ASSIGN_OR_RETURN(out.strides, StridesOfFormat(ctx, format, self.sizes));
  }
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

}  // namespace kiln
