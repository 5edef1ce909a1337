// _embedding_bag: sums, means or maxima of bags of embedding rows.
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/indexing_meta.h"

namespace kiln {
namespace {

// The modes of at::native::_embedding_bag.
constexpr int64_t kModeSum = 0;
constexpr int64_t kModeMax = 2;

// offset2bag, bag_size and max_indices.
void ReturnCpuMaps(MetaContext& ctx, Expr bags) {
  const FakeTensor& weight = ctx.Tensor(0);
  const FakeTensor& indices = ctx.Tensor(1);
  const FakeTensor& offsets = ctx.Tensor(2);
  const FakeTensor* scales = ctx.OptionalTensor(6);
  const int64_t mode = ctx.Int(4);
  auto returns = [&](Dims sizes) { ctx.Return(ctx.NewTensor(offsets.dtype, offsets.device, std::move(sizes))); };
  // The kernel sums without a map from rows to bags where rows are plain.
  const bool plain_type = weight.dtype == DType::kFloat32 || weight.dtype == DType::kFloat16;
  const bool plain_rows = plain_type && weight.strides[1].IsInt(1) && ctx.Int(8) < 0 &&
                          (scales == nullptr || scales->strides[0].IsInt(1));
  returns({mode == kModeSum && plain_rows ? Expr(0) : indices.sizes[0]});
  // The forward-only twin counts the end as a bag as well.
  const bool forward_only = absl::StartsWith(ctx.schema().name, "aten._embedding_bag_forward_only.");
  returns({forward_only ? offsets.sizes[0] : bags});
  returns(mode == kModeMax ? Dims{bags, weight.sizes[1]} : Dims{bags});
}

void ReturnDeviceMaps(MetaContext& ctx, Expr bags) {
  const FakeTensor& indices = ctx.Tensor(1);
  auto returns = [&](Dims sizes) { ctx.Return(ctx.NewTensor(indices.dtype, indices.device, std::move(sizes))); };
  returns({indices.sizes[0]});
  returns({ctx.Tensor(2).sizes[0]});
  returns(ctx.Int(4) == kModeMax ? Dims{bags, ctx.Tensor(0).sizes[1]} : Dims{Expr(0)});
}

}  // namespace

absl::Status EmbeddingBagMeta(MetaContext& ctx) {
  const FakeTensor& weight = ctx.Tensor(0);
  const FakeTensor& indices = ctx.Tensor(1);
  const FakeTensor& offsets = ctx.Tensor(2);
  const int64_t mode = ctx.Int(4);
  if (weight.rank() != 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("embedding weight must have rank 2 but has rank ", weight.rank()));
  }
  if (offsets.rank() != 1) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("offsets must have rank 1 but have rank ", offsets.rank()));
  }
  if (indices.rank() == 0) return ctx.Fail(ErrorReason::kShapeMismatch, "indices must have a dimension");
  if (mode < kModeSum || mode > kModeMax) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("mode is ", mode, " but must be 0, 1 or 2"));
  }
  const FakeTensor* scales = ctx.OptionalTensor(6);
  if (scales != nullptr && scales->rank() == 0)
    return ctx.Fail(ErrorReason::kShapeMismatch, "per_sample_weights must have a dimension");
  if (scales != nullptr && mode != kModeSum)
    return ctx.Fail(ErrorReason::kBadArgumentValue, "per_sample_weights need mode 0 (sum)");
  if (scales != nullptr) {
    KILN_RETURN_IF_ERROR(ctx.CheckEqual(Numel(ctx.pool(), scales->sizes), Numel(ctx.pool(), indices.sizes),
                                        "the number of per_sample_weights", "that of indices"));
  }
  Expr bags = offsets.sizes[0];
  // With it, the last offset is the end and starts no bag.
  const bool include_last_offset = ctx.Bool(7);
  if (include_last_offset) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(bags, Expr(1)), "there is a last offset",
                                         "include_last_offset needs at least one offset"));
    bags = ctx.pool().Sub(bags, Expr(1));
  }
  ctx.Return(ctx.NewTensor(weight.dtype, weight.device, {bags, weight.sizes[1]}));
  if (offsets.device.is_cpu()) {
    ReturnCpuMaps(ctx, bags);
  } else {
    ReturnDeviceMaps(ctx, bags);
  }
  return absl::OkStatus();
}

}  // namespace kiln
