#include "fake_runtime/ops/linalg_meta.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/promotion.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::Status ReturnPlain(MetaContext& ctx, const FakeTensor& like, DType dtype, Dims sizes) {
  ctx.Return(ctx.NewTensor(dtype, like.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status ReturnColumnMajor(MetaContext& ctx, const FakeTensor& like, Dims sizes) {
  ctx.Return(NewColumnMajor(ctx, like.dtype, like.device, std::move(sizes)));
  return absl::OkStatus();
}

// What stands for a result that was not asked for.
absl::Status ReturnNothing(MetaContext& ctx, const FakeTensor& like) {
  return ReturnPlain(ctx, like, like.dtype, {Expr(0)});
}

Dims Matrix(Dims batch, Expr rows, Expr columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}

Expr Rows(const FakeTensor& t) { return t.sizes[t.rank() - 2]; }
Expr Columns(const FakeTensor& t) { return t.sizes[t.rank() - 1]; }
Expr Diagonal(MetaContext& ctx, const FakeTensor& t) { return ctx.pool().Min(Rows(t), Columns(t)); }

Dims WithDiagonal(MetaContext& ctx, const FakeTensor& t) {
  Dims sizes = LeadingSizes(t, 2);
  sizes.push_back(Diagonal(ctx, t));
  return sizes;
}

// P [*, m, m], L [*, m, k], U [*, k, n].
absl::Status ReturnPlu(MetaContext& ctx, const FakeTensor& a, bool with_p, bool with_lu) {
  const Dims batch = LeadingSizes(a, 2);
  const Expr k = Diagonal(ctx, a);
  KILN_RETURN_IF_ERROR(with_p ? ReturnPlain(ctx, a, a.dtype, Matrix(batch, Rows(a), Rows(a))) : ReturnNothing(ctx, a));
  if (!with_lu) {
    KILN_RETURN_IF_ERROR(ReturnNothing(ctx, a));
    return ReturnNothing(ctx, a);
  }
  KILN_RETURN_IF_ERROR(ReturnPlain(ctx, a, a.dtype, Matrix(batch, Rows(a), k)));
  return ReturnPlain(ctx, a, a.dtype, Matrix(batch, k, Columns(a)));
}

}  // namespace

FakeTensor NewColumnMajor(MetaContext& ctx, DType dtype, const Device& device, Dims sizes) {
  Dims strides = ContiguousStrides(ctx.env(), sizes);
  const size_t rank = sizes.size();
  if (rank >= 2) {
    strides[rank - 2] = Expr(1);
    strides[rank - 1] = ctx.env().Simplify(ctx.pool().Max(sizes[rank - 2], Expr(1)));
  }
  return ctx.NewTensor(dtype, device, std::move(sizes), std::move(strides));
}

absl::Status CheckMatrix(MetaContext& ctx, const FakeTensor& t, absl::string_view name) {
  if (t.rank() >= 2) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kShapeMismatch,
                  absl::StrCat(name, " must have at least 2 dimensions but has ", t.rank()));
}

absl::Status CheckSquare(MetaContext& ctx, const FakeTensor& t, absl::string_view name) {
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, t, name));
  return ctx.CheckEqual(Rows(t), Columns(t), absl::StrCat("the rows of ", name), "its columns");
}

absl::Status CheckLapackDType(MetaContext& ctx, const FakeTensor& t) {
  switch (t.dtype) {
    case DType::kFloat32:
    case DType::kFloat64:
    case DType::kComplex64:
    case DType::kComplex128:
      return absl::OkStatus();
    default:
      return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("needs float32, float64, complex64 or complex128 but got ",
                                                                GetDTypeRow(t.dtype).name));
  }
}

Dims LeadingSizes(const FakeTensor& t, int drop) { return Dims(t.sizes.begin(), t.sizes.end() - drop); }

absl::Status CholeskyMeta(MetaContext& ctx) {
  // The kernel looks at what is empty no further.
  const FakeTensor& a = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, Numel(ctx.pool(), a.sizes), "there is nothing to factorise"));
  if (empty) return ReturnPlain(ctx, a, a.dtype, a.sizes);
  KILN_RETURN_IF_ERROR(CheckSquare(ctx, a, "A"));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  return ReturnColumnMajor(ctx, a, a.sizes);
}

absl::Status CholeskyExMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckSquare(ctx, a, "A"));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  KILN_RETURN_IF_ERROR(ReturnColumnMajor(ctx, a, a.sizes));
  return ReturnPlain(ctx, a, DType::kInt32, LeadingSizes(a, 2));
}

absl::Status CholeskyInverseMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckSquare(ctx, ctx.Tensor(0), "self"));
  return ReturnColumnMajor(ctx, ctx.Tensor(0), ctx.Tensor(0).sizes);
}

absl::Status EighMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckSquare(ctx, a, "A"));
  const absl::string_view uplo = ctx.String(1);
  if (uplo != "L" && uplo != "U" && uplo != "l" && uplo != "u") {
    return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("UPLO is '", uplo, "' but must be 'L' or 'U'"));
  }
  KILN_RETURN_IF_ERROR(ReturnPlain(ctx, a, RealDType(a.dtype), LeadingSizes(a, 1)));
  return ctx.Bool(2) ? ReturnColumnMajor(ctx, a, a.sizes) : ReturnNothing(ctx, a);
}

absl::Status EigvalsMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckSquare(ctx, a, "self"));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  return ReturnPlain(ctx, a, ComplexDType(a.dtype), LeadingSizes(a, 1));
}

absl::Status EigMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(EigvalsMeta(ctx));
  const FakeTensor& a = ctx.Tensor(0);
  // Elsewhere the vectors are copied out of what the library gave.
  if (a.device.type == "cuda") return ReturnPlain(ctx, a, ComplexDType(a.dtype), a.sizes);
  ctx.Return(NewColumnMajor(ctx, ComplexDType(a.dtype), a.device, a.sizes));
  return absl::OkStatus();
}

absl::Status SvdMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, a, "A"));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  const bool full = ctx.Bool(1), vectors = ctx.Bool(2);
  const Expr k = Diagonal(ctx, a);
  const Dims batch = LeadingSizes(a, 2);
  KILN_RETURN_IF_ERROR(vectors ? ReturnColumnMajor(ctx, a, Matrix(batch, Rows(a), full ? Rows(a) : k))
                               : ReturnNothing(ctx, a));
  KILN_RETURN_IF_ERROR(ReturnPlain(ctx, a, RealDType(a.dtype), WithDiagonal(ctx, a)));
  if (!vectors) return ReturnNothing(ctx, a);
  Dims vh = Matrix(batch, full ? Columns(a) : k, Columns(a));
  // cuSOLVER gives the conjugate transpose in place; LAPACK in its own order.
  return a.device.is_cpu() ? ReturnColumnMajor(ctx, a, std::move(vh)) : ReturnPlain(ctx, a, a.dtype, std::move(vh));
}

absl::Status QrMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, a, "A"));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  const absl::string_view mode = ctx.String(1);
  if (mode != "reduced" && mode != "complete" && mode != "r") {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("mode is '", mode, "' but must be 'reduced', 'complete' or 'r'"));
  }
  const Expr side = mode == "complete" ? Rows(a) : Diagonal(ctx, a);
  const Dims batch = LeadingSizes(a, 2);
  KILN_RETURN_IF_ERROR(mode == "r" ? ReturnNothing(ctx, a) : ReturnColumnMajor(ctx, a, Matrix(batch, Rows(a), side)));
  return ReturnColumnMajor(ctx, a, Matrix(batch, side, Columns(a)));
}

absl::Status GeqrfMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, a, "self"));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  KILN_RETURN_IF_ERROR(ReturnColumnMajor(ctx, a, a.sizes));
  return ReturnPlain(ctx, a, a.dtype, WithDiagonal(ctx, a));
}

absl::Status HouseholderProductMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  const FakeTensor& tau = ctx.Tensor(1);
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, a, "input"));
  KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(Rows(a), Columns(a)), "input is not wider than high",
                                       absl::StrCat("input has ", Rows(a).ToString(), " rows but ",
                                                    Columns(a).ToString(), " columns")));
  if (tau.rank() != a.rank() - 1 || tau.dtype != a.dtype) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("tau of rank ", tau.rank(), " and ", GetDTypeRow(tau.dtype).name, " for an input of rank ",
                                 a.rank(), " and ", GetDTypeRow(a.dtype).name));
  }
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      ctx.pool().Ge(Columns(a), tau.sizes.back()), "tau is not longer than the columns",
      absl::StrCat("tau has length ", tau.sizes.back().ToString(), " for ", Columns(a).ToString(), " columns")));
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, LeadingSizes(tau, 1), LeadingSizes(a, 2), "the batch of tau", "input's"));
  return ReturnColumnMajor(ctx, a, a.sizes);
}

absl::Status LdlFactorMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckSquare(ctx, a, "self"));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  KILN_RETURN_IF_ERROR(ReturnColumnMajor(ctx, a, a.sizes));
  KILN_RETURN_IF_ERROR(ReturnPlain(ctx, a, DType::kInt32, LeadingSizes(a, 1)));
  return ReturnPlain(ctx, a, DType::kInt32, LeadingSizes(a, 2));
}

absl::Status LuMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, ctx.Tensor(0), "A"));
  return ReturnPlu(ctx, ctx.Tensor(0), ctx.Bool(1), true);
}

absl::Status LuFactorMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, a, "A"));
  KILN_RETURN_IF_ERROR(ReturnColumnMajor(ctx, a, a.sizes));
  KILN_RETURN_IF_ERROR(ReturnPlain(ctx, a, DType::kInt32, WithDiagonal(ctx, a)));
  return ReturnPlain(ctx, a, DType::kInt32, LeadingSizes(a, 2));
}

absl::Status LuUnpackMeta(MetaContext& ctx) {
  const FakeTensor& lu = ctx.Tensor(0);
  const DType pivots = ctx.Tensor(1).dtype;
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, lu, "LU_data"));
  if (ctx.Bool(3) && pivots != DType::kInt32) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("LU_pivots must be torch.int32 but is ", GetDTypeRow(pivots).name));
  }
  return ReturnPlu(ctx, lu, ctx.Bool(3), ctx.Bool(2));
}

absl::Status DetMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckSquare(ctx, a, "A"));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  KILN_RETURN_IF_ERROR(ReturnPlain(ctx, a, a.dtype, LeadingSizes(a, 2)));
  KILN_RETURN_IF_ERROR(ReturnColumnMajor(ctx, a, a.sizes));
  return ReturnPlain(ctx, a, DType::kInt32, LeadingSizes(a, 1));
}

absl::Status SlogdetMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckSquare(ctx, a, "A"));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  KILN_RETURN_IF_ERROR(ReturnPlain(ctx, a, a.dtype, LeadingSizes(a, 2)));
  KILN_RETURN_IF_ERROR(ReturnPlain(ctx, a, RealDType(a.dtype), LeadingSizes(a, 2)));
  KILN_RETURN_IF_ERROR(ReturnColumnMajor(ctx, a, a.sizes));
  return ReturnPlain(ctx, a, DType::kInt32, LeadingSizes(a, 1));
}

absl::Status MatrixExpMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckSquare(ctx, a, "self"));
  if (IsIntegralOrBool(a.dtype)) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("needs a floating point or complex dtype but got ", GetDTypeRow(a.dtype).name));
  }
  return ReturnPlain(ctx, a, a.dtype, a.sizes);
}

absl::Status PinvMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, a, "self"));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  if (ctx.Bool(ctx.schema().FindArg("hermitian"))) {
    // Nothing is decomposed where there is nothing.
    KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, Numel(ctx.pool(), a.sizes), "the matrices are empty"));
    if (!empty) KILN_RETURN_IF_ERROR(CheckSquare(ctx, a, "self"));
  }
  return ReturnPlain(ctx, a, a.dtype, Matrix(LeadingSizes(a, 2), Columns(a), Rows(a)));
}

}  // namespace kiln
