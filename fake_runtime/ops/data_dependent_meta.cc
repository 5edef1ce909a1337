// Operators whose result's size or value depends on data: fresh unbacked
// symbols with the ranges that PyTorch gives them (fake_impls.py).
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/broadcast.h"
#include "fake_runtime/ops/indexing_meta.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

// What is looked at of a tensor's storage.
Dims LookedAt(const FakeTensor& t) {
  Dims out = t.sizes;
  out.insert(out.end(), t.strides.begin(), t.strides.end());
  out.push_back(t.storage_offset);
  out.push_back(Expr(static_cast<int64_t>(t.dtype)));
  return out;
}

// In [0, numel], or unbounded above where numel has no bound; 0 without a symbol
// when the tensor is known to be empty.
Expr CountUpTo(MetaContext& ctx, Expr numel) {
  if (numel.IsInt(0)) return Expr(0);
  return ctx.env().FreshUnbacked({0, ctx.env().RangeOf(numel).upper});
}

Expr RememberedAnswer(MetaContext& ctx, DataQuestion question, const FakeTensor& t, absl::FunctionRef<Expr()> fresh) {
  const Dims looked_at = LookedAt(t);
  DataMemo& memo = ctx.env().data_memo();
  if (std::optional<Expr> answer = memo.Find(question, t.storage.value, looked_at)) return *answer;
  const Expr answer = fresh();
  memo.Remember(question, t.storage.value, looked_at, answer);
  return answer;
}

}  // namespace

Expr NonzeroCount(MetaContext& ctx, const FakeTensor& t) {
  return RememberedAnswer(ctx, DataQuestion::kNonzeroCount, t,
                          [&] { return CountUpTo(ctx, Numel(ctx.pool(), t.sizes)); });
}

absl::Status NonzeroMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const Expr count = NonzeroCount(ctx, self);
  ctx.Return(ctx.NewTensor(DType::kInt64, self.device, {count, Expr(self.rank())}, {Expr(1), count}));
  return absl::OkStatus();
}

absl::Status NonzeroStaticMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const Expr size = ctx.SymInt(1);
  const Dims sizes = {size, Expr(self.rank())};
  // The kernels of other devices find one coordinate after the other.
  const absl::string_view device = self.device.type;
  const bool by_row = device == "cpu" || device == "mps" || device == "xpu";
  ctx.Return(by_row ? ctx.NewTensor(DType::kInt64, self.device, sizes)
                    : ctx.NewTensor(DType::kInt64, self.device, sizes, {Expr(1), size}));
  return absl::OkStatus();
}

absl::Status MaskedSelectMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& mask = ctx.Tensor(1);
  if (mask.dtype != DType::kBool) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("masked_select expects a bool mask but got ", GetDTypeRow(mask.dtype).name));
  }
  KILN_RETURN_IF_ERROR(CheckBroadcasts(ctx, self.sizes, mask.sizes));
  const int64_t upper = ctx.env().RangeOf(Numel(ctx.pool(), self.sizes)).upper;
  // PyTorch takes the bound only above 2, since its size-oblivious tests assume
  // that a size is at least 2.
  const Expr count = ctx.env().FreshUnbacked({0, upper > 2 ? upper : ValueRange::kMax});
  ctx.Return(ctx.NewTensor(self.dtype, self.device, {count}));
  return absl::OkStatus();
}

absl::Status ItemMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(
      ctx.CheckEqual(Numel(ctx.pool(), self.sizes), Expr(1), "the number of elements", "1, which a scalar needs"));
  if (self.constant.has_value() && !self.neg_bit) {
    const ScalarValue& value = *self.constant;
    ctx.Return(value.type == ExprType::kFloat  ? ctx.pool().Float(value.f)
               : value.type == ExprType::kBool ? Expr::Bool(value.i != 0)
                                               : ctx.pool().Int(value.i));
    return absl::OkStatus();
  }
  if (IsComplex(self.dtype)) {
    return ctx.Fail(ErrorReason::kUnsupportedDtype,
                    absl::StrCat("item of a ", GetDTypeRow(self.dtype).name, " tensor has no symbolic form"));
  }
  ctx.Return(RememberedAnswer(ctx, DataQuestion::kItem, self, [&] {
    if (IsFloating(self.dtype)) return ctx.env().FreshUnbackedFloat();
    if (self.dtype == DType::kBool) return ctx.pool().Eq(ctx.env().FreshUnbacked({0, 1}), Expr(1));
    return ctx.env().FreshUnbacked(ValueRange{});
  }));
  return absl::OkStatus();
}

absl::Status UniqueMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const int dim_arg = ctx.schema().FindArg("dim");
  std::optional<int> dim;
  if (dim_arg >= 0 && !ctx.IsNone(dim_arg)) {
    KILN_ASSIGN_OR_RETURN(dim, ctx.WrapDim(ctx.Int(dim_arg), self.rank()));
  }
  const bool along = dim.has_value() && self.rank() > 0;
  const Expr numel = Numel(ctx.pool(), self.sizes);
  const Expr bound = along ? self.sizes[*dim] : numel;
  const bool consecutive = absl::StartsWith(ctx.schema().name, "aten.unique_consecutive.");
  const DataQuestion question = consecutive ? DataQuestion::kUniqueConsecutiveCount : DataQuestion::kUniqueCount;
  auto fresh = [&] { return numel.IsInt(0) ? Expr(0) : CountUpTo(ctx, bound); };
  const Expr count = dim.has_value() ? fresh() : RememberedAnswer(ctx, question, self, fresh);
  Dims sizes = {count};
  if (along) {
    sizes = self.sizes;
    sizes[*dim] = count;
  }
  ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes)));
  auto wants = [&](absl::string_view name) {
    const int i = ctx.schema().FindArg(name);
    return i >= 0 && ctx.Bool(i);
  };
  // CPU kernels along a dimension give all three, asked for or not.
  const bool always = dim.has_value() && self.device.is_cpu();
  Dims inverse = {Expr(0)};
  if (always || wants("return_inverse")) inverse = along ? Dims{self.sizes[*dim]} : self.sizes;
  ctx.Return(ctx.NewTensor(DType::kInt64, self.device, std::move(inverse)));
  if (ctx.schema().returns.size() < 3) return absl::OkStatus();
  const bool counted = always || wants("return_counts");
  ctx.Return(ctx.NewTensor(DType::kInt64, self.device, {counted ? count : Expr(0)}));
  return absl::OkStatus();
}

absl::Status RepeatInterleaveMeta(MetaContext& ctx) {
  const FakeTensor& repeats = ctx.Tensor(0);
  const Expr size = ctx.OptionalSymInt(1).value_or(Expr(0));
  ctx.Return(ctx.NewTensor(repeats.dtype, repeats.device,
                           {ctx.IsNone(1) ? ctx.env().FreshUnbacked(ValueRange::AtLeast(0)) : size}));
  return absl::OkStatus();
}

absl::Status BincountMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor* weights = ctx.OptionalTensor(1);
  const Expr least = ctx.SymInt(2);
  if (self.rank() != 1)
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("bincount expects rank 1 but got ", self.rank()));
  KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(least, Expr(0)), "minlength is not negative",
                                       absl::StrCat("minlength must not be negative but is ", least.ToString())));
  const Expr size = ctx.env().FreshUnbacked(ValueRange::AtLeast(0));
  KILN_RETURN_IF_ERROR(
      ctx.env().Check(ctx.pool().Ge(size, least), "bincount has minlength bins", "bincount is shorter than minlength"));
  const DType dtype = weights == nullptr                     ? DType::kInt64
                      : weights->dtype == DType::kFloat32 ? DType::kFloat32
                                                             : DType::kFloat64;
  ctx.Return(ctx.NewTensor(dtype, self.device, {size}));
  return absl::OkStatus();
}

// batch_sizes holds as many as the longest sequence has steps.
absl::Status PackPaddedSequenceMeta(MetaContext& ctx) {
  const FakeTensor& input = ctx.Tensor(0);
  const FakeTensor& lengths = ctx.Tensor(1);
  if (input.rank() < 2) return ctx.Fail(ErrorReason::kBadArgumentValue, "a padded sequence has at least two dimensions");
  if (lengths.dtype != DType::kInt64 || !lengths.device.is_cpu()) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, "lengths is an int64 tensor on the CPU");
  }
  const Expr steps = ctx.env().FreshUnbacked(ValueRange::AtLeast(0));
  // PyTorch's fake kernel drops the time of [time, batch, ...] and the batch of
  // [batch, time, ...] and calls the rest the packed data; so do we.
  const int dropped = ctx.Bool(2) ? 0 : 1;
  Dims sizes = input.sizes;
  sizes.erase(sizes.begin() + dropped);
  ctx.Return(ctx.NewTensor(input.dtype, input.device, std::move(sizes)));
  ctx.Return(ctx.NewTensor(input.dtype, input.device, {steps}));
  return absl::OkStatus();
}

absl::Status DynamicShapeMeta(MetaContext& ctx) {
  return ctx.Fail(ErrorReason::kDataDependentSize,
                  "the size of its result depends on data in a way that PyTorch's fake tensors do not follow either");
}

absl::Status EqualMeta(MetaContext& ctx) {
  return ctx.Fail(ErrorReason::kDataDependentSize, "its result is a Python bool that depends on data");
}

}  // namespace kiln
