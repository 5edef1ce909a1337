#include "fake_runtime/ops/statistics_meta.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/reduction_meta.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::Status CheckBins(MetaContext& ctx, int64_t bins) {
  if (bins > 0) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("bins must be positive but is ", bins));
}

// One dimension of the points, the last of `self`, for each list of bins.
absl::Status CheckPoints(MetaContext& ctx, size_t bins) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() < 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("points must have 2 dimensions but have ", self.rank()));
  }
  return ctx.CheckEqual(self.sizes.back(), Expr(static_cast<int64_t>(bins)), "the last dimension of self",
                        "the number of bins");
}

}  // namespace

absl::Status HistogramCountMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const int64_t bins = ctx.Int(1);
  KILN_RETURN_IF_ERROR(CheckBins(ctx, bins));
  ctx.Return(ctx.NewTensor(self.dtype, self.device, {ctx.pool().Int(bins)}));
  ctx.Return(ctx.NewTensor(self.dtype, self.device, {ctx.pool().Add(ctx.pool().Int(bins), Expr(1))}));
  return absl::OkStatus();
}

absl::Status HistogramBinsMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& bins = ctx.Tensor(1);
  if (bins.rank() != 1) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("bins must have rank 1 but have rank ", bins.rank()));
  }
  KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(bins.sizes[0], Expr(1)), "there is an edge",
                                       "bins must have an edge at least"));
  ctx.Return(ctx.NewTensor(self.dtype, self.device, {ctx.pool().Sub(bins.sizes[0], Expr(1))}));
  ctx.Return(ctx.NewTensor(self.dtype, self.device, bins.sizes));
  return absl::OkStatus();
}

absl::Status HistogramddEdgesMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const std::vector<int64_t> bins = ctx.Ints(1);
  KILN_RETURN_IF_ERROR(CheckPoints(ctx, bins.size()));
  std::vector<FakeValue> edges;
  for (int64_t n : bins) {
    KILN_RETURN_IF_ERROR(CheckBins(ctx, n));
    edges.push_back(ctx.NewTensor(self.dtype, self.device, {ctx.pool().Add(ctx.pool().Int(n), Expr(1))}));
  }
  ctx.ReturnList(std::move(edges));
  return absl::OkStatus();
}

absl::Status HistogramddCountsMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const std::vector<int64_t> bins = ctx.Ints(1);
  KILN_RETURN_IF_ERROR(CheckPoints(ctx, bins.size()));
  Dims sizes;
  for (int64_t n : bins) {
    KILN_RETURN_IF_ERROR(CheckBins(ctx, n));
    sizes.push_back(ctx.pool().Int(n));
  }
  ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status HistogramddTensorsMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const std::vector<const FakeTensor*> bins = ctx.TensorList(1);
  KILN_RETURN_IF_ERROR(CheckPoints(ctx, bins.size()));
  Dims sizes;
  for (const FakeTensor* edges : bins) sizes.push_back(ctx.pool().Sub(Numel(ctx.pool(), edges->sizes), Expr(1)));
  ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status HashTensorMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckReducesSomething(ctx, self.sizes, ctx.Ints(1)));
  KILN_ASSIGN_OR_RETURN(Dims sizes, ReducedSizes(ctx, self.sizes, ctx.Ints(1), ctx.Bool(2)));
  ctx.Return(ctx.NewTensor(DType::kUInt64, self.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status SegmentReduceMeta(MetaContext& ctx) {
  const FakeTensor& data = ctx.Tensor(0);
  const FakeTensor* lengths = ctx.OptionalTensor(2);
  const FakeTensor* offsets = ctx.OptionalTensor(4);
  if (!ctx.IsNone(3)) return ctx.Fail(ErrorReason::kBadArgumentValue, "segments by indices are not supported");
  const FakeTensor* segments = lengths != nullptr ? lengths : offsets;
  if (segments == nullptr) return ctx.Fail(ErrorReason::kBadArgumentValue, "either lengths or offsets must be given");
  KILN_ASSIGN_OR_RETURN(int axis, ctx.WrapDim(ctx.Int(5), data.rank()));
  if (data.rank() == 0 || axis >= segments->rank()) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("segments of rank ", segments->rank(), " along axis ", axis,
                                                              " of a tensor of rank ", data.rank()));
  }
  Dims sizes = data.sizes;
  if (lengths == nullptr) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(segments->sizes[axis], Expr(1)), "there is a first offset",
                                         absl::StrCat("offsets have size ", segments->sizes[axis].ToString(), " along axis ",
                                                      axis, ", which leaves a negative number of segments")));
  }
  sizes[axis] = lengths != nullptr ? segments->sizes[axis] : ctx.pool().Sub(segments->sizes[axis], Expr(1));
  ctx.Return(ctx.NewTensor(data.dtype, data.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status MultinomialMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const Expr samples = ctx.SymInt(1);
  if (self.rank() < 1 || self.rank() > 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("probabilities must have 1 or 2 dimensions but have ", self.rank()));
  }
  if (!IsFloating(self.dtype)) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("probabilities must be floating point but are ", GetDTypeRow(self.dtype).name));
  }
  ExprPool& pool = ctx.pool();
  KILN_RETURN_IF_ERROR(ctx.env().Check(pool.Gt(samples, Expr(0)), "there are samples",
                                       absl::StrCat("cannot draw ", samples.ToString(), " samples")));
  if (!ctx.Bool(2)) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(
        pool.Le(samples, self.sizes.back()), "enough categories",
        absl::StrCat("cannot draw ", samples.ToString(), " samples of ", self.sizes.back().ToString(),
                     " categories without replacement")));
  }
  Dims sizes = self.sizes;
  sizes.back() = samples;
  ctx.Return(ctx.NewTensor(DType::kInt64, self.device, std::move(sizes)));
  return absl::OkStatus();
}

}  // namespace kiln
