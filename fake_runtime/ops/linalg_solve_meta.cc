// Solvers: A X = B, or X A = B where `left` is false.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/broadcast.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/linalg_meta.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::Status CheckSameKind(MetaContext& ctx, const FakeTensor& a, const FakeTensor& b) {
  if (a.dtype == b.dtype) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("operands must have the same dtype, but got ",
                                                            GetDTypeRow(a.dtype).name, " and ",
                                                            GetDTypeRow(b.dtype).name));
}

// A is square and B [*, m, k] has its side, on the left or on the right.
absl::Status CheckSolver(MetaContext& ctx, const FakeTensor& a, const FakeTensor& b, bool left) {
  KILN_RETURN_IF_ERROR(CheckSameKind(ctx, a, b));
  KILN_RETURN_IF_ERROR(CheckSquare(ctx, a, "A"));
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, b, "B"));
  return ctx.CheckEqual(a.sizes.back(), b.sizes[b.rank() - (left ? 2 : 1)], "the side of A",
                        left ? "the rows of B" : "the columns of B");
}

// `t`'s matrix in the batch that `t` and `other` broadcast to.
absl::StatusOr<Dims> InCommonBatch(MetaContext& ctx, const FakeTensor& t, const FakeTensor& other) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, BroadcastSizes(ctx, LeadingSizes(t, 2), LeadingSizes(other, 2)));
  sizes.push_back(t.sizes[t.rank() - 2]);
  sizes.push_back(t.sizes[t.rank() - 1]);
  return sizes;
}

FakeTensor NewSolution(MetaContext& ctx, const FakeTensor& b, Dims sizes, bool column_major) {
  if (column_major) return NewColumnMajor(ctx, b.dtype, b.device, std::move(sizes));
  return ctx.NewTensor(b.dtype, b.device, std::move(sizes));
}

}  // namespace

absl::Status CholeskySolveMeta(MetaContext& ctx) {
  const FakeTensor& b = ctx.Tensor(0);
  const FakeTensor& a = ctx.Tensor(1);
  KILN_RETURN_IF_ERROR(CheckSolver(ctx, a, b, true));
  KILN_ASSIGN_OR_RETURN(Dims sizes, InCommonBatch(ctx, b, a));
  ctx.Return(NewSolution(ctx, b, std::move(sizes), true));
  return absl::OkStatus();
}

absl::Status LdlSolveMeta(MetaContext& ctx) {
  const FakeTensor& ld = ctx.Tensor(0);
  const FakeTensor& b = ctx.Tensor(2);
  KILN_RETURN_IF_ERROR(CheckSolver(ctx, ld, b, true));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, ld));
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, LeadingSizes(ld, 1), ctx.Tensor(1).sizes, "LD but for its last", "pivots"));
  if (!IsIntegralOrBool(ctx.Tensor(1).dtype) || ctx.Tensor(1).dtype == DType::kBool) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("pivots must be integers but are ", GetDTypeRow(ctx.Tensor(1).dtype).name));
  }
  KILN_ASSIGN_OR_RETURN(Dims sizes, InCommonBatch(ctx, b, ld));
  ctx.Return(NewSolution(ctx, b, std::move(sizes), true));
  return absl::OkStatus();
}

absl::Status LuSolveMeta(MetaContext& ctx) {
  const FakeTensor& lu = ctx.Tensor(0);
  const FakeTensor& pivots = ctx.Tensor(1);
  const FakeTensor& b = ctx.Tensor(2);
  const bool left = ctx.Bool(3);
  KILN_RETURN_IF_ERROR(CheckSolver(ctx, lu, b, left));
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, lu));
  if (pivots.dtype != DType::kInt32) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("pivots must be torch.int32 but are ", GetDTypeRow(pivots.dtype).name));
  }
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, LeadingSizes(lu, 1), pivots.sizes, "LU but for its last", "pivots"));
  KILN_ASSIGN_OR_RETURN(Dims sizes, InCommonBatch(ctx, b, lu));
  FakeTensor out = NewSolution(ctx, b, std::move(sizes), left);
  // X A = B is solved as the adjoint system, and the result conjugated lazily.
  if (!left && IsComplex(b.dtype)) {
    KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, Numel(ctx.pool(), out.sizes), "there is nothing to conjugate"));
    out.conj_bit = !empty;
  }
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status SolveExMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  FakeTensor b = ctx.Tensor(1);
  const bool left = ctx.Bool(2);
  KILN_RETURN_IF_ERROR(CheckLapackDType(ctx, a));
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, a, "A"));
  bool vector = b.rank() == 1;
  if (!vector && b.rank() == a.rank() - 1) {
    KILN_ASSIGN_OR_RETURN(vector, GuardSameSizes(ctx, b.sizes, LeadingSizes(a, 1)));
  }
  if (vector && !left) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, "a vector B is not supported where left is false");
  }
  if (vector) b.sizes.push_back(Expr(1));
  KILN_RETURN_IF_ERROR(CheckSolver(ctx, a, b, left));
  KILN_ASSIGN_OR_RETURN(Dims sizes, InCommonBatch(ctx, b, a));
  if (vector) sizes.pop_back();
  ctx.Return(NewSolution(ctx, b, std::move(sizes), left));
  ctx.Return(NewColumnMajor(ctx, a.dtype, a.device, a.sizes));
  ctx.Return(ctx.NewTensor(DType::kInt32, a.device, LeadingSizes(a, 1)));
  ctx.Return(ctx.NewTensor(DType::kInt32, a.device, LeadingSizes(a, 2)));
  return absl::OkStatus();
}

absl::Status SolveTriangularMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  const FakeTensor& b = ctx.Tensor(1);
  KILN_RETURN_IF_ERROR(CheckSolver(ctx, a, b, ctx.Bool(3)));
  KILN_ASSIGN_OR_RETURN(Dims sizes, InCommonBatch(ctx, b, a));
  bool plain = false;
  if (a.conj_bit) {
    // A conjugated A that lies column-major is solved without a copy of it.
    KILN_ASSIGN_OR_RETURN(Dims wide, InCommonBatch(ctx, a, b));
    FakeTensor turned = a;
    KILN_ASSIGN_OR_RETURN(turned.strides, BroadcastStrides(ctx, a.sizes, a.strides, wide));
    turned.sizes = std::move(wide);
    const int last = turned.rank() - 1;
    std::swap(turned.sizes[last], turned.sizes[last - 1]);
    std::swap(turned.strides[last], turned.strides[last - 1]);
    KILN_ASSIGN_OR_RETURN(plain, TestContiguous(ctx.env(), turned));
  }
  ctx.Return(NewSolution(ctx, b, std::move(sizes), !plain));
  return absl::OkStatus();
}

absl::Status TriangularSolveMeta(MetaContext& ctx) {
  const FakeTensor& b = ctx.Tensor(0);
  const FakeTensor& a = ctx.Tensor(1);
  KILN_RETURN_IF_ERROR(CheckSolver(ctx, a, b, true));
  KILN_ASSIGN_OR_RETURN(Dims solution, InCommonBatch(ctx, b, a));
  KILN_ASSIGN_OR_RETURN(Dims coefficient, InCommonBatch(ctx, a, b));
  ctx.Return(NewSolution(ctx, b, std::move(solution), true));
  ctx.Return(NewSolution(ctx, a, std::move(coefficient), true));
  return absl::OkStatus();
}

absl::Status OrmqrMeta(MetaContext& ctx) {
  const FakeTensor& a = ctx.Tensor(0);
  const FakeTensor& tau = ctx.Tensor(1);
  const FakeTensor& other = ctx.Tensor(2);
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, a, "input"));
  KILN_RETURN_IF_ERROR(CheckMatrix(ctx, other, "other"));
  KILN_RETURN_IF_ERROR(CheckSameKind(ctx, a, tau));
  KILN_RETURN_IF_ERROR(CheckSameKind(ctx, a, other));
  if (tau.rank() != a.rank() - 1 || other.rank() != a.rank()) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("tau and other have ranks ", tau.rank(), " and ",
                                                              other.rank(), " for an input of rank ", a.rank()));
  }
  ExprPool& pool = ctx.pool();
  const Expr side = other.sizes[other.rank() - (ctx.Bool(3) ? 2 : 1)];
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(side, a.sizes[a.rank() - 2], "the side of other", "the rows of input"));
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      pool.And(pool.Ge(side, tau.sizes.back()), pool.Ge(a.sizes.back(), tau.sizes.back())), "tau is not too long",
      absl::StrCat("tau has length ", tau.sizes.back().ToString(), " for a side of ", side.ToString(), " and ",
                   a.sizes.back().ToString(), " columns")));
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, LeadingSizes(tau, 1), LeadingSizes(a, 2), "the batch of tau", "input's"));
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, LeadingSizes(other, 2), LeadingSizes(a, 2), "the batch of other", "input's"));
  ctx.Return(NewColumnMajor(ctx, other.dtype, other.device, other.sizes));
  return absl::OkStatus();
}

absl::Status CrossMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& other = ctx.Tensor(1);
  if (self.rank() != other.rank()) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("inputs must have the same number of dimensions but have ",
                                                              self.rank(), " and ", other.rank()));
  }
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(2), self.rank()));
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kShapeMismatch, "a cross product needs a dimension of size 3");
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(self.sizes[dim], Expr(3), "the dimension of self", "3"));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(other.sizes[dim], Expr(3), "the dimension of other", "3"));
  KILN_ASSIGN_OR_RETURN(Dims sizes, BroadcastSizes(ctx, self.sizes, other.sizes));
  ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status CheckErrorsMeta(MetaContext&) { return absl::OkStatus(); }

}  // namespace kiln
