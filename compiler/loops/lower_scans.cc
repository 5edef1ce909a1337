// Running sums and products: a serial loop that reads its accumulator after each
// update.
#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

// aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None)
absl::Status Scan(LoweringContext& c, ReduceKind kind) {
  TensorOperand in = c.In(0);
  int rank = static_cast<int>(in.sizes.size());
  KILN_ASSIGN_OR_RETURN(int dim, c.args().WrapDim(c.args().Int(1), rank));
  TensorOperand out = c.Out();
  DType dtype = ComputationDType(out.dtype);
  KernelBuilder b = c.NewKernel();
  Dims i(rank);
  for (int d = 0; d < rank; ++d) {
    if (d != dim) i[d] = b.BeginLoop(out.sizes[d]);
  }
  Val accumulator = b.Accumulate(kind, dtype);
  if (rank > 0) i[dim] = b.BeginLoop(out.sizes[dim]);
  b.Update(accumulator, b.Cast(LoadBroadcast(b, in, i), dtype));
  StoreAt(b, out, i, b.Result(accumulator));
  for (int d = 0; d < rank; ++d) b.EndLoop();
  c.Emit(std::move(b));
  return absl::OkStatus();
}
absl::Status Cumsum(LoweringContext& c) { return Scan(c, ReduceKind::kSum); }
absl::Status Cumprod(LoweringContext& c) { return Scan(c, ReduceKind::kProd); }

constexpr LoweringRow kRows[] = {
    {"aten.cumprod.default", Cumprod},
    {"aten.cumsum.default", Cumsum},
};

}  // namespace

absl::Span<const LoweringRow> ScanLowerings() { return kRows; }

}  // namespace kiln
