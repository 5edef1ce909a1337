// Activation functions and their gradients. The formulas are those of
// torch/_decomp/decompositions.py.
#include <cmath>

#include "compiler/loops/pointwise_context.h"

namespace kiln {
namespace {

using P = PointwiseContext;

Val Exp(P& p, Val x) { return p.Op(ScalarOp::kExp, x); }
Val Tanh(P& p, Val x) { return p.Op(ScalarOp::kTanh, x); }
Val Sigmoid(P& p, Val x) { return p.Op(ScalarOp::kSigmoid, x); }
Val Log1pExp(P& p, Val x) { return p.Op(ScalarOp::kLog1p, Exp(p, x)); }
Val Clamp(P& p, Val x, double low, double high) {
  return p.AtMost(p.AtLeast(x, p.Number(low)), p.Number(high));
}
Val Square(P& p, Val x) { return p.Mul(x, x); }

Val Relu(P& p) { return p.AtLeast(p.Arg(0), p.Number(0)); }
Val Relu6(P& p) { return Clamp(p, p.Arg(0), 0, 6); }

bool IsTanhGelu(P& p, int arg) { return p.args().String(arg) == "tanh"; }

constexpr double kTanhGeluBeta = M_SQRT2 * M_2_SQRTPI * 0.5;
constexpr double kTanhGeluKappa = 0.044715;

Val TanhGeluInner(P& p, Val x) {
  Val cube = p.Mul(Square(p, x), x);
  return Tanh(p, p.Mul(p.Number(kTanhGeluBeta), p.Add(x, p.Mul(p.Number(kTanhGeluKappa), cube))));
}

Val NormalCdf(P& p, Val x) {
  Val erf = p.Op(ScalarOp::kErf, p.Mul(x, p.Number(M_SQRT1_2)));
  return p.Mul(p.Number(0.5), p.Add(p.Number(1), erf));
}

// aten::gelu(Tensor self, *, str approximate="none")
Val Gelu(P& p) {
  Val x = p.Arg(0);
  if (!IsTanhGelu(p, 1)) return p.Mul(x, NormalCdf(p, x));
  return p.Mul(p.Mul(p.Number(0.5), x), p.Add(p.Number(1), TanhGeluInner(p, x)));
}

// aten::gelu_backward(Tensor grad_output, Tensor self, *, str approximate="none")
Val GeluBackward(P& p) {
  Val grad = p.Arg(0);
  Val x = p.Arg(1);
  if (!IsTanhGelu(p, 2)) {
    Val density = p.Mul(p.Number(M_2_SQRTPI * M_SQRT1_2 * 0.5), Exp(p, p.Mul(p.Number(-0.5), Square(p, x))));
    return p.Mul(grad, p.Add(NormalCdf(p, x), p.Mul(x, density)));
  }
  Val tanh = TanhGeluInner(p, x);
  Val left = p.Mul(p.Number(0.5), p.Add(p.Number(1), tanh));
  Val slope = p.Sub(p.Number(1), Square(p, tanh));
  Val inner = p.Mul(p.Number(kTanhGeluBeta),
                    p.Add(p.Number(1), p.Mul(p.Number(3 * kTanhGeluKappa), Square(p, x))));
  Val right = p.Mul(p.Mul(p.Mul(p.Number(0.5), x), slope), inner);
  return p.Mul(grad, p.Add(left, right));
}

Val Silu(P& p) {
  Val x = p.Arg(0);
  return p.Mul(x, Sigmoid(p, x));
}
Val SiluBackward(P& p) {
  Val x = p.Arg(1);
  Val sigmoid = Sigmoid(p, x);
  Val slope = p.Add(p.Number(1), p.Mul(x, p.Sub(p.Number(1), sigmoid)));
  return p.Mul(p.Mul(p.Arg(0), sigmoid), slope);
}

Val Mish(P& p) {
  Val x = p.Arg(0);
  return p.Mul(x, Tanh(p, Log1pExp(p, x)));
}
Val MishBackward(P& p) {
  Val x = p.Arg(1);
  Val tanh = Tanh(p, Log1pExp(p, x));
  Val slope = p.Mul(p.Mul(x, Sigmoid(p, x)), p.Sub(p.Number(1), Square(p, tanh)));
  return p.Mul(p.Arg(0), p.Add(tanh, slope));
}

// aten::elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1)
Val Elu(P& p) {
  Val x = p.Arg(0);
  Val negative = p.Mul(p.Mul(p.Op(ScalarOp::kExpm1, p.Mul(x, p.Arg(3))), p.Arg(1)), p.Arg(2));
  return p.Where(p.Gt(x, p.Number(0)), p.Mul(x, p.Arg(2)), negative);
}
// aten::elu_backward(Tensor grad_output, Scalar alpha, Scalar scale, Scalar input_scale, bool is_result,
//     Tensor self_or_result)
Val EluBackward(P& p) {
  Val grad = p.Arg(0);
  Val x = p.Arg(5);
  Val negative = p.Mul(p.Arg(1), p.Arg(2));
  Val factor = p.args().Bool(4) ? p.Add(x, negative) : p.Mul(negative, Exp(p, p.Mul(x, p.Arg(3))));
  Val below = p.Mul(p.Mul(grad, p.Arg(3)), factor);
  return p.Where(p.Le(x, p.Number(0)), below, p.Mul(grad, p.Arg(2)));
}

// aten::celu(Tensor self, Scalar alpha=1.)
Val Celu(P& p) {
  Val x = p.Arg(0);
  Val negative = p.Mul(p.Arg(1), p.Op(ScalarOp::kExpm1, p.Div(x, p.Arg(1))));
  return p.Where(p.Gt(x, p.Number(0)), x, negative);
}

Val Selu(P& p) {
  constexpr double kAlpha = 1.6732632423543772848170429916717;
  constexpr double kScale = 1.0507009873554804934193349852946;
  Val x = p.Arg(0);
  Val negative = p.Mul(p.Op(ScalarOp::kExpm1, x), p.Number(kAlpha * kScale));
  return p.Where(p.Gt(x, p.Number(0)), p.Mul(x, p.Number(kScale)), negative);
}

// aten::leaky_relu(Tensor self, Scalar negative_slope=0.01)
Val LeakyRelu(P& p) {
  Val x = p.Arg(0);
  return p.Where(p.Gt(x, p.Number(0)), x, p.Mul(x, p.Arg(1)));
}
// aten::leaky_relu_backward(Tensor grad_output, Tensor self, Scalar negative_slope, bool self_is_result)
Val LeakyReluBackward(P& p) {
  Val grad = p.Arg(0);
  return p.Where(p.Gt(p.Arg(1), p.Number(0)), grad, p.Mul(grad, p.Arg(2)));
}

// aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1)
Val Hardtanh(P& p) { return p.Min(p.Max(p.Arg(0), p.Arg(1)), p.Arg(2)); }
// At NaN the gradient is 0, as in eager's vectors.
Val HardtanhBackward(P& p) {
  Val x = p.Arg(1);
  Val inside = p.And(p.Gt(x, p.Arg(2)), p.Lt(x, p.Arg(3)));
  return p.Where(inside, p.Arg(0), p.Number(0));
}

Val HardsigmoidOf(P& p, Val x) { return p.Div(Clamp(p, p.Add(x, p.Number(3)), 0, 6), p.Number(6)); }
Val Hardsigmoid(P& p) { return HardsigmoidOf(p, p.Arg(0)); }
Val HardsigmoidBackward(P& p) {
  Val x = p.Arg(1);
  Val inside = p.And(p.Gt(x, p.Number(-3)), p.Lt(x, p.Number(3)));
  return p.Where(inside, p.Div(p.Arg(0), p.Number(6)), p.Number(0));
}

Val Hardswish(P& p) {
  Val x = p.Arg(0);
  return p.Div(p.Mul(x, Clamp(p, p.Add(x, p.Number(3)), 0, 6)), p.Number(6));
}
Val HardswishBackward(P& p) {
  Val grad = p.Arg(0);
  Val x = p.Arg(1);
  Val middle = p.Mul(grad, p.Add(p.Div(x, p.Number(3)), p.Number(0.5)));
  Val above = p.Where(p.Lt(x, p.Number(3)), middle, grad);
  return p.Where(p.Le(x, p.Number(-3)), p.Number(0), above);
}

// aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20)
Val Softplus(P& p) {
  Val x = p.Arg(0);
  Val scaled = p.Mul(x, p.Arg(1));
  return p.Where(p.Gt(scaled, p.Arg(2)), x, p.Div(Log1pExp(p, scaled), p.Arg(1)));
}
Val SoftplusBackward(P& p) {
  Val grad = p.Arg(0);
  Val scaled = p.Mul(p.Arg(1), p.Arg(2));
  return p.Where(p.Gt(scaled, p.Arg(3)), grad, p.Mul(grad, Sigmoid(p, scaled)));
}

// aten::threshold(Tensor self, Scalar threshold, Scalar value)
Val Threshold(P& p) {
  Val x = p.Arg(0);
  return p.Where(p.Le(x, p.Arg(1)), p.Arg(2), x);
}
// aten::threshold_backward(Tensor grad_output, Tensor self, Scalar threshold)
Val ThresholdBackward(P& p) { return p.Where(p.Le(p.Arg(1), p.Arg(2)), p.Number(0), p.Arg(0)); }

Val TanhBackward(P& p) { return p.Mul(p.Arg(0), p.Sub(p.Number(1), Square(p, p.Arg(1)))); }
Val SigmoidBackward(P& p) {
  Val y = p.Arg(1);
  return p.Mul(p.Arg(0), p.Mul(y, p.Sub(p.Number(1), y)));
}

// aten::log_sigmoid_backward(Tensor grad_output, Tensor self, Tensor buffer)
Val LogSigmoidBackward(P& p) {
  Val x = p.Arg(1);
  return p.Mul(p.Arg(0), Sigmoid(p, p.Op(ScalarOp::kNeg, x)));
}

// aten::hardshrink(Tensor self, Scalar lambd=0.5)
Val Hardshrink(P& p) {
  Val x = p.Arg(0);
  return p.Where(p.Le(p.Op(ScalarOp::kAbs, x), p.Arg(1)), p.Number(0), x);
}
// aten::hardshrink_backward(Tensor grad_out, Tensor self, Scalar lambd), softshrink_backward
Val ShrinkBackward(P& p) { return p.Where(p.Le(p.Op(ScalarOp::kAbs, p.Arg(1)), p.Arg(2)), p.Number(0), p.Arg(0)); }
// aten::softshrink(Tensor self, Scalar lambd=0.5)
Val Softshrink(P& p) {
  Val x = p.Arg(0);
  Val lambd = p.Arg(1);
  Val above = p.Where(p.Gt(x, lambd), p.Sub(x, lambd), p.Number(0));
  return p.Where(p.Lt(x, p.Op(ScalarOp::kNeg, lambd)), p.Add(x, lambd), above);
}
// aten::_prelu_kernel(Tensor self, Tensor weight)
Val Prelu(P& p) {
  Val x = p.Arg(0);
  return p.Where(p.Gt(x, p.Number(0)), x, p.Mul(x, p.Arg(1)));
}
// aten::logit_backward(Tensor grad_output, Tensor self, float? eps=None)
Val LogitBackward(P& p) {
  Val x = p.Arg(1);
  double eps = p.IsNone(2) ? 0 : p.args().Float(2);
  Val inside = p.And(p.Op(ScalarOp::kGe, x, p.Number(eps)), p.Le(x, p.Number(1 - eps)));
  Val slope = p.Div(p.Arg(0), p.Mul(x, p.Sub(p.Number(1), x)));
  return p.Where(inside, slope, p.Number(p.IsNone(2) ? NAN : 0));
}

constexpr PointwiseRow kRows[] = {
    {"aten._prelu_kernel.default", Computes::kOut, Prelu},
    {"aten.celu.default", Computes::kOut, Celu},
    {"aten.elu.default", Computes::kOut, Elu},
    {"aten.elu_backward.default", Computes::kOut, EluBackward},
    {"aten.gelu.default", Computes::kOut, Gelu},
    {"aten.gelu_backward.default", Computes::kOut, GeluBackward},
    {"aten.hardshrink.default", Computes::kOut, Hardshrink},
    {"aten.hardshrink_backward.default", Computes::kOut, ShrinkBackward},
    {"aten.hardsigmoid.default", Computes::kOut, Hardsigmoid},
    {"aten.hardsigmoid_backward.default", Computes::kOut, HardsigmoidBackward},
    {"aten.hardswish.default", Computes::kOut, Hardswish},
    {"aten.hardswish_backward.default", Computes::kOut, HardswishBackward},
    {"aten.hardtanh.default", Computes::kOut, Hardtanh},
    {"aten.hardtanh_backward.default", Computes::kOut, HardtanhBackward},
    {"aten.leaky_relu.default", Computes::kOut, LeakyRelu},
    {"aten.leaky_relu_backward.default", Computes::kOut, LeakyReluBackward},
    {"aten.log_sigmoid_backward.default", Computes::kOut, LogSigmoidBackward},
    {"aten.logit_backward.default", Computes::kOut, LogitBackward},
    {"aten.mish.default", Computes::kOut, Mish},
    {"aten.mish_backward.default", Computes::kOut, MishBackward},
    {"aten.relu.default", Computes::kOut, Relu},
    {"aten.relu6.default", Computes::kOut, Relu6},
    {"aten.selu.default", Computes::kOut, Selu},
    {"aten.sigmoid_backward.default", Computes::kOut, SigmoidBackward},
    {"aten.silu.default", Computes::kOut, Silu},
    {"aten.silu_backward.default", Computes::kOut, SiluBackward},
    {"aten.softplus.default", Computes::kOut, Softplus},
    {"aten.softplus_backward.default", Computes::kOut, SoftplusBackward},
    {"aten.softshrink.default", Computes::kOut, Softshrink},
    {"aten.softshrink_backward.default", Computes::kOut, ShrinkBackward},
    {"aten.tanh_backward.default", Computes::kOut, TanhBackward},
    {"aten.threshold.default", Computes::kOut, Threshold},
    {"aten.threshold_backward.default", Computes::kOut, ThresholdBackward},
};

}  // namespace

absl::Span<const PointwiseRow> ActivationRows() { return kRows; }

}  // namespace kiln
