#include "fake_runtime/ops/pointwise_checks.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/promotion.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::Status NotImplementedFor(MetaContext& ctx, DType dtype) {
  return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("not implemented for ", GetDTypeRow(dtype).name));
}

// The dtype that the operands besides out= are computed in.
absl::StatusOr<DType> ComputeDType(MetaContext& ctx) {
  absl::InlinedVector<Operand, 2> operands;
  for (int i = 0; i < ctx.num_args(); ++i) {
    if (!ctx.schema().args[i].keyword_only) operands.push_back(OperandOf(ctx, i));
  }
  return ResultType(ctx, operands);
}

absl::Status CheckSameDType(MetaContext& ctx, const FakeTensor& self, const FakeTensor& other,
                            absl::string_view name) {
  if (self.dtype == other.dtype) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDtypeMismatch,
                  absl::StrCat("expected dtype ", GetDTypeRow(self.dtype).name, " for `", name, "` but got dtype ",
                               GetDTypeRow(other.dtype).name));
}

// A number that multiplies in the dtype of the result, which has to hold it.
absl::Status CheckFactor(MetaContext& ctx, absl::string_view name, DType dtype) {
  const int at = ctx.schema().FindArg(name);
  if (at < 0 || ctx.IsNone(at)) return absl::OkStatus();
  const ExprType type = ctx.Scalar(at).type;
  if (type == ExprType::kBool && dtype != DType::kBool) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("a boolean ", name, " is for boolean results only"));
  }
  if (type == ExprType::kFloat && IsIntegralOrBool(dtype)) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat(name, " must be no floating point number for a result of ",
                                                              GetDTypeRow(dtype).name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckBitwise(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(const DType dtype, ComputeDType(ctx));
  return IsIntegralOrBool(dtype) ? absl::OkStatus() : NotImplementedFor(ctx, dtype);
}

absl::Status CheckShift(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(const DType dtype, ComputeDType(ctx));
  return IsIntegralOrBool(dtype) && dtype != DType::kBool ? absl::OkStatus() : NotImplementedFor(ctx, dtype);
}

absl::Status CheckAdd(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(const DType dtype, ResultType(ctx, {OperandOf(ctx, 0), OperandOf(ctx, 1)}));
  return CheckFactor(ctx, "alpha", dtype);
}

absl::Status CheckAddr(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(const DType dtype, ComputeDType(ctx));
  KILN_RETURN_IF_ERROR(CheckFactor(ctx, "beta", dtype));
  return CheckFactor(ctx, "alpha", dtype);
}

absl::Status CheckSub(MetaContext& ctx) {
  for (int i = 0; i < 2; ++i) {
    const Operand operand = OperandOf(ctx, i);
    const bool is_bool =
        operand.tensor != nullptr ? operand.tensor->dtype == DType::kBool : operand.number.type == ExprType::kBool;
    if (!is_bool) continue;
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("`", ctx.schema().args[i].name,
                                                              "` is torch.bool, of which nothing is subtracted"));
  }
  return CheckAdd(ctx);
}

absl::Status CheckClamp(MetaContext& ctx) {
  if (!ctx.IsNone(1) || !ctx.IsNone(2)) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kBadArgumentValue, "at least one of 'min' or 'max' must not be None");
}

absl::Status CheckLerp(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckSameDType(ctx, self, ctx.Tensor(1), "end"));
  // A weight without dimensions counts as a number.
  if (ctx.IsTensor(2) && ctx.Tensor(2).rank() > 0) {
    KILN_RETURN_IF_ERROR(CheckSameDType(ctx, self, ctx.Tensor(2), "weight"));
  }
  return IsIntegralOrBool(self.dtype) ? NotImplementedFor(ctx, self.dtype) : absl::OkStatus();
}

absl::Status CheckProbability(MetaContext& ctx) {
  const int p = ctx.schema().FindArg("p");
  if (p < 0 || ctx.IsTensor(p)) return absl::OkStatus();
  const Expr value = ctx.Scalar(p).value;
  const std::optional<int64_t> integer = value.AsInt();
  const std::optional<double> real = integer.has_value() ? static_cast<double>(*integer) : value.AsFloat();
  if (!real.has_value() || (*real >= 0 && *real <= 1)) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("expects p to be in [0, 1], but got p=", *real));
}

// Without training, or without elements, nothing is drawn.
absl::Status CheckNativeDropout(MetaContext& ctx) {
  const absl::Status refusal = CheckProbability(ctx);
  const bool trains = ctx.IsNone(2) || ctx.Bool(2);
  if (refusal.ok() || !trains) return absl::OkStatus();
  const Expr elements = Numel(ctx.pool(), ctx.Tensor(0).sizes);
  KILN_ASSIGN_OR_RETURN(const bool empty, ctx.Test(ctx.pool().Eq(elements, Expr(0)), "there is nothing to draw"));
  return empty ? absl::OkStatus() : refusal;
}

absl::Status CheckReduction(MetaContext& ctx) {
  const int64_t reduction = ctx.Int(ctx.schema().FindArg("reduction"));
  if (reduction >= 0 && reduction <= 2) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kBadArgumentValue,
                  absl::StrCat(reduction, " is not a valid value for reduction: 0 (none), 1 (mean) or 2 (sum)"));
}

}  // namespace kiln
