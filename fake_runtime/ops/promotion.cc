#include "fake_runtime/ops/promotion.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

using MaybeDType = std::optional<DType>;

absl::StatusOr<MaybeDType> PromoteMaybe(MetaContext& ctx, MaybeDType a, MaybeDType b) {
  if (!a.has_value()) return b;
  if (!b.has_value() || *a == *b) return a;
  MaybeDType promoted = PromoteTypes(*a, *b);
  if (promoted.has_value()) return promoted;
  return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("promotion of ", GetDTypeRow(*a).name, " and ",
                                                            GetDTypeRow(*b).name, " is not supported"));
}

// c10::toComplexType, which has nothing for float8.
absl::StatusOr<MaybeDType> MaybeComplex(MetaContext& ctx, DType real) {
  if (DTypeSizeBytes(real) > 1) return MaybeDType(ComplexDType(real));
  return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("no complex dtype has parts of ", GetDTypeRow(real).name));
}

// at::native::combine_categories.
absl::StatusOr<MaybeDType> CombineGroups(MetaContext& ctx, MaybeDType higher, MaybeDType lower) {
  if (!higher.has_value()) return lower;
  if (!lower.has_value()) return higher;
  if (IsComplex(*higher)) return higher;
  if (IsFloating(*higher)) {
    // A complex number makes a float tensor complex of the tensor's width.
    if (IsComplex(*lower)) return MaybeComplex(ctx, *higher);
    return higher;
  }
  // An integer of any width, though promote_types refuses the wide unsigned ones.
  if (IsComplex(*lower)) return lower;
  if (*higher == DType::kBool || IsFloating(*lower)) return PromoteMaybe(ctx, higher, lower);
  return higher;
}

}  // namespace

DType NumberDType(ExprType type) {
  switch (type) {
    case ExprType::kInt:
      return DType::kInt64;
    case ExprType::kFloat:
      return DType::kFloat32;
    case ExprType::kBool:
      return DType::kBool;
  }
  return DType::kFloat32;
}

absl::StatusOr<DType> ResultType(MetaContext& ctx, absl::Span<const Operand> operands) {
  MaybeDType with_dims, zero_dim, numbers;
  for (const Operand& operand : operands) {
    if (operand.tensor == nullptr) {
      KILN_ASSIGN_OR_RETURN(numbers, PromoteMaybe(ctx, numbers, NumberDType(operand.number.type)));
    } else {
      MaybeDType& group = operand.tensor->rank() > 0 ? with_dims : zero_dim;
      KILN_ASSIGN_OR_RETURN(group, PromoteMaybe(ctx, group, operand.tensor->dtype));
    }
  }
  KILN_ASSIGN_OR_RETURN(MaybeDType lower, CombineGroups(ctx, zero_dim, numbers));
  KILN_ASSIGN_OR_RETURN(MaybeDType result, CombineGroups(ctx, with_dims, lower));
  return result.value_or(DType::kFloat32);
}

DType ApplyPromote(DType dtype, Promote promote) {
  switch (promote) {
    case Promote::kDefault:
      return dtype;
    case Promote::kIntToFloat:
      return FloatDType(dtype);
    case Promote::kAlwaysBool:
      return DType::kBool;
    case Promote::kComplexToFloat:
      return RealDType(dtype);
    case Promote::kBoolToLong:
      return dtype == DType::kBool ? DType::kInt64 : dtype;
  }
  return dtype;
}

bool CanCast(DType from, DType to) {
  if (IsComplex(from) && !IsComplex(to)) return false;
  if (IsFloating(from) && IsIntegralOrBool(to)) return false;
  return !(from != DType::kBool && to == DType::kBool);
}

DType RealDType(DType dtype) {
  switch (dtype) {
    case DType::kComplex32:
      return DType::kFloat16;
    case DType::kComplex64:
      return DType::kFloat32;
    case DType::kComplex128:
      return DType::kFloat64;
    default:
      return dtype;
  }
}

DType ComplexDType(DType dtype) {
  switch (dtype) {
    case DType::kFloat16:
      return DType::kComplex32;
    case DType::kFloat64:
      return DType::kComplex128;
    case DType::kFloat32:
    case DType::kBFloat16:
      return DType::kComplex64;
    default:
      return dtype;
  }
}

DType FloatDType(DType dtype) { return IsIntegralOrBool(dtype) ? DType::kFloat32 : dtype; }

}  // namespace kiln
