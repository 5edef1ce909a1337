// Running sums, products and extremes: a serial loop that reads its accumulator after each
// update.
#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

// What a running sum or product of `dtype` is held in: float32's in float64, as eager has
// it on a CPU (at::acc_type), since a long one loses a digit every few hundred terms.
DType AccumulationDType(DType dtype) { return dtype == DType::kFloat32 ? DType::kFloat64 : ComputationDType(dtype); }

// aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None)
absl::Status Scan(LoweringContext& c, ReduceKind kind) {
  TensorOperand in = c.In(0);
  int rank = static_cast<int>(in.sizes.size());
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(1), rank));
  TensorOperand out = c.Out();
  DType dtype = AccumulationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i(rank);
  for (int d = 0; d < rank; ++d) {
    if (d != dim) i[d] = b.BeginLoop(out.sizes[d]);
  }
  Val accumulator = b.Accumulate(kind, dtype);
  if (rank > 0) i[dim] = b.BeginLoop(out.sizes[dim]);
  // First to the output's type, which is what eager sums.
  b.Update(accumulator, b.Cast(b.Cast(LoadBroadcast(b, in, i), ComputationDType(out.dtype)), dtype));
  StoreAt(b, out, i, b.Cast(b.Result(accumulator), ComputationDType(out.dtype)));
  for (int d = 0; d < rank; ++d) b.EndLoop();
  c.Emit(std::move(b));
  return absl::OkStatus();
}
absl::Status Cumsum(LoweringContext& c) { return Scan(c, ReduceKind::kSum); }
absl::Status Cumprod(LoweringContext& c) { return Scan(c, ReduceKind::kProd); }

// aten::cummax(Tensor self, int dim) -> (Tensor values, Tensor indices): the index is that of the last element which
// was no less than all before it; nan is greater than any number.
absl::Status Extreme(LoweringContext& c, ReduceKind kind) {
  TensorOperand in = c.In(0);
  int rank = static_cast<int>(in.sizes.size());
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(1), rank));
  KernelBuilder b = c.NewKernel();
  Dims i(rank);
  for (int d = 0; d < rank; ++d) {
    if (d != dim) i[d] = b.BeginLoop(in.sizes[d]);
  }
  Val best = b.Accumulate(kind, ComputationDType(in.dtype));
  Val place = b.Accumulate(ReduceKind::kMax, DType::kInt64);
  if (rank > 0) i[dim] = b.BeginLoop(in.sizes[dim]);
  Val x = LoadBroadcast(b, in, i);
  b.Update(best, x);
  Val so_far = b.Result(best);
  Val is_new = b.Op(kind == ReduceKind::kMax ? ScalarOp::kGe : ScalarOp::kLe, x, so_far);
  if (!IsIntegralOrBool(x.dtype)) is_new = b.Op(ScalarOp::kBitOr, is_new, b.Op(ScalarOp::kIsNan, x));
  Val here = b.FromExpr(DType::kInt64, rank > 0 ? i[dim] : Expr(0));
  b.Update(place, b.Where(is_new, here, b.Constant(DType::kInt64, 0)));
  if (c.IsUsed(0)) StoreAt(b, c.Out(0), i, so_far);
  if (c.IsUsed(1)) StoreAt(b, c.Out(1), i, b.Result(place));
  for (int d = 0; d < rank; ++d) b.EndLoop();
  c.Emit(std::move(b));
  return absl::OkStatus();
}
absl::Status Cummax(LoweringContext& c) { return Extreme(c, ReduceKind::kMax); }
absl::Status Cummin(LoweringContext& c) { return Extreme(c, ReduceKind::kMin); }

constexpr LoweringRow kRows[] = {
    {"aten.cummax.default", Cummax},
    {"aten.cummin.default", Cummin},
    {"aten.cumprod.default", Cumprod},
    {"aten.cumsum.default", Cumsum},
};

}  // namespace

absl::Span<const LoweringRow> ScanLowerings() { return kRows; }

}  // namespace kiln
