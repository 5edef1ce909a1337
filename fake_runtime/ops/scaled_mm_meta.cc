// Products with scales, and of three tensors.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/broadcast.h"
#include "fake_runtime/ops/matmul_meta.h"

namespace kiln {
namespace {

// `t` with a dimension of size 1 wherever `expand` says.
absl::StatusOr<Dims> Expanded(MetaContext& ctx, const FakeTensor& t, std::vector<int64_t> expand) {
  std::sort(expand.begin(), expand.end());
  Dims sizes = t.sizes;
  for (int64_t d : expand) {
    if (d < 0 || d > static_cast<int64_t>(sizes.size())) {
      return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("dimension ", d, " to expand is out of range"));
    }
    sizes.insert(sizes.begin() + d, Expr(1));
  }
  return sizes;
}

}  // namespace

// self [m,k] x mat2 [k,n] -> [m,n].
absl::Status ScaledMmMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  const FakeTensor& b = ctx.Tensor(1);
  if (a.rank() != 2 || b.rank() != 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("expected matrices but got ranks ", a.rank(), " and ",
                                                              b.rank()));
  }
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(a.sizes[1], b.sizes[0], "lhs dim 1", "rhs dim 0"));
  const DType dtype = ctx.OptionalDType(ctx.schema().FindArg("out_dtype")).value_or(a.dtype);
  ctx.Return(ctx.NewTensor(dtype, a.device, {a.sizes[0], b.sizes[1]}));
  return absl::OkStatus();
}

absl::Status TrilinearMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, Expanded(ctx, ctx.Tensor(0), ctx.Ints(3)));
  for (int i = 1; i < 3; ++i) {
    KILN_ASSIGN_OR_RETURN(Dims other, Expanded(ctx, ctx.Tensor(i), ctx.Ints(3 + i)));
    KILN_ASSIGN_OR_RETURN(sizes, BroadcastSizes(ctx, sizes, other));
  }
  const std::vector<int64_t> sum = ctx.Ints(6);
  Dims out;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (std::find(sum.begin(), sum.end(), static_cast<int64_t>(d)) == sum.end()) out.push_back(sizes[d]);
  }
  ctx.Return(ctx.NewTensor(ctx.Tensor(0).dtype, ctx.Tensor(0).device, std::move(out)));
  return absl::OkStatus();
}

}  // namespace kiln
