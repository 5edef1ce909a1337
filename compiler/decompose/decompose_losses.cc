// Losses and dropout.
#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

// at::Reduction's numbers.
constexpr int64_t kNone = 0;
constexpr int64_t kMean = 1;

ValueId Reduced(D& d, ValueId loss, int64_t reduction) {
  if (reduction == kNone) return loss;
  return d.Call(reduction == kMean ? "aten.mean.default" : "aten.sum.default", {loss});
}

// aten::mse_loss(Tensor self, Tensor target, int reduction=Mean) -> Tensor
void MseLoss(D& d) {
  ValueId distance = d.Call("aten.sub.Tensor", {d.Value(0), d.Value(1)});
  d.Return(Reduced(d, d.Call("aten.mul.Tensor", {distance, distance}), d.Int(2)));
}

// aten::nll_loss_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt ignore_index)
//   -> (Tensor output, Tensor total_weight), without weights, on [n, c] and [n].
void NllLossForward(D& d) {
  if (d.Tensor(0).rank() != 2 || !d.IsNone(2)) return d.Decline();
  ValueId target = d.Value(1);
  ValueId ignored = d.Call("aten.eq.Scalar", {target, d.Arg(4)});
  ValueId safe = d.Call("aten.masked_fill.Scalar", {target, ignored, 0});
  ValueId picked = d.Call("aten.gather.default", {d.Value(0), 1, d.Call("aten.unsqueeze.default", {safe, 1})});
  ValueId loss = d.Call("aten.neg.default", {d.Call("aten.squeeze.dim", {picked, 1})});
  loss = d.Call("aten.masked_fill.Scalar", {loss, ignored, 0});
  ValueId kept = d.Call("aten.logical_not.default", {ignored});
  ValueId count = d.Cast(d.Call("aten.sum.default", {kept}), d.Tensor(0).dtype);
  int64_t reduction = d.Int(3);
  if (reduction == kNone) {
    d.Return(loss);
    d.Return(d.Call("aten.new_zeros.default", {d.Value(0), CallArg::Ints({})}));
    return;
  }
  ValueId sum = d.Call("aten.sum.default", {loss});
  d.Return(reduction == kMean ? d.Call("aten.div.Tensor", {sum, count}) : sum);
  d.Return(count);
}

// aten::mse_loss_backward(Tensor grad_output, Tensor self, Tensor target, int reduction) -> Tensor
void MseLossBackward(D& d) {
  ValueId distance = d.Call("aten.sub.Tensor", {d.Value(1), d.Value(2)});
  ValueId slope = d.Call("aten.mul.Tensor", {distance, 2.0});
  if (d.Int(3) == kMean) {
    // A mean's gradient is spread over the elements: a division by their count.
    ValueId count = d.Call("aten.sum.default", {d.Call("aten.ones_like.default", {distance})});
    slope = d.Call("aten.div.Tensor", {slope, count});
  }
  d.Return(d.Call("aten.mul.Tensor", {slope, d.Value(0)}));
}

// aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None,
//   int reduction=Mean) -> Tensor
void BceWithLogits(D& d) {
  if (!d.IsNone(3)) return d.Decline();
  ValueId x = d.Value(0);
  ValueId rest = d.Call("aten.mul.Tensor", {d.Call("aten.rsub.Scalar", {d.Value(1), 1}), x});
  ValueId magnitude = d.Call("aten.neg.default", {d.Call("aten.abs.default", {x})});
  ValueId log = d.Call("aten.log1p.default", {d.Call("aten.exp.default", {magnitude})});
  ValueId negative = d.Call("aten.relu.default", {d.Call("aten.neg.default", {x})});
  ValueId loss = d.Call("aten.add.Tensor", {d.Call("aten.add.Tensor", {rest, log}), negative});
  if (!d.IsNone(2)) loss = d.Call("aten.mul.Tensor", {loss, d.Value(2)});
  d.Return(Reduced(d, loss, d.Int(4)));
}

// aten::smooth_l1_loss(Tensor self, Tensor target, int reduction=Mean, float beta=1.) -> Tensor; huber_loss is beta
// times it.
ValueId SmoothL1Of(D& d, double beta) {
  ValueId distance = d.Call("aten.abs.default", {d.Call("aten.sub.Tensor", {d.Value(0), d.Value(1)})});
  if (beta == 0) return distance;
  ValueId square = d.Call("aten.mul.Tensor", {d.Call("aten.mul.Tensor", {distance, distance}), 0.5 / beta});
  ValueId linear = d.Call("aten.sub.Tensor", {distance, 0.5 * beta});
  return d.Call("aten.where.self", {d.Call("aten.lt.Scalar", {distance, beta}), square, linear});
}
void SmoothL1Loss(D& d) { d.Return(Reduced(d, SmoothL1Of(d, d.Float(3)), d.Int(2))); }
void HuberLoss(D& d) {
  ValueId loss = d.Call("aten.mul.Tensor", {SmoothL1Of(d, d.Float(3)), d.Float(3)});
  d.Return(Reduced(d, loss, d.Int(2)));
}

// aten::log_sigmoid_forward(Tensor self) -> (Tensor output, Tensor buffer); the
// buffer is empty on CPU unless something wants it, and the backward here does
// not.
void LogSigmoidForward(D& d) {
  ValueId x = d.Widen(d.Value(0));
  ValueId magnitude = d.Call("aten.neg.default", {d.Call("aten.abs.default", {x})});
  ValueId log = d.Call("aten.log1p.default", {d.Call("aten.exp.default", {magnitude})});
  d.Return(d.Call("aten.sub.Tensor", {d.Call("aten.clamp_max.default", {x, 0}), log}));
  d.Return(d.Call("aten.exp.default", {magnitude}));
}

// aten::native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)
void NativeDropout(D& d) {
  ValueId x = d.Value(0);
  double p = d.Float(1);
  bool train = d.IsNone(2) || d.Bool(2);
  if (!train || p == 0) {
    d.Return(d.Call("aten.clone.default", {x}));
    d.Return(d.Call("aten.ones_like.default", {x, {"dtype", DType::kBool}}));
    return;
  }
  if (p == 1) {
    d.Return(d.Call("aten.zeros_like.default", {x}));
    d.Return(d.Call("aten.zeros_like.default", {x, {"dtype", DType::kBool}}));
    return;
  }
  ValueId kept = d.Call("aten.gt.Scalar", {d.Call("aten.rand_like.default", {x}), p});
  d.Return(d.Call("aten.mul.Tensor", {d.Call("aten.mul.Tensor", {kept, x}), 1 / (1 - p)}));
  d.Return(kept);
}

constexpr DecomposeRow kRows[] = {
    {"aten.binary_cross_entropy_with_logits.default", BceWithLogits},
    {"aten.huber_loss.default", HuberLoss},
    {"aten.log_sigmoid_forward.default", LogSigmoidForward},
    {"aten.mse_loss.default", MseLoss},
    {"aten.mse_loss_backward.default", MseLossBackward},
    {"aten.native_dropout.default", NativeDropout},
    {"aten.nll_loss_forward.default", NllLossForward},
    {"aten.smooth_l1_loss.default", SmoothL1Loss},
};

}  // namespace

absl::Span<const DecomposeRow> LossRules() { return kRows; }

}  // namespace kiln
