// Softmaxes and layer norms; decompose_batch_norms.cc has the norms over channels. The formulas are those of torch/_decomp/decompositions.py
// with sums over a count written as means.
#include <limits>
#include <numeric>
#include <vector>

#include "compiler/decompose/decompose_arithmetic.h"
#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

ValueId Exp(D& d, ValueId a) { return d.Call("aten.exp.default", {a}); }
ValueId Reduce(D& d, absl::string_view op, ValueId a, const std::vector<int64_t>& dims, bool keepdim) {
  return d.Call(op, {a, CallArg::Ints(dims), keepdim});
}
ValueId Sum(D& d, ValueId a, const std::vector<int64_t>& dims, bool keepdim = true) {
  return Reduce(d, "aten.sum.dim_IntList", a, dims, keepdim);
}
ValueId Mean(D& d, ValueId a, const std::vector<int64_t>& dims) { return Reduce(d, "aten.mean.dim", a, dims, true); }

// An empty dimension has no maximum, and nothing to shift.
ValueId Shifted(D& d, ValueId x, int64_t dim) {
  for (Expr size : d.Tensor(x).sizes) {
    if (size.IsInt(0)) return x;
  }
  return Sub(d, x, Reduce(d, "aten.amax.default", x, {dim}, true));
}

ValueId SoftmaxOf(D& d, ValueId x, int64_t dim) {
  ValueId exp = Exp(d, Shifted(d, x, dim));
  return d.Call("aten.div.Tensor", {exp, Sum(d, exp, {dim})});
}
ValueId LogSoftmaxOf(D& d, ValueId x, int64_t dim) {
  ValueId shifted = Shifted(d, x, dim);
  return Sub(d, shifted, d.Call("aten.log.default", {Sum(d, Exp(d, shifted), {dim})}));
}

// aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor
void Softmax(D& d) { d.Return(SoftmaxOf(d, d.Widen(d.Value(0)), d.Int(1))); }
void LogSoftmax(D& d) { d.Return(LogSoftmaxOf(d, d.Widen(d.Value(0)), d.Int(1))); }

// aten::_safe_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor: a
// row of nothing but -inf gives zeros.
void SafeSoftmax(D& d) {
  ValueId x = d.Widen(d.IsNone(2) ? d.Value(0) : d.Cast(d.Value(0), d.GetDType(2)));
  constexpr double kInf = std::numeric_limits<double>::infinity();
  ValueId masked = d.Call("aten.eq.Scalar", {x, -kInf});
  ValueId rows = d.Call("aten.all.dim", {masked, d.Int(1), true});
  d.Return(d.Call("aten.masked_fill.Scalar", {SoftmaxOf(d, x, d.Int(1)), rows, 0.0}));
}

// aten::_softmax_backward_data(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype) -> Tensor
void SoftmaxBackward(D& d) {
  ValueId output = d.Widen(d.Value(1));
  ValueId grad = Mul(d, d.Widen(d.Value(0)), output);
  d.Return(Sub(d, grad, Mul(d, output, Sum(d, grad, {d.Int(2)}))));
}
void LogSoftmaxBackward(D& d) {
  ValueId grad = d.Widen(d.Value(0));
  ValueId probability = Exp(d, d.Widen(d.Value(1)));
  d.Return(Sub(d, grad, Mul(d, probability, Sum(d, grad, {d.Int(2)}))));
}

// Dimensions [begin, end).
std::vector<int64_t> Range(int begin, int end) {
  std::vector<int64_t> dims(end - begin);
  std::iota(dims.begin(), dims.end(), begin);
  return dims;
}

int ListLength(const Argument& arg) { return static_cast<int>(arg.get_if<ArgumentList>()->size()); }

// aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float eps)
//   -> (Tensor, Tensor, Tensor)
void LayerNorm(D& d) {
  int rank = d.Tensor(0).rank();
  std::vector<int64_t> inner = Range(rank - ListLength(d.Arg(1)), rank);
  ValueId x = d.Widen(d.Value(0));
  std::vector<ValueId> moments =
      d.CallN("aten.var_mean.correction", {x, CallArg::Ints(inner), {"correction", 0}, {"keepdim", true}}, 2);
  ValueId rstd = Rsqrt(d, moments[0], d.Float(4));
  ValueId out = Mul(d, Sub(d, x, moments[1]), rstd);
  if (!d.IsNone(2)) out = Mul(d, out, d.Value(2));
  if (!d.IsNone(3)) out = Add(d, out, d.Value(3));
  d.Return(out);
  d.Return(moments[1]);
  d.Return(rstd);
}

// aten::native_layer_norm_backward(Tensor grad_out, Tensor input, SymInt[] normalized_shape, Tensor mean, Tensor rstd,
//   Tensor? weight, Tensor? bias, bool[3] output_mask) -> (Tensor, Tensor, Tensor)
void LayerNormBackward(D& d) {
  int rank = d.Tensor(1).rank();
  int outer_rank = rank - ListLength(d.Arg(2));
  std::vector<int64_t> inner = Range(outer_rank, rank);
  std::vector<int64_t> outer = Range(0, outer_rank);
  ValueId grad = d.Widen(d.Value(0));
  ValueId x_hat = Mul(d, Sub(d, d.Widen(d.Value(1)), d.Value(3)), d.Value(4));
  ValueId grad_x_hat = d.IsNone(5) ? grad : Mul(d, grad, d.Value(5));
  if (IsWanted(d, 7, 0)) {
    ValueId centered = Sub(d, grad_x_hat, Mean(d, grad_x_hat, inner));
    ValueId along = Mul(d, x_hat, Mean(d, Mul(d, grad_x_hat, x_hat), inner));
    d.Return(Mul(d, Sub(d, centered, along), d.Value(4)));
  } else {
    d.ReturnNone();
  }
  auto over_rows = [&](ValueId v) { return outer.empty() ? v : Sum(d, v, outer, false); };
  if (IsWanted(d, 7, 1) && !d.IsNone(5)) {
    d.Return(over_rows(Mul(d, grad, x_hat)));
  } else {
    d.ReturnNone();
  }
  if (IsWanted(d, 7, 2) && !d.IsNone(6)) {
    d.Return(over_rows(grad));
  } else {
    d.ReturnNone();
  }
}

constexpr DecomposeRow kRows[] = {
    {"aten._log_softmax.default", LogSoftmax},
    {"aten._log_softmax_backward_data.default", LogSoftmaxBackward},
    {"aten._safe_softmax.default", SafeSoftmax},
    {"aten._softmax.default", Softmax},
    {"aten._softmax_backward_data.default", SoftmaxBackward},
    {"aten.native_layer_norm.default", LayerNorm},
    {"aten.native_layer_norm_backward.default", LayerNormBackward},
};

}  // namespace

absl::Span<const DecomposeRow> NormalizationRules() { return kRows; }

}  // namespace kiln
