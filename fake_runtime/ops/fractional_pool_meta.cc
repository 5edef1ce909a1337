// Fractional max pooling: the output's size is given, windows are drawn.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/pooling_meta.h"

namespace kiln {

absl::Status FractionalMaxPoolMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& draws = ctx.Tensor(3);
  const std::vector<int64_t> kernel = ctx.Ints(1), output = ctx.Ints(2);
  const int spatial = static_cast<int>(output.size());
  if (self.rank() != spatial + 1 && self.rank() != spatial + 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("expected rank ", spatial + 1, " or ", spatial + 2,
                                                              " but got rank ", self.rank()));
  }
  if (draws.rank() != 3 || draws.dtype != self.dtype || kernel.size() != output.size()) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("random_samples must have rank 3 and self's dtype but are ", draws.ToString()));
  }
  const int first = self.rank() - spatial;
  const Expr batch = first == 2 ? self.sizes[0] : Expr(1);
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      ctx.pool().Ge(draws.sizes[0], batch), "random samples for the whole batch",
      absl::StrCat("dim 0 of random_samples is ", draws.sizes[0].ToString(), ", less than the batch of ", batch.ToString())));
  for (int d = first - 1; d < self.rank(); ++d) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ne(self.sizes[d], Expr(0)), "non-batch dimensions are not empty",
                                         absl::StrCat("input dimension ", d, " has size ", self.sizes[d].ToString())));
  }
  // In three dimensions the last window may not touch the end.
  const int64_t slack = spatial == 3 ? 0 : 1;
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(draws.sizes[1], self.sizes[first - 1], "dim 1 of random_samples", "the channels"));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(draws.sizes[2], Expr(spatial), "dim 2 of random_samples", "the spatial rank"));
  Dims sizes = self.sizes;
  for (int i = 0; i < spatial; ++i) {
    const Expr size = self.sizes[first + i];
    KILN_RETURN_IF_ERROR(ctx.env().Check(
        ctx.pool().Le(ctx.pool().Int(output[i] + kernel[i] - slack), size), "the kernel fits",
        absl::StrCat("a kernel of ", kernel[i], " is too large for output ", output[i], " of input size ",
                     size.ToString())));
    sizes[first + i] = ctx.pool().Int(output[i]);
  }
  ctx.Return(ctx.NewTensor(self.dtype, self.device, sizes));
  ctx.Return(ctx.NewTensor(DType::kInt64, self.device, sizes));
  return absl::OkStatus();
}

}  // namespace kiln
