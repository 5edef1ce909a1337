// Operators that give a tensor other sizes in its storage, or another storage.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/copy_meta.h"
#include "fake_runtime/ops/memory_format.h"

namespace kiln {
namespace {

absl::Status CheckNotNegative(MetaContext& ctx, const Dims& sizes) {
  for (Expr size : sizes) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(size, Expr(0)), "a size is not negative",
                                         absl::StrCat("size ", size.ToString(), " is negative")));
  }
  return absl::OkStatus();
}

// at::native::resize_: sizes that are the same leave the strides as they are,
// unless a memory format asks for others.
absl::Status Resize(MetaContext& ctx, Dims sizes, std::optional<MemoryFormat> format) {
  if (format == MemoryFormat::kPreserve) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, "resize_ does not take the memory format preserve");
  }
  KILN_RETURN_IF_ERROR(CheckNotNegative(ctx, sizes));
  FakeTensor out = ctx.Tensor(0);
  out.constant.reset();
  if (!(out.sizes == sizes) || format.value_or(MemoryFormat::kContiguous) != MemoryFormat::kContiguous) {
    out.sizes = std::move(sizes);
    KILN_ASSIGN_OR_RETURN(out.strides,
                          StridesOfFormat(ctx, format.value_or(MemoryFormat::kContiguous), out.sizes));
  }
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

// Row-major, where a dimension of size 0 makes strides 0.
Dims PlainStrides(MetaContext& ctx, const Dims& sizes) {
  Dims strides(sizes.size());
  Expr next(1);
  for (int d = static_cast<int>(sizes.size()) - 1; d >= 0; --d) {
    strides[d] = next;
    next = ctx.pool().Mul(next, sizes[d]);
  }
  return strides;
}

absl::Status CheckSameDevice(MetaContext& ctx, const FakeTensor& self, const FakeTensor& source) {
  if (self.device == source.device) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDeviceMismatch,
                  absl::StrCat("attempted to set the storage of a tensor on device ", self.device.ToString(),
                               " to a storage on ", source.device.ToString()));
}

}  // namespace

absl::Status ResizeMeta(MetaContext& ctx) { return Resize(ctx, ctx.SymInts(1), ctx.OptionalMemoryFormat(2)); }

absl::Status ResizeAsMeta(MetaContext& ctx) {
  const std::optional<MemoryFormat> format = ctx.OptionalMemoryFormat(2);
  if (format != MemoryFormat::kPreserve) return Resize(ctx, ctx.Tensor(1).sizes, format);
  KILN_ASSIGN_OR_RETURN(MemoryFormat suggested, SuggestMemoryFormat(ctx, ctx.Tensor(1)));
  return Resize(ctx, ctx.Tensor(1).sizes, suggested);
}

// A storage of no bytes.
absl::Status SetEmptyMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  ctx.Return(ctx.NewTensor(self.dtype, self.device, {Expr(0)}));
  return absl::OkStatus();
}

absl::Status SetSourceMeta(MetaContext& ctx) {
  const FakeTensor& source = ctx.Tensor(1);
  KILN_RETURN_IF_ERROR(CheckSameDevice(ctx, ctx.Tensor(0), source));
  FakeTensor out = ctx.ViewOf(source, source.sizes, source.strides, source.storage_offset);
  out.dtype = ctx.Tensor(0).dtype;
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status SetSourceStridedMeta(MetaContext& ctx) {
  const FakeTensor& source = ctx.Tensor(1);
  KILN_RETURN_IF_ERROR(CheckSameDevice(ctx, ctx.Tensor(0), source));
  Dims sizes = ctx.SymInts(3), strides = ctx.SymInts(4);
  KILN_RETURN_IF_ERROR(CheckNotNegative(ctx, sizes));
  KILN_ASSIGN_OR_RETURN(bool contiguous, TestContiguous(ctx.env(), source));
  if (!contiguous) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("a tensor to be used as storage must be contiguous, but is ", source.ToString()));
  }
  if (strides.empty()) strides = PlainStrides(ctx, sizes);
  if (strides.size() != sizes.size()) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("set_: ", sizes.size(), " sizes but ", strides.size(), " strides"));
  }
  KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(ctx.SymInt(2), Expr(0)), "the storage offset is not negative",
                                       absl::StrCat("invalid storage offset ", ctx.SymInt(2).ToString())));
  // Counted from where the source begins.
  const Expr offset = ctx.pool().Add(source.storage_offset, ctx.SymInt(2));
  FakeTensor out = ctx.ViewOf(source, std::move(sizes), std::move(strides), offset);
  out.dtype = ctx.Tensor(0).dtype;
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

}  // namespace kiln
