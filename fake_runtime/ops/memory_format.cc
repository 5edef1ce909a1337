#include "fake_runtime/ops/memory_format.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

// at::is_channels_last_strides_2d/3d: strides grow along the dimensions C, the
// spatial ones from the last, N.
absl::StatusOr<bool> StridesLikeChannelsLast(MetaContext& ctx, const FakeTensor& t) {
  ExprPool& pool = ctx.pool();
  KILN_ASSIGN_OR_RETURN(bool flat, GuardZero(ctx, t.strides[1], "channels-last strides"));
  if (flat) return false;
  absl::InlinedVector<int, 5> order = {1};
  for (int d = t.rank() - 1; d >= 2; --d) order.push_back(d);
  order.push_back(0);
  Expr least(0);
  for (int d : order) {
    KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, t.sizes[d], "channels-last strides"));
    if (empty) return false;
    KILN_ASSIGN_OR_RETURN(bool smaller, GuardLess(ctx, t.strides[d], least, "channels-last strides"));
    if (smaller) return false;
    // Of an N111 tensor and a contiguous one the strides alone do not tell which
    // it is; contiguous is the default.
    if (d == 0) {
      KILN_ASSIGN_OR_RETURN(bool ambiguous, GuardEqual(ctx, least, t.strides[1], "channels-last strides"));
      if (ambiguous) return false;
    }
    // The size is 1 or more by now, so that whether it is 1 need not be asked.
    least = pool.Mul(t.strides[d], t.sizes[d]);
  }
  return true;
}

}  // namespace

absl::StatusOr<MemoryFormat> SuggestMemoryFormat(MetaContext& ctx, const FakeTensor& t) {
  if (t.rank() != 4 && t.rank() != 5) return MemoryFormat::kContiguous;
  KILN_ASSIGN_OR_RETURN(bool channels_last, StridesLikeChannelsLast(ctx, t));
  if (!channels_last) return MemoryFormat::kContiguous;
  return t.rank() == 4 ? MemoryFormat::kChannelsLast : MemoryFormat::kChannelsLast3d;
}

absl::StatusOr<Dims> StridesOfFormat(MetaContext& ctx, MemoryFormat format, absl::Span<const Expr> sizes) {
  const int wanted = format == MemoryFormat::kChannelsLast ? 4 : format == MemoryFormat::kChannelsLast3d ? 5 : 0;
  if (wanted == 0) return ContiguousStrides(ctx.env(), sizes);
  if (static_cast<int>(sizes.size()) != wanted) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("required rank ", wanted, " tensor to use a channels-last format but got rank ", sizes.size()));
  }
  return ChannelsLastStrides(ctx.env(), sizes);
}

absl::StatusOr<Dims> StridesLike(MetaContext& ctx, const FakeTensor& t, std::optional<MemoryFormat> format) {
  if (!format.has_value() || *format == MemoryFormat::kPreserve) return PreservedStrides(ctx, t);
  return StridesOfFormat(ctx, *format, t.sizes);
}

absl::StatusOr<FakeTensor> NewInFormatOf(MetaContext& ctx, const FakeTensor& t, DType dtype, Dims sizes) {
  KILN_ASSIGN_OR_RETURN(MemoryFormat format, SuggestMemoryFormat(ctx, t));
  KILN_ASSIGN_OR_RETURN(Dims strides, StridesOfFormat(ctx, format, sizes));
  return ctx.NewTensor(dtype, t.device, std::move(sizes), std::move(strides));
}

}  // namespace kiln
