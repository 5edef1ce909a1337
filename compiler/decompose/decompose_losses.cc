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

// aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None,
//   int reduction=Mean) -> Tensor
void BceWithLogits(D& d) {
  ValueId x = d.Value(0);
  ValueId rest = d.Call("aten.mul.Tensor", {d.Call("aten.rsub.Scalar", {d.Value(1), 1}), x});
  ValueId magnitude = d.Call("aten.neg.default", {d.Call("aten.abs.default", {x})});
  ValueId log = d.Call("aten.log1p.default", {d.Call("aten.exp.default", {magnitude})});
  ValueId negative = d.Call("aten.relu.default", {d.Call("aten.neg.default", {x})});
  ValueId log_sigmoid = d.Call("aten.add.Tensor", {log, negative});
  if (!d.IsNone(3)) {
    ValueId more = d.Call("aten.mul.Tensor", {d.Call("aten.sub.Tensor", {d.Value(3), 1}), d.Value(1)});
    log_sigmoid = d.Call("aten.mul.Tensor", {d.Call("aten.add.Tensor", {more, 1}), log_sigmoid});
  }
  ValueId loss = d.Call("aten.add.Tensor", {rest, log_sigmoid});
  if (!d.IsNone(2)) loss = d.Call("aten.mul.Tensor", {loss, d.Value(2)});
  d.Return(Reduced(d, loss, d.Int(4)));
}

// aten::binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int reduction=Mean) -> Tensor;
// logarithms stop at -100, so that no loss is infinite.
void BinaryCrossEntropy(D& d) {
  ValueId x = d.Widen(d.Value(0));
  ValueId target = d.Value(1);
  auto bounded = [&](ValueId log) { return d.Call("aten.clamp_min.default", {log, -100}); };
  ValueId no = bounded(d.Call("aten.log1p.default", {d.Call("aten.neg.default", {x})}));
  ValueId yes = bounded(d.Call("aten.log.default", {x}));
  ValueId of_no = d.Call("aten.mul.Tensor", {d.Call("aten.sub.Tensor", {target, 1}), no});
  ValueId loss = d.Call("aten.sub.Tensor", {of_no, d.Call("aten.mul.Tensor", {target, yes})});
  if (!d.IsNone(2)) loss = d.Call("aten.mul.Tensor", {loss, d.Value(2)});
  d.Return(Reduced(d, loss, d.Int(3)));
}

// aten::soft_margin_loss(Tensor self, Tensor target, int reduction=Mean) -> Tensor
void SoftMarginLoss(D& d) {
  ValueId product = d.Call("aten.mul.Tensor", {d.Call("aten.neg.default", {d.Value(1)}), d.Widen(d.Value(0))});
  ValueId loss = d.Call("aten.log1p.default", {d.Call("aten.exp.default", {product})});
  d.Return(Reduced(d, loss, d.Int(2)));
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
    {"aten.binary_cross_entropy.default", BinaryCrossEntropy},
    {"aten.binary_cross_entropy_with_logits.default", BceWithLogits},
    {"aten.huber_loss.default", HuberLoss},
    {"aten.log_sigmoid_forward.default", LogSigmoidForward},
    {"aten.mse_loss.default", MseLoss},
    {"aten.native_dropout.default", NativeDropout},
    {"aten.smooth_l1_loss.default", SmoothL1Loss},
    {"aten.soft_margin_loss.default", SoftMarginLoss},
};

}  // namespace

absl::Span<const DecomposeRow> LossRules() { return kRows; }

}  // namespace kiln
