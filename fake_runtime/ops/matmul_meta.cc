#include "fake_runtime/ops/matmul_meta.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/broadcast.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::Status CheckRank(MetaContext& ctx, int arg, int rank) {
  const FakeTensor& t = ctx.Tensor(arg);
  if (t.rank() == rank) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kShapeMismatch,
                  absl::StrCat(ctx.schema().args[arg].name, " must have rank ", rank, " but has rank ", t.rank()));
}

absl::Status CheckOperands(MetaContext& ctx, const FakeTensor& a, const FakeTensor& b) {
  if (a.dtype == b.dtype) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDtypeMismatch,
                  absl::StrCat("operands must have the same dtype, but got ", GetDTypeRow(a.dtype).name, " and ",
                               GetDTypeRow(b.dtype).name));
}

absl::Status ReturnNew(MetaContext& ctx, const FakeTensor& like, Dims sizes) {
  ctx.Return(ctx.NewTensor(like.dtype, like.device, std::move(sizes)));
  return absl::OkStatus();
}

// [m,k] x [k,n] of arguments a and a + 1.
absl::StatusOr<Dims> ProductSizes(MetaContext& ctx, int a) {
  KILN_RETURN_IF_ERROR(CheckRank(ctx, a, 2));
  KILN_RETURN_IF_ERROR(CheckRank(ctx, a + 1, 2));
  const FakeTensor& lhs = ctx.Tensor(a);
  const FakeTensor& rhs = ctx.Tensor(a + 1);
  KILN_RETURN_IF_ERROR(CheckOperands(ctx, lhs, rhs));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(lhs.sizes[1], rhs.sizes[0], "lhs dim 1", "rhs dim 0"));
  return Dims{lhs.sizes[0], rhs.sizes[1]};
}

absl::StatusOr<Dims> BatchProductSizes(MetaContext& ctx, int a) {
  KILN_RETURN_IF_ERROR(CheckRank(ctx, a, 3));
  KILN_RETURN_IF_ERROR(CheckRank(ctx, a + 1, 3));
  const FakeTensor& lhs = ctx.Tensor(a);
  const FakeTensor& rhs = ctx.Tensor(a + 1);
  KILN_RETURN_IF_ERROR(CheckOperands(ctx, lhs, rhs));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(lhs.sizes[0], rhs.sizes[0], "lhs dim 0", "rhs dim 0"));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(lhs.sizes[2], rhs.sizes[1], "lhs dim 2", "rhs dim 1"));
  return Dims{lhs.sizes[0], lhs.sizes[1], rhs.sizes[2]};
}

// The tensor that is added must broadcast to the product.
absl::Status CheckAdded(MetaContext& ctx, absl::Span<const Expr> product) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() > static_cast<int>(product.size())) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("self has rank ", self.rank(), " but the product has rank ",
                                                              product.size()));
  }
  KILN_ASSIGN_OR_RETURN(Dims sizes, BroadcastSizes(ctx, product, self.sizes));
  return CheckSameSizes(ctx, sizes, product, "self as broadcast", "the product");
}

}  // namespace

absl::Status MmMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, ProductSizes(ctx, 0));
  return ReturnNew(ctx, ctx.Tensor(0), std::move(sizes));
}

absl::Status BmmMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, BatchProductSizes(ctx, 0));
  return ReturnNew(ctx, ctx.Tensor(0), std::move(sizes));
}

// [..., k] x [n, k] -> [..., n], with a bias of [n]; of a weight of [k], [...].
absl::Status LinearMeta(MetaContext& ctx) {
  const FakeTensor& input = ctx.Tensor(0);
  const FakeTensor& weight = ctx.Tensor(1);
  if (input.rank() == 0 || weight.rank() == 0 || weight.rank() > 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("linear of an input of rank ", input.rank(),
                                                              " by a weight of rank ", weight.rank()));
  }
  KILN_RETURN_IF_ERROR(CheckOperands(ctx, input, weight));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(input.sizes.back(), weight.sizes.back(), "last dim of input", "of weight"));
  Dims sizes(input.sizes.begin(), input.sizes.end() - 1);
  if (weight.rank() == 2) sizes.push_back(weight.sizes[0]);
  if (const FakeTensor* bias = ctx.OptionalTensor(2)) {
    KILN_RETURN_IF_ERROR(CheckOperands(ctx, input, *bias));
    KILN_ASSIGN_OR_RETURN(sizes, BroadcastSizes(ctx, sizes, bias->sizes));
  }
  return ReturnNew(ctx, input, std::move(sizes));
}

absl::Status AddmmMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, ProductSizes(ctx, 1));
  KILN_RETURN_IF_ERROR(CheckAdded(ctx, sizes));
  KILN_RETURN_IF_ERROR(CheckOperands(ctx, ctx.Tensor(0), ctx.Tensor(1)));
  return ReturnNew(ctx, ctx.Tensor(1), std::move(sizes));
}

absl::Status BaddbmmMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, BatchProductSizes(ctx, 1));
  KILN_RETURN_IF_ERROR(CheckAdded(ctx, sizes));
  return ReturnNew(ctx, ctx.Tensor(1), std::move(sizes));
}

absl::Status AddbmmMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, BatchProductSizes(ctx, 1));
  sizes.erase(sizes.begin());
  KILN_RETURN_IF_ERROR(CheckAdded(ctx, sizes));
  return ReturnNew(ctx, ctx.Tensor(1), std::move(sizes));
}

namespace {

absl::StatusOr<Dims> MatrixVectorSizes(MetaContext& ctx, int a) {
  KILN_RETURN_IF_ERROR(CheckRank(ctx, a, 2));
  KILN_RETURN_IF_ERROR(CheckRank(ctx, a + 1, 1));
  const FakeTensor& matrix = ctx.Tensor(a);
  const FakeTensor& vector = ctx.Tensor(a + 1);
  KILN_RETURN_IF_ERROR(CheckOperands(ctx, matrix, vector));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(matrix.sizes[1], vector.sizes[0], "matrix dim 1", "vector dim 0"));
  return Dims{matrix.sizes[0]};
}

}  // namespace

absl::Status MvMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, MatrixVectorSizes(ctx, 0));
  return ReturnNew(ctx, ctx.Tensor(0), std::move(sizes));
}

absl::Status AddmvMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, MatrixVectorSizes(ctx, 1));
  KILN_RETURN_IF_ERROR(CheckAdded(ctx, sizes));
  // Of a matrix without rows nothing is added to self, and self keeps its sizes.
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0 || !(self.sizes[0] == sizes[0])) {
    KILN_ASSIGN_OR_RETURN(bool no_rows, GuardZero(ctx, sizes[0], "the matrix has no rows"));
    if (no_rows) {
      const Expr beta = ctx.Scalar(ctx.schema().FindArg("beta")).value;
      KILN_ASSIGN_OR_RETURN(bool dropped, ctx.Test(ctx.pool().Eq(beta, Expr(0)), "self counts for nothing"));
      if (!dropped) sizes = self.sizes;
    }
  }
  return ReturnNew(ctx, ctx.Tensor(1), std::move(sizes));
}

absl::Status DotMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckRank(ctx, 0, 1));
  KILN_RETURN_IF_ERROR(CheckRank(ctx, 1, 1));
  KILN_RETURN_IF_ERROR(CheckOperands(ctx, ctx.Tensor(0), ctx.Tensor(1)));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(ctx.Tensor(0).sizes[0], ctx.Tensor(1).sizes[0], "lhs dim 0", "rhs dim 0"));
  FakeTensor out = ctx.NewTensor(ctx.Tensor(0).dtype, ctx.Tensor(0).device, {});
  // The kernels pull conjugations out of the product, lazily.
  const bool lhs = ctx.Tensor(0).conj_bit, rhs = ctx.Tensor(1).conj_bit;
  out.conj_bit = absl::StartsWith(ctx.schema().name, "aten.vdot.") ? rhs && !lhs : rhs && lhs;
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status AddrMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckRank(ctx, 1, 1));
  KILN_RETURN_IF_ERROR(CheckRank(ctx, 2, 1));
  const Dims product = {ctx.Tensor(1).sizes[0], ctx.Tensor(2).sizes[0]};
  KILN_RETURN_IF_ERROR(CheckAdded(ctx, product));
  const Operand operands[] = {{&ctx.Tensor(0), {}}, {&ctx.Tensor(1), {}}, {&ctx.Tensor(2), {}}};
  KILN_ASSIGN_OR_RETURN(DType dtype, ResultType(ctx, operands));
  ctx.Return(ctx.NewTensor(dtype, ctx.Tensor(1).device, product));
  return absl::OkStatus();
}

absl::Status CdistMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  const FakeTensor& b = ctx.Tensor(1);
  if (a.rank() < 2 || b.rank() < 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("cdist needs rank >= 2 but got ", a.rank(), " and ", b.rank()));
  }
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(a.sizes.back(), b.sizes.back(), "columns of x1", "columns of x2"));
  KILN_ASSIGN_OR_RETURN(Dims sizes, BroadcastSizes(ctx, absl::MakeConstSpan(a.sizes).first(a.rank() - 2),
                                                   absl::MakeConstSpan(b.sizes).first(b.rank() - 2)));
  sizes.push_back(a.sizes[a.rank() - 2]);
  sizes.push_back(b.sizes[b.rank() - 2]);
  return ReturnNew(ctx, a, std::move(sizes));
}

absl::Status PdistMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckRank(ctx, 0, 2));
  // Of one row or none, the product is 0.
  const Expr n = ctx.Tensor(0).sizes[0];
  ExprPool& pool = ctx.pool();
  return ReturnNew(ctx, ctx.Tensor(0), {pool.FloorDiv(pool.Mul(n, pool.Sub(n, Expr(1))), Expr(2))});
}

absl::Status EuclideanDistMeta(MetaContext& ctx) { return CdistMeta(ctx); }

}  // namespace kiln
