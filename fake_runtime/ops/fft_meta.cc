// Fourier transforms, as the kernels lay out their results: batch dimensions outside,
// in the order of their strides, then the transformed ones. MKL transforms all at once;
// cuFFT three dimensions at most, so that a transform may be several, each of which
// sorts by the strides that the one before left.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/matmul_meta.h"
#include "fake_runtime/ops/promotion.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

using DimOrder = absl::InlinedVector<int, 5>;

// Sorts [begin, end) by falling stride; equal ones keep their order.
absl::Status SortByStride(MetaContext& ctx, const FakeTensor& t, DimOrder& dims, int begin, int end) {
  for (int i = begin + 1; i < end; ++i) {
    for (int j = i; j > begin; --j) {
      KILN_ASSIGN_OR_RETURN(bool less,
                            GuardLess(ctx, t.strides[dims[j - 1]], t.strides[dims[j]], "order of an FFT's dimensions"));
      if (!less) break;
      std::swap(dims[j - 1], dims[j]);
    }
  }
  return absl::OkStatus();
}

// torch._meta_registrations._exec_fft.
absl::StatusOr<Dims> TransformedStrides(MetaContext& ctx, const FakeTensor& self, const Dims& sizes,
                                        const DimOrder& dims) {
  DimOrder order;
  for (int d = 0; d < self.rank(); ++d) {
    if (std::find(dims.begin(), dims.end(), d) == dims.end()) order.push_back(d);
  }
  const int batch = static_cast<int>(order.size());
  KILN_RETURN_IF_ERROR(SortByStride(ctx, self, order, 0, batch));
  order.insert(order.end(), dims.begin(), dims.end());
  // The transformed dimensions lie in a contiguous tensor; the batch's strides
  // are products of sizes over it, and 0 outside of an empty one.
  Dims signal;
  for (int d : dims) signal.push_back(sizes[d]);
  const Dims dense = ContiguousStrides(ctx.env(), signal);
  Dims strides(sizes.size());
  for (size_t i = 0; i < dims.size(); ++i) strides[dims[i]] = dense[i];
  Expr next = ctx.pool().Mul(dense.front(), ctx.pool().Max(Expr(1), signal.front()));
  for (int i = batch; i-- > 0;) {
    strides[order[i]] = next;
    next = ctx.pool().Mul(next, sizes[order[i]]);
  }
  return strides;
}

absl::Status CheckPoints(MetaContext& ctx, const FakeTensor& self, const DimOrder& dims) {
  for (int d : dims) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ne(self.sizes[d], Expr(0)), "there are points to transform",
                                         absl::StrCat("dimension ", d, " has size ", self.sizes[d].ToString())));
  }
  return absl::OkStatus();
}

constexpr int kMostCufftDims = 3;

bool IsOnCuda(const FakeTensor& t) { return t.device.type == "cuda"; }

// Whether cuFFT transforms all of `dims` at once, complex to real or back.
bool IsOneTransform(const FakeTensor& self, const DimOrder& dims) {
  if (!IsOnCuda(self)) return self.device.type != "xpu";
  const bool leads = dims.size() >= 2 && dims[0] == 0 && dims[1] == 1;
  return static_cast<int>(dims.size()) <= kMostCufftDims && !leads;
}

// Of transforms from complex to complex, of three dimensions at a time, innermost first.
absl::StatusOr<Dims> StagedStrides(MetaContext& ctx, FakeTensor working, const Dims& sizes, DimOrder dims) {
  while (!dims.empty()) {
    const int count = static_cast<int>(dims.size());
    KILN_RETURN_IF_ERROR(SortByStride(ctx, working, dims, 0, count));
    const int kept = std::max(0, count - kMostCufftDims);
    const DimOrder last(dims.begin() + kept, dims.end());
    KILN_ASSIGN_OR_RETURN(working.strides, TransformedStrides(ctx, working, sizes, last));
    dims.resize(kept);
  }
  return working.strides;
}

absl::Status ReturnTransformed(MetaContext& ctx, const FakeTensor& self, DType dtype, Dims sizes, const DimOrder& dims) {
  KILN_RETURN_IF_ERROR(CheckPoints(ctx, self, dims));
  KILN_ASSIGN_OR_RETURN(Dims strides, TransformedStrides(ctx, self, sizes, dims));
  ctx.Return(ctx.NewTensor(dtype, self.device, std::move(sizes), std::move(strides)));
  return absl::OkStatus();
}

// The last dimension to `onesided` points first, then the others; what is not to stay
// one-sided is filled up, in a tensor that is made anew.
absl::Status ReturnStagedR2c(MetaContext& ctx, const FakeTensor& self, Dims sizes, Dims onesided, DimOrder dims) {
  KILN_RETURN_IF_ERROR(CheckPoints(ctx, self, dims));
  FakeTensor working = self;
  const int last = dims.back();
  const bool alone = dims.size() == 1;
  dims.pop_back();
  KILN_ASSIGN_OR_RETURN(working.strides, TransformedStrides(ctx, self, alone ? sizes : onesided, {last}));
  KILN_ASSIGN_OR_RETURN(Dims strides, StagedStrides(ctx, working, onesided, std::move(dims)));
  if (!alone && !(sizes[last] == onesided[last])) strides = ContiguousStrides(ctx.env(), sizes);
  ctx.Return(ctx.NewTensor(ComplexDType(self.dtype), self.device, std::move(sizes), std::move(strides)));
  return absl::OkStatus();
}

absl::StatusOr<DimOrder> DimsOf(MetaContext& ctx, const FakeTensor& self, bool complex) {
  if (complex != IsComplex(self.dtype)) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("expected a ", complex ? "complex" : "real",
                                                              " tensor but got ", GetDTypeRow(self.dtype).name));
  }
  // Rank 0 counts as 1 where dimensions wrap, but it has no size to transform.
  const std::vector<int64_t> dims = ctx.Ints(1);
  if (self.rank() == 0 && !dims.empty()) {
    return ctx.Fail(ErrorReason::kIndexOutOfRange, "a dimension is specified but the tensor has no dimensions");
  }
  return ctx.WrapDims(dims, self.rank());
}

}  // namespace

absl::Status FftC2cMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(DimOrder dims, DimsOf(ctx, self, true));
  if (dims.empty()) {
    KILN_ASSIGN_OR_RETURN(Dims strides, PreservedStrides(ctx, self));
    ctx.Return(ctx.NewTensor(self.dtype, self.device, self.sizes, std::move(strides)));
    return absl::OkStatus();
  }
  if (IsOnCuda(self)) {
    KILN_RETURN_IF_ERROR(CheckPoints(ctx, self, dims));
    KILN_ASSIGN_OR_RETURN(Dims strides, StagedStrides(ctx, self, self.sizes, dims));
    ctx.Return(ctx.NewTensor(self.dtype, self.device, self.sizes, std::move(strides)));
    return absl::OkStatus();
  }
  KILN_RETURN_IF_ERROR(SortByStride(ctx, self, dims, 0, static_cast<int>(dims.size())));
  return ReturnTransformed(ctx, self, self.dtype, self.sizes, dims);
}

absl::Status FftR2cMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(DimOrder dims, DimsOf(ctx, self, false));
  if (dims.empty()) return ctx.Fail(ErrorReason::kBadArgumentValue, "an FFT needs a dimension");
  const int last = dims.back();
  Dims onesided = self.sizes;
  onesided[last] = ctx.pool().Add(ctx.pool().FloorDiv(onesided[last], Expr(2)), Expr(1));
  Dims sizes = ctx.Bool(3) ? onesided : self.sizes;
  if (!IsOneTransform(self, dims)) {
    return ReturnStagedR2c(ctx, self, std::move(sizes), std::move(onesided), std::move(dims));
  }
  // cuFFT takes the dimensions as they are given.
  if (IsOnCuda(self)) return ReturnTransformed(ctx, self, ComplexDType(self.dtype), std::move(sizes), dims);
  KILN_RETURN_IF_ERROR(SortByStride(ctx, self, dims, 0, static_cast<int>(dims.size()) - 1));
  return ReturnTransformed(ctx, self, ComplexDType(self.dtype), std::move(sizes), dims);
}

absl::Status FftC2rMeta(MetaContext& ctx) {
  FakeTensor self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(DimOrder dims, DimsOf(ctx, self, true));
  if (dims.empty()) return ctx.Fail(ErrorReason::kBadArgumentValue, "an FFT needs a dimension");
  const int last = dims.back();
  Dims sizes = self.sizes;
  sizes[last] = ctx.SymInt(3);
  const bool on_cuda = IsOnCuda(self);
  if (on_cuda && (dims.size() == 1 || IsOneTransform(self, dims))) {
    // Of a contiguous clone.
    self.strides = ContiguousStrides(ctx.env(), self.sizes);
    return ReturnTransformed(ctx, self, RealDType(self.dtype), std::move(sizes), dims);
  }
  if (dims.size() > 1) {
    // All but the last dimension are transformed first, complex to complex.
    DimOrder complex_dims(dims.begin(), dims.end() - 1);
    KILN_RETURN_IF_ERROR(CheckPoints(ctx, self, complex_dims));
    if (on_cuda) {
      KILN_ASSIGN_OR_RETURN(self.strides, StagedStrides(ctx, self, self.sizes, std::move(complex_dims)));
    } else {
      KILN_RETURN_IF_ERROR(SortByStride(ctx, self, complex_dims, 0, static_cast<int>(complex_dims.size())));
      KILN_ASSIGN_OR_RETURN(self.strides, TransformedStrides(ctx, self, self.sizes, complex_dims));
    }
  }
  return ReturnTransformed(ctx, self, RealDType(self.dtype), std::move(sizes), {last});
}

}  // namespace kiln
