// Tensors out of nothing: constants, counters.
#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "compiler/loops/lowering_table.h"
#include "compiler/loops/pointwise_context.h"

namespace kiln {
namespace {

using P = PointwiseContext;

template <int arg>
Val Copied(P& p) {
  return p.Arg(arg);
}
template <int value>
Val Fill(P& p) {
  return p.Number(value);
}

// start + step * i, in integers where all of it is integer.
Val Counted(P& p, Expr start, Expr step) {
  ExprPool& pool = p.b().pool();
  Expr i = p.indices()[0];
  bool integral = start.type() == ExprType::kInt && step.type() == ExprType::kInt;
  if (integral) {
    return p.b().Cast(p.b().FromExpr(DType::kInt64, pool.Add(start, pool.Mul(step, i))), p.dtype());
  }
  Val scaled = p.Mul(p.b().FromExpr(p.dtype(), i), p.b().FromExpr(p.dtype(), step));
  return p.Add(p.b().FromExpr(p.dtype(), start), scaled);
}

Val Arange(P& p) { return Counted(p, Expr(0), Expr(1)); }
Val ArangeStart(P& p) { return Counted(p, p.args().Scalar(0).value, Expr(1)); }
Val ArangeStep(P& p) { return Counted(p, p.args().Scalar(0).value, p.args().Scalar(2).value); }

// aten::linspace(Scalar start, Scalar end, int steps, ...), counted from the
// nearer end so that both are met exactly.
Val Linspace(P& p) {
  ExprPool& pool = p.b().pool();
  Expr i = p.indices()[0];
  Expr last(p.args().Int(2) - 1);
  Val start = p.Arg(0);
  if (!IsFloating(p.dtype()) || last.IsInt(0)) {
    if (last.IsInt(0)) return start;
    Val position = p.b().FromExpr(DType::kFloat32, i);
    Val end_f = p.b().Cast(p.Arg(1), DType::kFloat32);
    Val start_f = p.b().Cast(start, DType::kFloat32);
    Val step_f = p.Div(p.Sub(end_f, start_f), p.b().FromExpr(DType::kFloat32, last));
    return p.b().Cast(p.Add(start_f, p.Mul(position, step_f)), p.dtype());
  }
  Val end = p.Arg(1);
  Val step = p.Div(p.Sub(end, start), p.b().FromExpr(p.dtype(), last));
  Val from_start = p.Add(start, p.Mul(p.b().FromExpr(p.dtype(), i), step));
  Val from_end = p.Sub(end, p.Mul(p.b().FromExpr(p.dtype(), pool.Sub(last, i)), step));
  Val half = p.b().FromExpr(DType::kInt64, pool.Sub(pool.Mul(i, Expr(2)), last));
  return p.Where(p.Lt(half, p.b().Constant(DType::kInt64, 0)), from_start, from_end);
}

// aten::logspace(Scalar start, Scalar end, int steps, float base=10., ...)
Val Logspace(P& p) {
  DType dtype = IsFloating(p.dtype()) ? p.dtype() : DType::kFloat64;
  auto exponent = [&](int arg) { return p.b().Cast(p.Own(arg), dtype); };
  Val start = exponent(0);
  Expr last(p.args().Int(2) - 1);
  Val power = start;
  if (!last.IsInt(0)) {
    Val step = p.Div(p.Sub(exponent(1), start), p.b().FromExpr(dtype, last));
    power = p.Add(start, p.Mul(p.b().FromExpr(dtype, p.indices()[0]), step));
  }
  return p.b().Cast(p.Op(ScalarOp::kPow, p.b().Constant(dtype, p.args().Float(3)), power), p.dtype());
}

Val Eye(P& p) {
  ExprPool& pool = p.b().pool();
  Val distance = p.b().FromExpr(DType::kInt64, pool.Sub(p.indices()[0], p.indices()[1]));
  return p.Where(p.Eq(distance, p.b().Constant(DType::kInt64, 0)), p.Number(1), p.Number(0));
}

constexpr PointwiseRow kRows[] = {
    {"aten._efficientzerotensor.default", Computes::kOut, Fill<0>},
    {"aten.arange.default", Computes::kOut, Arange},
    {"aten.arange.start", Computes::kOut, ArangeStart},
    {"aten.arange.start_step", Computes::kOut, ArangeStep},
    {"aten.eye.default", Computes::kOut, Eye},
    {"aten.eye.m", Computes::kOut, Eye},
    {"aten.full.default", Computes::kOut, Copied<1>},
    {"aten.full_like.default", Computes::kOut, Copied<1>},
    {"aten.linspace.Scalar_Tensor", Computes::kOut, Linspace},
    {"aten.linspace.Tensor_Scalar", Computes::kOut, Linspace},
    {"aten.linspace.Tensor_Tensor", Computes::kOut, Linspace},
    {"aten.linspace.default", Computes::kOut, Linspace},
    {"aten.logspace.Scalar_Tensor", Computes::kOut, Logspace},
    {"aten.logspace.Tensor_Scalar", Computes::kOut, Logspace},
    {"aten.logspace.Tensor_Tensor", Computes::kOut, Logspace},
    {"aten.logspace.default", Computes::kOut, Logspace},
    {"aten.new_full.default", Computes::kOut, Copied<2>},
    {"aten.new_ones.default", Computes::kOut, Fill<1>},
    {"aten.new_zeros.default", Computes::kOut, Fill<0>},
    {"aten.ones.default", Computes::kOut, Fill<1>},
    {"aten.ones_like.default", Computes::kOut, Fill<1>},
    {"aten.scalar_tensor.default", Computes::kOut, Copied<0>},
    {"aten.zero.default", Computes::kOut, Fill<0>},
    {"aten.zeros.default", Computes::kOut, Fill<0>},
    {"aten.zeros_like.default", Computes::kOut, Fill<0>},
};

// Memory that nobody has written.
absl::Status Uninitialized(LoweringContext& c) {
  c.Out();
  return absl::OkStatus();
}

// Rows [first, last) of a matrix, of each of which columns [begin, end) count.
struct TrianglePart {
  int64_t first;
  int64_t last;
  std::function<Expr(Expr row)> begin;
  std::function<Expr(Expr row)> end;
  std::function<Expr(Expr row)> before;  // elements of the triangle in front of the row
};

absl::Status EmitTriangle(LoweringContext& c, const std::vector<TrianglePart>& parts) {
  TensorOperand out = c.Out();
  ExprPool& pool = c.pool();
  KernelBuilder b = c.NewKernel();
  for (const TrianglePart& part : parts) {
    if (part.first >= part.last) continue;
    Expr row = pool.Add(b.BeginLoop(Expr(part.last - part.first)), Expr(part.first));
    Expr k = b.BeginLoop(pool.Sub(part.end(row), part.begin(row)));
    Expr place = pool.Add(part.before(row), k);
    StoreAt(b, out, {Expr(0), place}, b.FromExpr(DType::kInt64, row));
    StoreAt(b, out, {Expr(1), place}, b.FromExpr(DType::kInt64, pool.Add(part.begin(row), k)));
    b.EndLoop();
    b.EndLoop();
  }
  c.Emit(std::move(b));
  return absl::OkStatus();
}

// The sum of count, count + step, ... over `n` rows.
Expr SumOfCounts(ExprPool& pool, Expr n, int64_t count, int64_t step) {
  Expr pairs = pool.FloorDiv(pool.Mul(n, pool.Sub(n, Expr(1))), Expr(2));
  return pool.Add(pool.Mul(n, Expr(count)), pool.Mul(Expr(step), pairs));
}

// aten::tril_indices(int row, int col, int offset=0, ...): rows that grow by a
// column each, and then whole rows.
absl::Status TrilIndices(LoweringContext& c) {
  int64_t rows = c.args().Int(0), columns = c.args().Int(1), offset = c.args().Int(2);
  ExprPool& pool = c.pool();
  int64_t first = std::clamp<int64_t>(-offset, 0, rows);
  int64_t whole = std::clamp<int64_t>(columns - offset, first, rows);
  auto zero = [](Expr) { return Expr(0); };
  auto grows = [&pool, offset](Expr row) { return pool.Add(row, Expr(offset + 1)); };
  auto before = [&pool, first, offset](Expr row) {
    return SumOfCounts(pool, pool.Sub(row, Expr(first)), first + offset + 1, 1);
  };
  Expr in_front = before(Expr(whole));
  auto before_whole = [&pool, in_front, whole, columns](Expr row) {
    return pool.Add(in_front, pool.Mul(pool.Sub(row, Expr(whole)), Expr(columns)));
  };
  auto all = [columns](Expr) { return Expr(columns); };
  return EmitTriangle(c, {{first, whole, zero, grows, before}, {whole, rows, zero, all, before_whole}});
}

// aten::triu_indices(int row, int col, int offset=0, ...): whole rows, and then
// rows that begin a column later each.
absl::Status TriuIndices(LoweringContext& c) {
  int64_t rows = c.args().Int(0), columns = c.args().Int(1), offset = c.args().Int(2);
  ExprPool& pool = c.pool();
  int64_t whole = std::clamp<int64_t>(-offset, 0, rows);
  int64_t last = std::clamp<int64_t>(columns - offset, whole, rows);
  auto zero = [](Expr) { return Expr(0); };
  auto all = [columns](Expr) { return Expr(columns); };
  auto before_whole = [&pool, columns](Expr row) { return pool.Mul(row, Expr(columns)); };
  auto later = [&pool, offset](Expr row) { return pool.Add(row, Expr(offset)); };
  auto before = [&pool, whole, offset, columns](Expr row) {
    Expr shrinking = SumOfCounts(pool, pool.Sub(row, Expr(whole)), columns - whole - offset, -1);
    return pool.Add(Expr(whole * columns), shrinking);
  };
  return EmitTriangle(c, {{0, whole, zero, all, before_whole}, {whole, last, later, all, before}});
}

constexpr LoweringRow kLoopRows[] = {
    {"aten.empty.memory_format", Uninitialized},
    {"aten.empty_like.default", Uninitialized},
    {"aten.empty_permuted.default", Uninitialized},
    {"aten.empty_strided.default", Uninitialized},
    {"aten.new_empty.default", Uninitialized},
    {"aten.new_empty_strided.default", Uninitialized},
    {"aten.tril_indices.default", TrilIndices},
    {"aten.triu_indices.default", TriuIndices},
};

}  // namespace

absl::Span<const PointwiseRow> CreationRows() { return kRows; }
absl::Span<const LoweringRow> CreationLowerings() { return kLoopRows; }

}  // namespace kiln
