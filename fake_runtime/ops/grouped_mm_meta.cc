// Products of groups: the experts of a mixture, each with its rows. A matrix in place of
// a batch holds all groups side by side, and the offsets say where each ends.
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/matmul_meta.h"

namespace kiln {
namespace {

// PyTorch's kernels load 16 bytes at a time.
constexpr int64_t kAlignmentBytes = 16;

struct Factor {
  absl::string_view name;
  const FakeTensor& t;

  bool is_matrix() const { return t.rank() == 2; }
  Expr row_stride() const { return t.strides[t.rank() - 2]; }
  Expr column_stride() const { return t.strides[t.rank() - 1]; }
  Expr rows() const { return t.sizes[t.rank() - 2]; }
  Expr columns() const { return t.sizes[t.rank() - 1]; }
};

absl::Status CheckFactor(MetaContext& ctx, const Factor& f, DType dtype) {
  if (f.t.dtype != dtype) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat(f.name, " must be ", DTypeText(dtype), " but is ",
                                                              DTypeText(f.t.dtype)));
  }
  if (f.t.rank() == 2 || f.t.rank() == 3) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat(f.name, " must have 2 or 3 dimensions but has ",
                                                            f.t.rank()));
}

// `stride` lies apart as many elements as `length` at least, the other dimension's are neighbours.
absl::StatusOr<bool> Strided(MetaContext& ctx, Expr neighbours, Expr stride, Expr length) {
  KILN_ASSIGN_OR_RETURN(bool dense, ctx.Test(ctx.pool().Eq(neighbours, Expr(1)), "neighbours of a factor"));
  if (!dense) return false;
  return ctx.Test(ctx.pool().Ge(stride, ctx.pool().Max(Expr(1), length)), "rows of a factor lie apart");
}

absl::Status CheckAligned(MetaContext& ctx, const Factor& f) {
  KILN_ASSIGN_OR_RETURN(bool by_columns, Strided(ctx, f.row_stride(), f.column_stride(), f.rows()));
  bool by_rows = false;
  if (!by_columns) {
    KILN_ASSIGN_OR_RETURN(by_rows, Strided(ctx, f.column_stride(), f.row_stride(), f.columns()));
  }
  if (!by_columns && !by_rows) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat(f.name, " has strides ", f.row_stride().ToString(), " and ",
                                 f.column_stride().ToString(), ", and neither is 1 with the other past its length"));
  }
  const Expr stride = by_columns ? f.column_stride() : f.row_stride();
  const int64_t alignment = kAlignmentBytes / DTypeSizeBytes(f.t.dtype);
  return ctx.env().Check(ctx.pool().Eq(ctx.pool().Mod(stride, Expr(alignment)), Expr(0)), "alignment of a factor",
                         absl::StrCat("a stride of ", f.name, " must be a multiple of ", alignment, " but is ",
                                      stride.ToString()));
}

// The offsets go with matrices, and with nothing else.
absl::Status CheckOffsets(MetaContext& ctx, const FakeTensor* offsets, bool needed) {
  if (!needed) {
    return offsets == nullptr ? absl::OkStatus()
                              : ctx.Fail(ErrorReason::kBadArgumentValue, "two batches take no offsets but got some");
  }
  if (offsets == nullptr) return ctx.Fail(ErrorReason::kBadArgumentValue, "a matrix of groups needs offsets");
  if (offsets->rank() != 1) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("offsets must have 1 dimension but have ",
                                                              offsets->rank()));
  }
  if (offsets->dtype == DType::kInt32) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("offsets must be i32 but are ",
                                                            DTypeText(offsets->dtype)));
}

absl::StatusOr<Dims> ProductSizes(MetaContext& ctx, const Factor& a, const Factor& b, const FakeTensor* offsets) {
  if (a.is_matrix() && b.is_matrix()) return Dims{offsets->sizes[0], a.rows(), b.columns()};
  const Expr a_groups = a.is_matrix() ? offsets->sizes[0] : a.t.sizes[0];
  const Expr b_groups = b.is_matrix() ? offsets->sizes[0] : b.t.sizes[0];
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(a_groups, b_groups, "the groups of lhs", "those of rhs"));
  if (a.is_matrix() || b.is_matrix()) return Dims{a.rows(), b.columns()};
  return Dims{a.t.sizes[0], a.rows(), b.columns()};
}

// On CUDA every row of the result starts at a multiple of 16 bytes.
absl::Status ReturnProduct(MetaContext& ctx, const Factor& a, Dims sizes, DType dtype) {
  if (a.t.device.type != "cuda") {
    ctx.Return(ctx.NewTensor(dtype, a.t.device, std::move(sizes)));
    return absl::OkStatus();
  }
  ExprPool& pool = ctx.pool();
  const Expr alignment(kAlignmentBytes / DTypeSizeBytes(dtype));
  const Expr row = pool.Mul(pool.CeilDiv(sizes.back(), alignment), alignment);
  Dims strides = {row, Expr(1)};
  if (sizes.size() == 3) strides.insert(strides.begin(), pool.Mul(sizes[1], row));
  ctx.Return(ctx.NewTensor(dtype, a.t.device, std::move(sizes), std::move(strides)));
  return absl::OkStatus();
}

absl::Status CheckScaleOfBatch(MetaContext& ctx, const Factor& f, const FakeTensor& scale, Expr length) {
  if (scale.rank() != 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("the scale of ", f.name,
                                                              " must have 2 dimensions but has ", scale.rank()));
  }
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(scale.strides[1], Expr(1), "the last stride of a scale", "neighbours'"));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(scale.sizes[0], f.t.sizes[0], "dim 0 of a scale", "the groups"));
  return ctx.CheckEqual(scale.sizes[1], length, "dim 1 of a scale", "its factor's length");
}

// One scale for each row of lhs and each column of rhs, once for each group where both
// factors are matrices.
absl::Status CheckScale(MetaContext& ctx, const Factor& f, const FakeTensor& scale, Expr length, Expr repeats) {
  if (scale.dtype != DType::kFloat32) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("the scale of ", f.name, " must be f32 but is ",
                                                              DTypeText(scale.dtype)));
  }
  if (!f.is_matrix()) return CheckScaleOfBatch(ctx, f, scale, length);
  if (scale.rank() != 1) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("the scale of ", f.name,
                                                              " must have 1 dimension but has ", scale.rank()));
  }
  KILN_ASSIGN_OR_RETURN(bool contiguous, TestContiguous(ctx.env(), scale));
  if (!contiguous) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("the scale of ", f.name, " must be contiguous"));
  }
  return ctx.CheckEqual(scale.sizes[0], ctx.pool().Mul(length, repeats), "dim 0 of a scale", "its factor's length");
}

// Float8 factors have their rows (lhs) or their columns (rhs) in one piece.
absl::Status CheckMajor(MetaContext& ctx, const Factor& f, Expr apart, Expr neighbours) {
  KILN_ASSIGN_OR_RETURN(bool wide, ctx.Test(ctx.pool().Gt(apart, Expr(1)), "rows of a factor lie apart"));
  bool dense = false;
  if (wide) {
    KILN_ASSIGN_OR_RETURN(dense, ctx.Test(ctx.pool().Eq(neighbours, Expr(1)), "neighbours of a factor"));
  }
  if (dense) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kBadArgumentValue,
                  absl::StrCat(f.name, " has strides ", f.row_stride().ToString(), " and ",
                               f.column_stride().ToString(), ", which are not those of its order"));
}

absl::Status CheckContraction(MetaContext& ctx, const Factor& a, const Factor& b) {
  if (a.is_matrix() && b.is_matrix()) return absl::OkStatus();
  return ctx.CheckEqual(a.columns(), b.rows(), "the last dim of lhs", "the last but one of rhs");
}

absl::Status CheckBiasAndDType(MetaContext& ctx, std::optional<DType> out_dtype) {
  if (ctx.OptionalTensor(ctx.schema().FindArg("bias")) != nullptr) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, "bias must be none: no kernel adds one");
  }
  if (out_dtype.value_or(DType::kBFloat16) == DType::kBFloat16) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("out_dtype must be bf16 but is ",
                                                               DTypeText(*out_dtype)));
}

}  // namespace

absl::Status GroupedMmMeta(MetaContext& ctx) {
  const Factor a{"lhs", ctx.Tensor(0)}, b{"rhs", ctx.Tensor(1)};
  const FakeTensor* offsets = ctx.OptionalTensor(ctx.schema().FindArg("offs"));
  const std::optional<DType> out_dtype = ctx.OptionalDType(ctx.schema().FindArg("out_dtype"));
  KILN_RETURN_IF_ERROR(CheckFactor(ctx, a, DType::kBFloat16));
  KILN_RETURN_IF_ERROR(CheckFactor(ctx, b, DType::kBFloat16));
  KILN_RETURN_IF_ERROR(CheckContraction(ctx, a, b));
  KILN_RETURN_IF_ERROR(CheckAligned(ctx, a));
  KILN_RETURN_IF_ERROR(CheckAligned(ctx, b));
  KILN_RETURN_IF_ERROR(CheckOffsets(ctx, offsets, a.is_matrix() || b.is_matrix()));
  KILN_RETURN_IF_ERROR(CheckBiasAndDType(ctx, out_dtype));
  KILN_ASSIGN_OR_RETURN(Dims sizes, ProductSizes(ctx, a, b, offsets));
  return ReturnProduct(ctx, a, std::move(sizes), DType::kBFloat16);
}

absl::Status ScaledGroupedMmMeta(MetaContext& ctx) {
  const Factor a{"lhs", ctx.Tensor(0)}, b{"rhs", ctx.Tensor(1)};
  const FakeTensor* offsets = ctx.OptionalTensor(ctx.schema().FindArg("offs"));
  KILN_RETURN_IF_ERROR(CheckFactor(ctx, a, DType::kFloat8E4M3FN));
  KILN_RETURN_IF_ERROR(CheckFactor(ctx, b, DType::kFloat8E4M3FN));
  KILN_RETURN_IF_ERROR(CheckContraction(ctx, a, b));
  KILN_RETURN_IF_ERROR(CheckMajor(ctx, a, a.row_stride(), a.column_stride()));
  KILN_RETURN_IF_ERROR(CheckMajor(ctx, b, b.column_stride(), b.row_stride()));
  KILN_RETURN_IF_ERROR(CheckAligned(ctx, a));
  KILN_RETURN_IF_ERROR(CheckAligned(ctx, b));
  const bool both = a.is_matrix() && b.is_matrix();
  const Expr repeats = both && offsets != nullptr && offsets->rank() > 0 ? offsets->sizes[0] : Expr(1);
  KILN_RETURN_IF_ERROR(CheckScale(ctx, a, ctx.Tensor(2), a.rows(), repeats));
  KILN_RETURN_IF_ERROR(CheckScale(ctx, b, ctx.Tensor(3), b.columns(), repeats));
  if (!ctx.IsNone(ctx.schema().FindArg("scale_result"))) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, "scale_result must be none: no kernel scales the result");
  }
  KILN_RETURN_IF_ERROR(CheckOffsets(ctx, offsets, a.is_matrix() || b.is_matrix()));
  KILN_RETURN_IF_ERROR(CheckBiasAndDType(ctx, ctx.OptionalDType(ctx.schema().FindArg("out_dtype"))));
  KILN_ASSIGN_OR_RETURN(Dims sizes, ProductSizes(ctx, a, b, offsets));
  return ReturnProduct(ctx, a, std::move(sizes), DType::kBFloat16);
}

}  // namespace kiln
