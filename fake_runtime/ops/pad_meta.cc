// Padding operators.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/copy_meta.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/memory_format.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

// `pad` counts from the last dimension: [left, right] of it, of the one before.
absl::StatusOr<Dims> PaddedSizes(MetaContext& ctx, const FakeTensor& self, absl::Span<const Expr> pad) {
  const int pairs = static_cast<int>(pad.size()) / 2;
  if (pad.size() % 2 != 0 || pairs > self.rank()) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("padding ", DimsText(pad), " does not fit a tensor of rank ", self.rank()));
  }
  Dims sizes = self.sizes;
  for (int i = 0; i < pairs; ++i) {
    const int d = self.rank() - 1 - i;
    sizes[d] = ctx.pool().Add(ctx.pool().Add(sizes[d], pad[2 * i]), pad[2 * i + 1]);
  }
  return sizes;
}

bool OnlyCrops(absl::Span<const Expr> pad) {
  return std::all_of(pad.begin(), pad.end(), [](Expr e) { return e.AsInt().value_or(1) <= 0; });
}

absl::Status CheckPadded(MetaContext& ctx, const FakeTensor& self, const Dims& sizes, int from, int64_t least) {
  for (int d = from; d < self.rank(); ++d) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(
        ctx.pool().Ge(sizes[d], Expr(least)), "padded size is not too small",
        absl::StrCat("input size ", self.sizes[d].ToString(), " of dimension ", d, " with this padding gives ",
                     sizes[d].ToString())));
  }
  return absl::OkStatus();
}

// Cropping comes before padding, so it finds no more than the input.
absl::Status CheckCropped(MetaContext& ctx, const FakeTensor& self, absl::Span<const Expr> pad) {
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    Expr left = self.sizes[self.rank() - 1 - i];
    for (Expr side : {pad[2 * i], pad[2 * i + 1]}) {
      KILN_ASSIGN_OR_RETURN(bool crops, GuardLess(ctx, side, Expr(0), "padding crops"));
      if (!crops) continue;
      left = ctx.pool().Add(left, side);
      KILN_RETURN_IF_ERROR(ctx.env().Check(
          ctx.pool().Ge(left, Expr(0)), "what is cropped is there",
          absl::StrCat("padding ", DimsText(pad), " crops a dimension to ", left.ToString(), " elements")));
    }
  }
  return absl::OkStatus();
}

absl::Status SpatialPad(MetaContext& ctx, bool reflection) {
  const FakeTensor& self = ctx.Tensor(0);
  const Dims pad = ctx.SymInts(1);
  const int spatial = static_cast<int>(pad.size()) / 2;
  if (self.rank() != spatial + 1 && self.rank() != spatial + 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("padding of ", spatial, " dimensions of a tensor of rank ",
                                                              self.rank()));
  }
  for (int d = self.rank() - spatial - 1; d < self.rank(); ++d) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ne(self.sizes[d], Expr(0)), "only the batch may be empty",
                                         absl::StrCat("input dimension ", d, " has size ", self.sizes[d].ToString())));
  }
  KILN_ASSIGN_OR_RETURN(Dims sizes, PaddedSizes(ctx, self, pad));
  for (int i = 0; reflection && i < static_cast<int>(pad.size()); ++i) {
    const Expr size = self.sizes[self.rank() - 1 - i / 2];
    KILN_RETURN_IF_ERROR(ctx.env().Check(
        ctx.pool().Lt(pad[i], size), "reflection padding is less than the input",
        absl::StrCat("padding ", pad[i].ToString(), " should be less than the input dimension ", size.ToString())));
  }
  KILN_RETURN_IF_ERROR(CheckPadded(ctx, self, sizes, self.rank() - spatial, 1));
  // On processors, and of images alone.
  if (spatial == 2 && self.device.is_cpu()) {
    KILN_ASSIGN_OR_RETURN(FakeTensor out, NewInFormatOf(ctx, self, self.dtype, std::move(sizes)));
    ctx.Return(std::move(out));
  } else {
    ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ConstantPadMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const Dims pad = ctx.SymInts(1);
  KILN_ASSIGN_OR_RETURN(Dims sizes, PaddedSizes(ctx, self, pad));
  KILN_RETURN_IF_ERROR(CheckCropped(ctx, self, pad));
  KILN_RETURN_IF_ERROR(CheckPadded(ctx, self, sizes, self.rank() - static_cast<int>(pad.size()) / 2, 0));
  if (OnlyCrops(pad)) {
    // What is left is cloned as it lies.
    FakeTensor cropped = ctx.ViewOf(self, sizes, self.strides, self.storage_offset);
    KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, Numel(ctx.pool(), sizes), "nothing is left"));
    Dims strides = self.strides;
    if (!empty) {
      KILN_ASSIGN_OR_RETURN(strides, PreservedStrides(ctx, cropped));
    }
    ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes), std::move(strides)));
    return absl::OkStatus();
  }
  KILN_ASSIGN_OR_RETURN(FakeTensor out, NewInFormatOf(ctx, self, self.dtype, std::move(sizes)));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status ReflectionPadMeta(MetaContext& ctx) { return SpatialPad(ctx, true); }

absl::Status ReplicationPadMeta(MetaContext& ctx) { return SpatialPad(ctx, false); }

}  // namespace kiln
