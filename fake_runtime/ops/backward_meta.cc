#include "fake_runtime/ops/backward_meta.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/broadcast.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::Status ReturnNew(MetaContext& ctx, const FakeTensor& like, Dims sizes) {
  ctx.Return(ctx.NewTensor(like.dtype, like.device, std::move(sizes)));
  return absl::OkStatus();
}

}  // namespace

absl::Status GradLikeSelfMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, EmptyLike(ctx, ctx.Tensor(1), ctx.Tensor(1).dtype));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status GradContiguousMeta(MetaContext& ctx) { return ReturnNew(ctx, ctx.Tensor(1), ctx.Tensor(1).sizes); }

absl::Status GradOfSizesMeta(MetaContext& ctx) {
  int sizes = ctx.schema().FindArg("sizes");
  if (sizes < 0) sizes = ctx.schema().FindArg("input_sizes");
  return ReturnNew(ctx, ctx.Tensor(0), ctx.SymInts(sizes));
}

absl::Status UnfoldBackwardMeta(MetaContext& ctx) {
  const FakeTensor& grad = ctx.Tensor(0);
  const Dims input = ctx.SymInts(1);
  const int rank = static_cast<int>(input.size());
  const int64_t size = ctx.Int(3), step = ctx.Int(4);
  // Windows that overlap are added up one offset at a time, as slices of the
  // gradient that broadcast to the input.
  if (rank > 0 && grad.rank() == rank + 1 && step < size) {
    KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(2), rank));
    KILN_RETURN_IF_ERROR(ctx.env().Check(
        ctx.pool().Ge(grad.sizes.back(), ctx.pool().Int(size)), "the gradient has whole windows",
        absl::StrCat("windows have size ", size, " but the gradient's have ", grad.sizes.back().ToString())));
    for (int d = 0; d < rank; ++d) {
      if (d == dim) continue;
      KILN_ASSIGN_OR_RETURN(bool equal, GuardEqual(ctx, grad.sizes[d], input[d], "the gradient's size is the input's"));
      if (!equal) KILN_RETURN_IF_ERROR(ctx.CheckEqual(grad.sizes[d], Expr(1), "a size of the gradient", "what broadcasts"));
    }
  }
  return ReturnNew(ctx, grad, input);
}

absl::Status SegmentReduceBackwardMeta(MetaContext& ctx) {
  if (ctx.IsNone(4) && ctx.IsNone(5)) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, "either lengths or offsets must be given");
  }
  return ReturnNew(ctx, ctx.Tensor(0), ctx.Tensor(2).sizes);
}

absl::Status PreluBackwardMeta(MetaContext& ctx) {
  const Operand operands[] = {{&ctx.Tensor(1), {}}, {&ctx.Tensor(2), {}}, {&ctx.Tensor(0), {}}};
  for (int i = 0; i < 2; ++i) {
    KILN_ASSIGN_OR_RETURN(FakeTensor out, ElementwiseOf(ctx, operands, ctx.Tensor(1).dtype));
    ctx.Return(std::move(out));
  }
  return absl::OkStatus();
}

// x1 [*, r1, c], x2 [*, r2, c] in a common batch; without elements, as x1 lies.
absl::Status CdistBackwardMeta(MetaContext& ctx) {
  const FakeTensor& x1 = ctx.Tensor(1);
  const FakeTensor& x2 = ctx.Tensor(2);
  if (x1.rank() < 2 || x2.rank() < 2) return ctx.Fail(ErrorReason::kShapeMismatch, "x1 and x2 need 2 dimensions");
  KILN_ASSIGN_OR_RETURN(Dims sizes, BroadcastSizes(ctx, absl::MakeConstSpan(x1.sizes).first(x1.rank() - 2),
                                                   absl::MakeConstSpan(x2.sizes).first(x2.rank() - 2)));
  Expr count = ctx.pool().Mul(Numel(ctx.pool(), sizes), x2.sizes[x2.rank() - 2]);
  for (int d = x1.rank() - 2; d < x1.rank(); ++d) {
    sizes.push_back(x1.sizes[d]);
    count = ctx.pool().Mul(count, x1.sizes[d]);
  }
  KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, count, "there are no distances"));
  return empty ? GradLikeSelfMeta(ctx) : ReturnNew(ctx, x1, std::move(sizes));
}

absl::Status GridSamplerBackwardMeta(MetaContext& ctx) {
  const ArgumentList& mask = *ctx.Raw(ctx.schema().FindArg("output_mask")).get_if<ArgumentList>();
  if (*mask[0].get_if<bool>()) {
    KILN_RETURN_IF_ERROR(ReturnNew(ctx, ctx.Tensor(1), ctx.Tensor(1).sizes));
  } else {
    ctx.Return(std::monostate());
  }
  return ReturnNew(ctx, ctx.Tensor(2), ctx.Tensor(2).sizes);
}

absl::Status EmbeddingBagBackwardMeta(MetaContext& ctx) {
  if (ctx.Bool(9)) return ctx.Fail(ErrorReason::kUnsupportedGraph, "sparse gradients have no fake tensors");
  const FakeTensor& grad = ctx.Tensor(0);
  if (grad.rank() != 2) return ctx.Fail(ErrorReason::kShapeMismatch, "the gradient of embedding bags has rank 2");
  return ReturnNew(ctx, grad, {ctx.SymInt(6), grad.sizes[1]});
}

absl::Status PerSampleWeightsBackwardMeta(MetaContext& ctx) {
  const FakeTensor& indices = ctx.Tensor(2);
  if (indices.rank() != 1) return ctx.Fail(ErrorReason::kShapeMismatch, "indices have rank 1");
  return ReturnNew(ctx, ctx.Tensor(0), {indices.sizes[0]});
}

}  // namespace kiln
