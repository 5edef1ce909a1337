// Distances between rows.
#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"
#include "compiler/loops/norm_sum.h"

namespace kiln {
namespace {

void UpdateWithDifference(KernelBuilder& b, NormSum& norm, const TensorOperand& x, const Dims& i,
                          const TensorOperand& y, const Dims& j) {
  norm.Update(b.Op(ScalarOp::kSub, LoadBroadcast(b, x, i), LoadBroadcast(b, y, j)));
}

// What _cdist_forward's compute_mode may say; none is the first.
enum class CdistMode : int64_t { kProductIfManyRows = 0, kProduct = 1, kNoProduct = 2 };
// More rows than this on either side go through a matrix product.
constexpr int64_t kFewRows = 25;

// Whether PyTorch takes |x|^2 + |y|^2 - 2xy, whose product its library does best.
bool IsProduct(LoweringContext& c, double ord) {
  CdistMode mode = c.args().IsNone(3) ? CdistMode::kProductIfManyRows : CdistMode(c.args().Int(3));
  if (ord != 2 || mode == CdistMode::kNoProduct) return false;
  if (mode == CdistMode::kProduct) return true;
  for (int arg : {0, 1}) {
    Expr rows = c.In(arg).sizes[c.In(arg).sizes.size() - 2];
    if (!c.env().KnownTrue(c.pool().Le(rows, Expr(kFewRows)))) return true;
  }
  return false;
}

// aten::_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode): [.., p, m] x [.., r, m] -> [.., p, r]
absl::Status Cdist(LoweringContext& c) {
  double ord = c.args().Float(2);
  if (IsProduct(c, ord)) return c.Unsupported("distances by a matrix product");
  TensorOperand x = c.In(0);
  TensorOperand y = c.In(1);
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  NormSum norm(b, ComputationDType(out.dtype), ord);
  Dims at_x = i, at_y = i;
  at_y[i.size() - 2] = i.back();
  at_x.back() = at_y.back() = b.BeginLoop(x.sizes.back());
  UpdateWithDifference(b, norm, x, at_x, y, at_y);
  b.EndLoop();
  StoreAt(b, out, i, norm.Result());
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// aten::_pdist_forward(Tensor self, float p=2): rows i < j of [n, m], in row-major order, -> [n*(n-1)/2]
absl::Status Pdist(LoweringContext& c) {
  TensorOperand x = c.In(0);
  TensorOperand out = c.Out();
  ExprPool& pool = c.pool();
  KernelBuilder b = c.NewKernel();
  Expr n = x.sizes[0];
  Expr i = b.BeginLoop(pool.Max(pool.Sub(n, Expr(1)), Expr(0)));
  Expr behind = b.BeginLoop(pool.Sub(pool.Sub(n, Expr(1)), i));
  NormSum norm(b, ComputationDType(out.dtype), c.args().Float(1));
  Expr k = b.BeginLoop(x.sizes[1]);
  UpdateWithDifference(b, norm, x, {i, k}, x, {pool.Add(pool.Add(i, Expr(1)), behind), k});
  b.EndLoop();
  // The rows before i have n-1, n-2, ... pairs.
  Expr before = pool.FloorDiv(pool.Mul(i, pool.Sub(pool.Mul(Expr(2), n), pool.Add(i, Expr(1)))), Expr(2));
  StoreAt(b, out, {pool.Add(before, behind)}, norm.Result());
  b.EndLoop();
  b.EndLoop();
  c.Emit(std::move(b));
  return absl::OkStatus();
}

constexpr LoweringRow kRows[] = {
    {"aten._cdist_forward.default", Cdist},
    {"aten._pdist_forward.default", Pdist},
};

}  // namespace

absl::Span<const LoweringRow> DistanceLowerings() { return kRows; }

}  // namespace kiln
