// Views that see the same bytes as another dtype.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/promotion.h"
#include "fake_runtime/ops/size_tests.h"
#include "fake_runtime/ops/view_meta.h"

namespace kiln {
namespace {

absl::Status CheckDivides(MetaContext& ctx, Expr value, int64_t ratio, absl::string_view what) {
  return ctx.env().Check(ctx.pool().Eq(ctx.pool().Mod(value, Expr(ratio)), Expr(0)), what,
                         absl::StrCat(what, ": ", value.ToString(), " is not a multiple of ", ratio));
}

}  // namespace

absl::Status ViewDTypeMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const DType dtype = *ctx.OptionalDType(1);
  const int from = DTypeSizeBytes(self.dtype), to = DTypeSizeBytes(dtype);
  FakeTensor out = ctx.ViewOf(self, self.sizes, self.strides, self.storage_offset);
  out.dtype = dtype;
  out.constant.reset();
  if (from == to) {
    ctx.Return(std::move(out));
    return absl::OkStatus();
  }
  if (self.rank() == 0)
    return ctx.Fail(ErrorReason::kShapeMismatch, "a 0-dim tensor cannot be viewed as a dtype of another width");
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(self.strides.back(), Expr(1), "the stride of the last dimension", "1"));
  const int last = self.rank() - 1;
  ExprPool& pool = ctx.pool();
  if (from > to) {
    const Expr ratio(from / to);
    for (int d = 0; d < last; ++d) out.strides[d] = pool.Mul(self.strides[d], ratio);
    out.sizes[last] = pool.Mul(self.sizes[last], ratio);
    out.storage_offset = pool.Mul(self.storage_offset, ratio);
  } else {
    const int64_t ratio = to / from;
    KILN_RETURN_IF_ERROR(CheckDivides(ctx, self.sizes[last], ratio, "size of the last dimension"));
    KILN_RETURN_IF_ERROR(CheckDivides(ctx, self.storage_offset, ratio, "storage offset"));
    for (int d = 0; d < last; ++d) {
      KILN_RETURN_IF_ERROR(CheckDivides(ctx, self.strides[d], ratio, "stride"));
      out.strides[d] = pool.FloorDiv(self.strides[d], Expr(ratio));
    }
    out.sizes[last] = pool.FloorDiv(self.sizes[last], Expr(ratio));
    out.storage_offset = pool.FloorDiv(self.storage_offset, Expr(ratio));
  }
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status ViewAsRealMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (!IsComplex(self.dtype)) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("view_as_real needs a complex tensor but got ", GetDTypeRow(self.dtype).name));
  }
  Dims sizes = self.sizes, strides;
  for (Expr stride : self.strides) strides.push_back(ctx.pool().Mul(stride, Expr(2)));
  sizes.push_back(Expr(2));
  strides.push_back(Expr(1));
  FakeTensor out =
      ctx.ViewOf(self, std::move(sizes), std::move(strides), ctx.pool().Mul(self.storage_offset, Expr(2)));
  out.dtype = RealDType(self.dtype);
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status ViewAsComplexMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const DType dtype = ComplexDType(self.dtype);
  if (!IsFloating(self.dtype) || self.dtype == DType::kBFloat16) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("view_as_complex does not take ", GetDTypeRow(self.dtype).name));
  }
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kShapeMismatch, "view_as_complex needs a dimension of size 2");
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(self.sizes.back(), Expr(2), "the last dimension", "2"));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(self.strides.back(), Expr(1), "the stride of the last dimension", "1"));
  Dims sizes(self.sizes.begin(), self.sizes.end() - 1), strides;
  for (int d = 0; d + 1 < self.rank(); ++d) {
    KILN_RETURN_IF_ERROR(CheckDivides(ctx, self.strides[d], 2, "stride"));
    strides.push_back(ctx.pool().FloorDiv(self.strides[d], Expr(2)));
  }
  KILN_RETURN_IF_ERROR(CheckDivides(ctx, self.storage_offset, 2, "storage offset"));
  FakeTensor out = ctx.ViewOf(self, std::move(sizes), std::move(strides),
                              ctx.pool().FloorDiv(self.storage_offset, Expr(2)));
  out.dtype = dtype;
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status ConjMeta(MetaContext& ctx) {
  FakeTensor out = ctx.Tensor(0);
  out.conj_bit = !out.conj_bit;
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status NegViewMeta(MetaContext& ctx) {
  FakeTensor out = ctx.Tensor(0);
  out.neg_bit = !out.neg_bit;
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

}  // namespace kiln
