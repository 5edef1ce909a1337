// Tensors out of nothing: constants, counters, random numbers.
#include <cmath>

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

Val Eye(P& p) {
  ExprPool& pool = p.b().pool();
  Val distance = p.b().FromExpr(DType::kInt64, pool.Sub(p.indices()[0], p.indices()[1]));
  return p.Where(p.Eq(distance, p.b().Constant(DType::kInt64, 0)), p.Number(1), p.Number(0));
}

// The element's number in row-major order: what tells its random number apart.
Expr Counter(P& p) {
  ExprPool& pool = p.b().pool();
  const FakeTensor& out = p.node().OutTensor();
  Expr counter;
  for (size_t d = 0; d < p.indices().size(); ++d) {
    counter = pool.Add(pool.Mul(counter, p.node().env().Simplify(out.sizes[d])), p.indices()[d]);
  }
  return counter;
}

Val Uniform(P& p) { return p.b().Random(DType::kFloat32, p.node().state().next_seed_slot++, Counter(p)); }

Val Rand(P& p) { return p.b().Cast(Uniform(p), p.dtype()); }

// Box and Muller: two uniform numbers make a normal one.
Val Randn(P& p) {
  KernelBuilder& b = p.b();
  Val one = b.Constant(DType::kFloat32, 1);
  Val radius_seed = Uniform(p);
  Val angle_seed = Uniform(p);
  // 1 - u lies in (0, 1], so that the logarithm is finite.
  Val log = b.Op(ScalarOp::kLog, b.Op(ScalarOp::kSub, one, radius_seed));
  Val radius = b.Op(ScalarOp::kSqrt, b.Op(ScalarOp::kMul, b.Constant(DType::kFloat32, -2), log));
  Val angle = b.Op(ScalarOp::kCos, b.Op(ScalarOp::kMul, b.Constant(DType::kFloat32, 2 * M_PI), angle_seed));
  return b.Cast(b.Op(ScalarOp::kMul, radius, angle), p.dtype());
}

Val Bernoulli(P& p, Val probability) {
  Val hit = p.Lt(Uniform(p), p.b().Cast(probability, DType::kFloat32));
  return p.b().Cast(hit, p.dtype());
}
Val BernoulliSelf(P& p) { return Bernoulli(p, p.Own(0)); }
Val BernoulliP(P& p) { return Bernoulli(p, p.b().Constant(DType::kFloat32, p.args().Float(1))); }

constexpr PointwiseRow kRows[] = {
    {"aten.arange.default", Computes::kOut, Arange},
    {"aten.arange.start", Computes::kOut, ArangeStart},
    {"aten.arange.start_step", Computes::kOut, ArangeStep},
    {"aten.bernoulli.default", Computes::kOut, BernoulliSelf},
    {"aten.bernoulli.p", Computes::kOut, BernoulliP},
    {"aten.eye.default", Computes::kOut, Eye},
    {"aten.eye.m", Computes::kOut, Eye},
    {"aten.full.default", Computes::kOut, Copied<1>},
    {"aten.full_like.default", Computes::kOut, Copied<1>},
    {"aten.linspace.default", Computes::kOut, Linspace},
    {"aten.new_full.default", Computes::kOut, Copied<2>},
    {"aten.new_ones.default", Computes::kOut, Fill<1>},
    {"aten.new_zeros.default", Computes::kOut, Fill<0>},
    {"aten.ones.default", Computes::kOut, Fill<1>},
    {"aten.ones_like.default", Computes::kOut, Fill<1>},
    {"aten.rand.default", Computes::kOut, Rand},
    {"aten.rand_like.default", Computes::kOut, Rand},
    {"aten.randn.default", Computes::kOut, Randn},
    {"aten.randn_like.default", Computes::kOut, Randn},
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

constexpr LoweringRow kLoopRows[] = {
    {"aten.empty.memory_format", Uninitialized},
    {"aten.empty_like.default", Uninitialized},
    {"aten.empty_permuted.default", Uninitialized},
    {"aten.empty_strided.default", Uninitialized},
    {"aten.new_empty.default", Uninitialized},
    {"aten.new_empty_strided.default", Uninitialized},
};

}  // namespace

absl::Span<const PointwiseRow> CreationRows() { return kRows; }
absl::Span<const LoweringRow> CreationLowerings() { return kLoopRows; }

}  // namespace kiln
