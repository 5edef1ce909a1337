#include "fake_runtime/ops/loss_meta.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

// at::Reduction.
constexpr int64_t kReductionNone = 0;

int64_t Reduction(MetaContext& ctx) { return ctx.Int(ctx.schema().FindArg("reduction")); }

absl::Status ReturnNew(MetaContext& ctx, const FakeTensor& like, Dims sizes) {
  ctx.Return(ctx.NewTensor(like.dtype, like.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status CheckWeight(MetaContext& ctx, Expr classes) {
  const FakeTensor* weight = ctx.OptionalTensor(2);
  if (weight == nullptr) return absl::OkStatus();
  return ctx.CheckEqual(Numel(ctx.pool(), weight->sizes), classes, "the number of weights", "the number of classes");
}

// [N,C] or [C] with classes, or a scalar; N may be 0.
absl::Status CheckClasses(MetaContext& ctx, const FakeTensor& self) {
  if (self.rank() > 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("expected a vector or matrix with optional 0-dim batch size, but got ",
                                 DimsText(self.sizes)));
  }
  if (self.rank() == 0) return absl::OkStatus();
  return ctx.env().Check(ctx.pool().Ne(self.sizes.back(), Expr(0)), "there are classes",
                         absl::StrCat("expected a non-empty vector or matrix with optional 0-dim batch size, but got ",
                                      DimsText(self.sizes)));
}

}  // namespace

absl::Status NllLossForwardMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& target = ctx.Tensor(1);
  if (self.rank() < 1 || self.rank() > 2 || target.rank() > 1) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("nll_loss expects an input of rank 1 or 2 and a target of "
                                                              "rank 0 or 1 but got ", self.rank(), " and ", target.rank()));
  }
  const bool no_batch = self.rank() == 1 && target.rank() == 0;
  if (!no_batch) {
    if (target.rank() == 0) return ctx.Fail(ErrorReason::kShapeMismatch, "nll_loss: the target of a batch has rank 0");
    KILN_RETURN_IF_ERROR(ctx.CheckEqual(self.sizes[0], target.sizes[0], "input dim 0", "target dim 0"));
  }
  KILN_RETURN_IF_ERROR(CheckWeight(ctx, self.sizes.back()));
  const bool per_item = Reduction(ctx) == kReductionNone && self.rank() == 2;
  KILN_RETURN_IF_ERROR(ReturnNew(ctx, self, per_item ? Dims{self.sizes[0]} : Dims()));
  return ReturnNew(ctx, self, {});
}

absl::Status NllLossBackwardMeta(MetaContext& ctx) { return ReturnNew(ctx, ctx.Tensor(1), ctx.Tensor(1).sizes); }

absl::Status NllLoss2dForwardMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& target = ctx.Tensor(1);
  if (self.rank() != 4 || target.rank() != 3) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("nll_loss2d expects ranks 4 and 3 but got ", self.rank(),
                                                              " and ", target.rank()));
  }
  const Dims items = {self.sizes[0], self.sizes[2], self.sizes[3]};
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, items, target.sizes, "the input without its classes", "target"));
  KILN_RETURN_IF_ERROR(CheckWeight(ctx, self.sizes[1]));
  KILN_RETURN_IF_ERROR(ReturnNew(ctx, self, Reduction(ctx) == kReductionNone ? target.sizes : Dims()));
  return ReturnNew(ctx, self, {});
}

absl::Status MultiMarginLossMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& target = ctx.Tensor(1);
  KILN_RETURN_IF_ERROR(CheckClasses(ctx, self));
  if (target.rank() > 1) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("inconsistent target size: sizes ", DimsText(target.sizes),
                                                              " but one dimension is expected"));
  }
  const Expr items = self.rank() < 2 ? Expr(1) : self.sizes[0];
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(items, Numel(ctx.pool(), target.sizes), "the number of items", "that of targets"));
  if (target.dtype != DType::kInt64) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("the target must be int64 but is ", GetDTypeRow(target.dtype).name));
  }
  if (const FakeTensor* weight = ctx.OptionalTensor(4)) {
    const Expr classes = self.rank() == 0 ? Expr(1) : self.sizes.back();
    KILN_RETURN_IF_ERROR(ctx.CheckEqual(Numel(ctx.pool(), weight->sizes), classes, "the number of weights",
                                        "the number of classes"));
  }
  if (Reduction(ctx) != kReductionNone || ctx.Tensor(1).rank() == 0) return ReturnNew(ctx, self, {});
  return ReturnNew(ctx, self, ctx.Tensor(1).sizes);
}

absl::Status MultilabelMarginLossMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& target = ctx.Tensor(1);
  KILN_RETURN_IF_ERROR(CheckClasses(ctx, self));
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, self.sizes, target.sizes, "input", "target"));
  const bool per_item = Reduction(ctx) == kReductionNone && target.rank() > 1;
  KILN_RETURN_IF_ERROR(ReturnNew(ctx, self, per_item ? Dims{self.sizes[0]} : Dims()));
  return ReturnNew(ctx, self, target.sizes);
}

}  // namespace kiln
