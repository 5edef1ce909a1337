#include "fake_runtime/ops/reduction_meta.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

// The reduced dimensions, whatever the schema calls and types them; empty for
// all of them.
std::vector<int64_t> DimsArg(MetaContext& ctx) {
  const int i = ctx.schema().FindArg("dim");
  if (i < 0 || ctx.IsNone(i)) return {};
  if (ctx.schema().args[i].is_list) return ctx.Ints(i);
  return {ctx.Int(i)};
}

bool BoolArg(MetaContext& ctx, absl::string_view name, bool fallback) {
  const int i = ctx.schema().FindArg(name);
  return i < 0 || ctx.IsNone(i) ? fallback : ctx.Bool(i);
}

std::optional<DType> DTypeArg(MetaContext& ctx) {
  const int i = ctx.schema().FindArg("dtype");
  return i < 0 ? std::nullopt : ctx.OptionalDType(i);
}

absl::Status ReturnReduced(MetaContext& ctx, DType dtype) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(Dims sizes,
                        ReducedSizes(ctx, self.sizes, DimsArg(ctx), BoolArg(ctx, "keepdim", false)));
  ctx.Return(ctx.NewTensor(dtype, self.device, std::move(sizes)));
  return absl::OkStatus();
}

// PyTorch's fake mode reduces without `keepdim` and unsqueezes what it kept, so
// that beside an empty dimension a kept one has stride 0. Elsewhere, and in
// eager, a size of 0 counts as 1.
absl::StatusOr<Dims> UnsqueezedStrides(MetaContext& ctx, absl::Span<const int64_t> dims) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(Dims sizes, ReducedSizes(ctx, self.sizes, dims, false));
  KILN_ASSIGN_OR_RETURN(auto wrapped, ctx.WrapDims(dims, self.rank()));
  Dims strides = ContiguousStrides(ctx.env(), sizes);
  for (int d = 0; d < self.rank(); ++d) {
    if (!dims.empty() && std::find(wrapped.begin(), wrapped.end(), d) == wrapped.end()) continue;
    const bool last = d == static_cast<int>(sizes.size());
    strides.insert(strides.begin() + d, last ? Expr(1) : ctx.env().Simplify(ctx.pool().Mul(sizes[d], strides[d])));
    sizes.insert(sizes.begin() + d, Expr(1));
  }
  return strides;
}

absl::Status ReturnUnsqueezed(MetaContext& ctx, DType dtype) {
  if (!BoolArg(ctx, "keepdim", false)) return ReturnReduced(ctx, dtype);
  const FakeTensor& self = ctx.Tensor(0);
  const std::vector<int64_t> dims = DimsArg(ctx);
  KILN_ASSIGN_OR_RETURN(Dims sizes, ReducedSizes(ctx, self.sizes, dims, true));
  KILN_ASSIGN_OR_RETURN(Dims strides, UnsqueezedStrides(ctx, dims));
  ctx.Return(ctx.NewTensor(dtype, self.device, std::move(sizes), std::move(strides)));
  return absl::OkStatus();
}

absl::Status CheckNotEmpty(MetaContext& ctx, Expr size, absl::string_view what) {
  return ctx.env().Check(ctx.pool().Ne(size, Expr(0)), what,
                         absl::StrCat(what, ": the reduced dimension has size ", size.ToString()));
}

double NormOrder(MetaContext& ctx) {
  const std::optional<FakeScalar> order = ctx.OptionalScalar(1);
  if (!order.has_value()) return 2;
  const std::optional<int64_t> i = order->value.AsInt();
  return i.has_value() ? static_cast<double>(*i) : order->value.AsFloat().value_or(2);
}

// The norm of this order is a maximum, or divides by a sum: of nothing there is none.
bool WithoutIdentity(double order) { return order < 0 || std::isinf(order); }

// A sum or an extremum, which no root follows.
bool IsPlainReduction(double order) { return order == 0 || order == 1 || std::isinf(order); }

// Whether nothing is summed, since each reduced dimension has size 1; the absolute
// values are then the norm. Asked only where the answer would lie otherwise.
absl::StatusOr<bool> EachIsAlone(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const std::vector<int64_t> dims = DimsArg(ctx);
  if (!BoolArg(ctx, "keepdim", false) || dims.empty()) return false;
  KILN_ASSIGN_OR_RETURN(Dims sizes, ReducedSizes(ctx, self.sizes, dims, true));
  KILN_ASSIGN_OR_RETURN(Dims strides, UnsqueezedStrides(ctx, dims));
  if (strides == ContiguousStrides(ctx.env(), sizes)) return false;
  KILN_ASSIGN_OR_RETURN(auto wrapped, ctx.WrapDims(dims, self.rank()));
  for (int d : wrapped) {
    KILN_ASSIGN_OR_RETURN(bool one, GuardOne(ctx, self.sizes[d], "a norm of one element"));
    if (!one) return false;
  }
  return true;
}

absl::Status CheckVariance(MetaContext& ctx) {
  const DType dtype = ctx.Tensor(0).dtype;
  if (IsIntegralOrBool(dtype)) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("var and std need a floating point or complex dtype but got ",
                                                              GetDTypeRow(dtype).name));
  }
  return absl::OkStatus();
}

absl::Status ReturnLike(MetaContext& ctx, const FakeTensor& self, DType dtype) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, EmptyLike(ctx, self, dtype));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Dims> ReducedSizes(MetaContext& ctx, absl::Span<const Expr> sizes, absl::Span<const int64_t> dims,
                                  bool keepdim) {
  const int rank = static_cast<int>(sizes.size());
  absl::InlinedVector<bool, 8> reduced(rank + 1, dims.empty());
  KILN_ASSIGN_OR_RETURN(auto wrapped, ctx.WrapDims(dims, rank));
  for (int d : wrapped) reduced[d] = true;
  Dims out;
  for (int d = 0; d < rank; ++d) {
    if (!reduced[d]) out.push_back(sizes[d]);
    if (reduced[d] && keepdim) out.push_back(Expr(1));
  }
  return out;
}

absl::Status CheckReducesSomething(MetaContext& ctx, absl::Span<const Expr> sizes, absl::Span<const int64_t> dims) {
  if (dims.empty()) return CheckNotEmpty(ctx, Numel(ctx.pool(), sizes), "numel is not zero");
  for (int64_t dim : dims) {
    KILN_ASSIGN_OR_RETURN(int d, ctx.WrapDim(dim, static_cast<int>(sizes.size())));
    if (!sizes.empty()) KILN_RETURN_IF_ERROR(CheckNotEmpty(ctx, sizes[d], "the dimension is not empty"));
  }
  return absl::OkStatus();
}

absl::Status SumMeta(MetaContext& ctx) {
  DType dtype = ctx.Tensor(0).dtype;
  if (IsIntegralOrBool(dtype)) dtype = DType::kInt64;
  // Its meta function is not a decomposition.
  if (absl::StartsWith(ctx.schema().name, "aten.nansum.")) return ReturnReduced(ctx, DTypeArg(ctx).value_or(dtype));
  return ReturnUnsqueezed(ctx, DTypeArg(ctx).value_or(dtype));
}

absl::Status MeanMeta(MetaContext& ctx) {
  DType dtype = DTypeArg(ctx).value_or(ctx.Tensor(0).dtype);
  if (IsIntegralOrBool(dtype)) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("mean needs a floating point or complex dtype but got ", GetDTypeRow(dtype).name));
  }
  return ReturnReduced(ctx, dtype);
}

absl::Status SameTypeReduceMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckReducesSomething(ctx, self.sizes, DimsArg(ctx)));
  return ReturnUnsqueezed(ctx, self.dtype);
}

absl::Status MedianMeta(MetaContext& ctx) { return ReturnReduced(ctx, ctx.Tensor(0).dtype); }

absl::Status BoolReduceMeta(MetaContext& ctx) {
  return ReturnReduced(ctx, ctx.Tensor(0).dtype == DType::kUInt8 ? DType::kUInt8 : DType::kBool);
}

absl::Status ArgReduceMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const std::vector<int64_t> dims = DimsArg(ctx);
  if (dims.empty()) {
    KILN_RETURN_IF_ERROR(CheckNotEmpty(ctx, Numel(ctx.pool(), self.sizes), "numel is not zero"));
  } else if (self.rank() > 0) {
    KILN_ASSIGN_OR_RETURN(int d, ctx.WrapDim(dims[0], self.rank()));
    KILN_RETURN_IF_ERROR(CheckNotEmpty(ctx, self.sizes[d], "the dimension is not empty"));
  }
  return ReturnReduced(ctx, DType::kInt64);
}

absl::Status CountReduceMeta(MetaContext& ctx) { return ReturnReduced(ctx, DType::kInt64); }

absl::Status ValueIndexMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  for (int64_t dim : DimsArg(ctx)) {
    KILN_ASSIGN_OR_RETURN(int d, ctx.WrapDim(dim, self.rank()));
    if (self.rank() > 0) KILN_RETURN_IF_ERROR(CheckNotEmpty(ctx, self.sizes[d], "the dimension is not empty"));
  }
  KILN_RETURN_IF_ERROR(ReturnReduced(ctx, self.dtype));
  return ReturnReduced(ctx, DType::kInt64);
}

absl::Status AminmaxMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckReducesSomething(ctx, ctx.Tensor(0).sizes, DimsArg(ctx)));
  KILN_RETURN_IF_ERROR(ReturnUnsqueezed(ctx, ctx.Tensor(0).dtype));
  return ReturnUnsqueezed(ctx, ctx.Tensor(0).dtype);
}

absl::Status StdMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckVariance(ctx));
  return ReturnReduced(ctx, RealDType(ctx.Tensor(0).dtype));
}

absl::Status VarMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckVariance(ctx));
  return ReturnUnsqueezed(ctx, RealDType(ctx.Tensor(0).dtype));
}

absl::Status VarMeanMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(VarMeta(ctx));
  return ReturnReduced(ctx, ctx.Tensor(0).dtype);
}

absl::Status StdMeanMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(StdMeta(ctx));
  return ReturnReduced(ctx, ctx.Tensor(0).dtype);
}

absl::Status LogsumexpMeta(MetaContext& ctx) { return ReturnReduced(ctx, FloatDType(ctx.Tensor(0).dtype)); }

absl::Status VectorNormMeta(MetaContext& ctx) {
  const DType dtype = ctx.Tensor(0).dtype;
  if (IsIntegralOrBool(dtype)) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("a norm needs a floating point or complex dtype but got ", GetDTypeRow(dtype).name));
  }
  const double order = NormOrder(ctx);
  if (WithoutIdentity(order)) KILN_RETURN_IF_ERROR(CheckReducesSomething(ctx, ctx.Tensor(0).sizes, DimsArg(ctx)));
  const DType real = RealDType(DTypeArg(ctx).value_or(dtype));
  if (!IsPlainReduction(order)) return ReturnReduced(ctx, real);
  if (order == 1) {
    KILN_ASSIGN_OR_RETURN(bool alone, EachIsAlone(ctx));
    if (alone) return ReturnReduced(ctx, real);
  }
  return ReturnUnsqueezed(ctx, real);
}

absl::Status NormMeta(MetaContext& ctx) { return VectorNormMeta(ctx); }

absl::Status CumulativeMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(ctx.WrapDim(ctx.Int(1), self.rank()).status());
  DType dtype = IsIntegralOrBool(self.dtype) ? DType::kInt64 : self.dtype;
  ctx.Return(ctx.NewTensor(DTypeArg(ctx).value_or(dtype), self.device, self.sizes));
  return absl::OkStatus();
}

absl::Status LikeScanMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(ctx.WrapDim(ctx.Int(1), self.rank()).status());
  ctx.Return(ctx.NewTensor(self.dtype, self.device, self.sizes));
  return absl::OkStatus();
}

absl::Status CumulativeIndexMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(LikeScanMeta(ctx));
  ctx.Return(ctx.NewTensor(DType::kInt64, ctx.Tensor(0).device, ctx.Tensor(0).sizes));
  return absl::OkStatus();
}

absl::Status SoftmaxMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(ctx.WrapDim(ctx.Int(1), self.rank()).status());
  const bool half_to_float = ctx.Bool(2);
  if (half_to_float && self.dtype != DType::kFloat16) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("half_to_float needs torch.float16 but got ", GetDTypeRow(self.dtype).name));
  }
  ctx.Return(ctx.NewTensor(half_to_float ? DType::kFloat32 : self.dtype, self.device, self.sizes));
  return absl::OkStatus();
}

absl::Status SafeSoftmaxMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(ctx.WrapDim(ctx.Int(1), self.rank()).status());
  ctx.Return(ctx.NewTensor(DTypeArg(ctx).value_or(self.dtype), self.device, self.sizes));
  return absl::OkStatus();
}

absl::Status SoftmaxBackwardMeta(MetaContext& ctx) {
  const FakeTensor& grad = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, grad.sizes, ctx.Tensor(1).sizes, "grad_output", "output"));
  KILN_RETURN_IF_ERROR(ctx.WrapDim(ctx.Int(2), grad.rank()).status());
  ctx.Return(ctx.NewTensor(*ctx.Raw(3).get_if<DType>(), grad.device, grad.sizes));
  return absl::OkStatus();
}

absl::Status SortMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(ctx.WrapDim(ctx.Int(ctx.schema().FindArg("dim")), self.rank()).status());
  KILN_RETURN_IF_ERROR(ReturnLike(ctx, self, self.dtype));
  return ReturnLike(ctx, self, DType::kInt64);
}

absl::Status TopkMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(2), self.rank()));
  const Expr k = ctx.SymInt(1);
  const Expr size = self.rank() == 0 ? Expr(1) : self.sizes[dim];
  KILN_RETURN_IF_ERROR(
      ctx.env().Check(ctx.pool().And(ctx.pool().Ge(k, Expr(0)), ctx.pool().Le(k, size)), "k is in range",
                      absl::StrCat("k is ", k.ToString(), " but dimension ", dim, " is ", size.ToString())));
  Dims sizes = self.sizes;
  if (self.rank() > 0) sizes[dim] = k;
  ctx.Return(ctx.NewTensor(self.dtype, self.device, sizes));
  ctx.Return(ctx.NewTensor(DType::kInt64, self.device, sizes));
  return absl::OkStatus();
}

absl::Status DistMeta(MetaContext& ctx) {
  Operand operands[] = {{&ctx.Tensor(0), {}}, {&ctx.Tensor(1), {}}};
  KILN_ASSIGN_OR_RETURN(DType dtype, ResultType(ctx, operands));
  KILN_RETURN_IF_ERROR(CommonSizes(ctx, operands).status());
  ctx.Return(ctx.NewTensor(RealDType(dtype), ctx.Tensor(0).device, {}));
  return absl::OkStatus();
}

absl::Status TraceMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() != 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("trace expects rank 2 but got rank ", self.rank()));
  }
  ctx.Return(ctx.NewTensor(IsIntegralOrBool(self.dtype) ? DType::kInt64 : self.dtype, self.device, {}));
  return absl::OkStatus();
}

absl::Status HistcMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (ctx.Int(1) <= 0)
    return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("bins must be positive but are ", ctx.Int(1)));
  ctx.Return(ctx.NewTensor(self.dtype, self.device, {ctx.pool().Int(ctx.Int(1))}));
  return absl::OkStatus();
}

}  // namespace kiln
