// Gradients of losses, and losses of classes with theirs: a class is compared
// with the number of each channel, so that gradients are pointwise and scatter
// nothing.
#include <utility>
#include <vector>

#include "compiler/decompose/decompose_arithmetic.h"
#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

// at::Reduction's numbers.
constexpr int64_t kNone = 0;
constexpr int64_t kMean = 1;

ValueId Div(D& d, ValueId a, CallArg b) { return d.Call("aten.div.Tensor", {a, b}); }
ValueId Where(D& d, ValueId c, ValueId a, ValueId b) { return d.Call("aten.where.self", {c, a, b}); }

// How many elements `v` has: a number, or a symbolic scalar.
CallArg Count(D& d, ValueId v) {
  int64_t known = 1;
  std::vector<Argument> symbolic;
  for (int dim = 0; dim < d.Tensor(v).rank(); ++dim) {
    Argument size = d.Size(v, dim);
    if (const int64_t* n = size.get_if<int64_t>()) {
      known *= *n;
    } else {
      symbolic.push_back(size);
    }
  }
  Argument count(known);
  for (const Argument& size : symbolic) count = Argument(d.Call("sym.mul", {count, size}));
  return CallArg(count);
}

// The gradient of each element's loss: a mean's is spread over the elements.
ValueId Spread(D& d, ValueId slope, int64_t reduction, ValueId like) {
  return reduction == kMean ? d.Call("aten.div.Scalar", {slope, Count(d, like)}) : slope;
}

// aten::mse_loss_backward(Tensor grad_output, Tensor self, Tensor target, int reduction) -> Tensor
void MseLossBackward(D& d) {
  ValueId slope = Mul(d, Sub(d, d.Value(1), d.Value(2)), 2.0);
  d.Return(Mul(d, Spread(d, slope, d.Int(3), d.Value(1)), d.Value(0)));
}

// aten::binary_cross_entropy_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight=None, int
//   reduction=Mean) -> Tensor
void BinaryCrossEntropyBackward(D& d) {
  constexpr double kLeast = 1e-12;
  ValueId x = d.Widen(d.Value(1));
  ValueId variance = d.Call("aten.clamp_min.default", {Mul(d, d.Call("aten.rsub.Scalar", {x, 1}), x), kLeast});
  ValueId grad = Div(d, Mul(d, d.Value(0), Sub(d, x, d.Value(2))), variance);
  if (!d.IsNone(3)) grad = Mul(d, grad, d.Value(3));
  d.Return(Spread(d, grad, d.Int(4), d.Value(1)));
}

// aten::huber_loss_backward(Tensor grad_output, Tensor self, Tensor target, int reduction, float delta) -> Tensor
void HuberLossBackward(D& d) {
  ValueId x = Sub(d, d.Value(1), d.Value(2));
  ValueId bounded = d.Call("aten.clamp.default", {x, -d.Float(4), d.Float(4)});
  d.Return(Mul(d, Spread(d, bounded, d.Int(3), x), d.Value(0)));
}

// aten::smooth_l1_loss_backward(Tensor grad_output, Tensor self, Tensor target, int reduction, float beta) -> Tensor
void SmoothL1LossBackward(D& d) {
  ValueId x = Sub(d, d.Value(1), d.Value(2));
  ValueId slope = d.Call("aten.sign.default", {x});
  if (d.Float(4) > 0) {
    ValueId near = d.Call("aten.lt.Scalar", {d.Call("aten.abs.default", {x}), d.Float(4)});
    slope = Where(d, near, Div(d, x, d.Float(4)), slope);
  }
  d.Return(Mul(d, Spread(d, slope, d.Int(3), x), d.Value(0)));
}

// aten::soft_margin_loss_backward(Tensor grad_output, Tensor self, Tensor target, int reduction) -> Tensor
void SoftMarginLossBackward(D& d) {
  ValueId product = Mul(d, d.Value(2), d.Value(1));
  ValueId slope = Sub(d, d.Call("aten.sigmoid.default", {product}), 1);
  ValueId grad = Mul(d, Mul(d, d.Value(2), d.Value(0)), slope);
  d.Return(Spread(d, grad, d.Int(3), product));
}

// --- classes

// A loss over classes: scores [n, c, ...], or [c], and targets without the
// channels' dimension.
struct Classes {
  Classes(D& d, ValueId scores) : channels(d.Tensor(scores).rank() == 1 ? 0 : 1), rank(d.Tensor(scores).rank()) {}

  // [c] so that it stands for the channels of the scores.
  ValueId AlongChannels(D& d, ValueId v) const {
    for (int dim = channels + 1; dim < rank; ++dim) v = d.Call("aten.unsqueeze.default", {v, -1});
    return v;
  }
  ValueId Unsqueezed(D& d, ValueId v) const { return d.Call("aten.unsqueeze.default", {v, channels}); }
  // Whether each channel is the target's.
  ValueId IsTarget(D& d, ValueId scores, ValueId target) const {
    ValueId numbers = d.Call("aten.arange.default", {d.Size(scores, channels), {"dtype", DType::kInt64}});
    return d.Call("aten.eq.Tensor", {AlongChannels(d, numbers), Unsqueezed(d, target)});
  }

  int channels;
  int rank;
};

// aten::nll_loss_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt ignore_index)
//   -> (Tensor output, Tensor total_weight); nll_loss2d_forward is the same on [n, c, h, w].
void NllLossForward(D& d) {
  ValueId x = d.Value(0);
  ValueId target = d.Value(1);
  Classes classes(d, x);
  ValueId ignored = d.Call("aten.eq.Scalar", {target, d.Arg(4)});
  ValueId safe = classes.Unsqueezed(d, d.Call("aten.masked_fill.Scalar", {target, ignored, 0}));
  auto picked = [&](ValueId from) {
    return d.Call("aten.squeeze.dim", {d.Call("aten.gather.default", {from, classes.channels, safe}), classes.channels});
  };
  ValueId loss = d.Call("aten.neg.default", {picked(x)});
  ValueId weight;
  if (d.IsNone(2)) {
    weight = d.Cast(d.Call("aten.logical_not.default", {ignored}), d.Tensor(0).dtype);
  } else {
    ArgumentList sizes;
    for (int dim = 0; dim < classes.rank; ++dim) sizes.push_back(d.Size(x, dim));
    ValueId all = d.Call("aten.expand.default", {classes.AlongChannels(d, d.Value(2)), Argument(sizes)});
    ValueId of_target = picked(all);
    loss = Mul(d, loss, of_target);
    weight = d.Call("aten.masked_fill.Scalar", {of_target, ignored, 0});
  }
  loss = d.Call("aten.masked_fill.Scalar", {loss, ignored, 0});
  int64_t reduction = d.Int(3);
  if (reduction == kNone) {
    d.Return(loss);
    d.Return(d.Call("aten.new_zeros.default", {x, CallArg::Ints({})}));
    return;
  }
  ValueId count = d.Call("aten.sum.default", {d.Widen(weight)});
  ValueId sum = d.Call("aten.sum.default", {d.Widen(loss)});
  d.Return(reduction == kMean ? Div(d, sum, count) : sum);
  d.Return(count);
}

// aten::nll_loss_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, int reduction, SymInt
//   ignore_index, Tensor total_weight) -> Tensor; nll_loss2d_backward is the same on [n, c, h, w].
void NllLossBackward(D& d) {
  ValueId x = d.Value(1);
  ValueId target = d.Value(2);
  Classes classes(d, x);
  ValueId grad = d.Call("aten.neg.default", {d.Value(0)});
  if (d.Int(4) == kMean) grad = Div(d, grad, d.Value(6));
  if (d.Tensor(grad).rank() > 0) grad = classes.Unsqueezed(d, grad);
  if (!d.IsNone(3)) grad = Mul(d, grad, classes.AlongChannels(d, d.Value(3)));
  ValueId counts = d.Call("aten.ne.Scalar", {classes.Unsqueezed(d, target), d.Arg(5)});
  ValueId is_target = d.Call("aten.logical_and.default", {classes.IsTarget(d, x, target), counts});
  d.Return(Where(d, is_target, grad, d.Call("aten.zeros_like.default", {x})));
}

bool IsTwo(const Argument& number) {
  const int64_t* i = number.get_if<int64_t>();
  const double* f = number.get_if<double>();
  return (i != nullptr && *i == 2) || (f != nullptr && *f == 2);
}

// What multi_margin_loss and its gradient share; their arguments from self on
// are the same: self, target, p, margin, weight, reduction.
struct Margins {
  Margins(D& d, int self) : x(d.Widen(d.Value(self))), classes(d, x) {
    ValueId target = d.Value(self + 1);
    if (classes.rank == 1 && d.Tensor(target).rank() == 1) target = d.Call("aten.squeeze.dim", {target, 0});
    ValueId safe = classes.Unsqueezed(d, target);
    ValueId score = d.Call("aten.gather.default", {x, classes.channels, safe});
    is_target = classes.IsTarget(d, x, target);
    distance = d.Call("aten.add.Scalar", {Sub(d, x, score), d.Arg(self + 3)});
    distance = d.Call("aten.clamp_min.default", {distance, 0});
    is_squared = IsTwo(d.Arg(self + 2));
    if (!d.IsNone(self + 4)) {
      weight = d.Call("aten.index.Tensor", {d.Value(self + 4), Argument(ArgumentList{Argument(safe)})});
    }
  }

  // `v` weighted, and 0 for the target itself.
  ValueId OfOthers(D& d, ValueId v) {
    if (weight.value >= 0) v = Mul(d, v, weight);
    return Where(d, is_target, d.Call("aten.zeros_like.default", {v}), v);
  }

  ValueId x;
  Classes classes;
  ValueId is_target;
  ValueId distance;  // how far each score is inside the margin
  ValueId weight;    // -1: none
  bool is_squared = false;
};

// aten::multi_margin_loss(Tensor self, Tensor target, Scalar p=1, Scalar margin=1, Tensor? weight=None, int
//   reduction=Mean) -> Tensor
void MultiMarginLoss(D& d) {
  if (d.Tensor(0).rank() == 0) return d.Decline();
  Margins margins(d, 0);
  ValueId distance = margins.distance;
  ValueId loss = margins.OfOthers(d, margins.is_squared ? Mul(d, distance, distance) : distance);
  loss = d.Call("aten.mean.dim", {loss, CallArg::Ints({margins.classes.channels})});
  if (d.Int(5) == kNone) return d.Return(loss);
  d.Return(d.Call(d.Int(5) == kMean ? "aten.mean.default" : "aten.sum.default", {loss}));
}

// aten::multi_margin_loss_backward(Tensor grad_output, Tensor self, Tensor target, Scalar p, Scalar margin, Tensor?
//   weight=None, int reduction=Mean) -> Tensor: what the others gain the target loses.
void MultiMarginLossBackward(D& d) {
  if (d.Tensor(1).rank() == 0) return d.Decline();
  Margins margins(d, 1);
  int channels = margins.classes.channels;
  ValueId slope = margins.is_squared ? Mul(d, margins.distance, 2.0)
                                     : d.Cast(d.Call("aten.gt.Scalar", {margins.distance, 0}), d.Tensor(margins.x).dtype);
  ValueId grad = d.Widen(d.Value(0));
  bool has_rows = d.Tensor(grad).rank() > 0 && margins.classes.rank > 1;
  if (has_rows) grad = margins.classes.Unsqueezed(d, grad);
  slope = d.Call("aten.div.Scalar", {Mul(d, margins.OfOthers(d, slope), grad), CallArg(d.Size(margins.x, channels))});
  if (d.Int(6) == kMean && margins.classes.rank > 1) {
    slope = d.Call("aten.div.Scalar", {slope, CallArg(d.Size(margins.x, 0))});
  }
  ValueId lost = d.Call("aten.neg.default", {d.Call("aten.sum.dim_IntList", {slope, CallArg::Ints({channels}), true})});
  d.Return(Where(d, margins.is_target, lost, slope));
}

constexpr DecomposeRow kRows[] = {
    {"aten.binary_cross_entropy_backward.default", BinaryCrossEntropyBackward},
    {"aten.huber_loss_backward.default", HuberLossBackward},
    {"aten.mse_loss_backward.default", MseLossBackward},
    {"aten.multi_margin_loss.default", MultiMarginLoss},
    {"aten.multi_margin_loss_backward.default", MultiMarginLossBackward},
    {"aten.nll_loss2d_backward.default", NllLossBackward},
    {"aten.nll_loss2d_forward.default", NllLossForward},
    {"aten.nll_loss_backward.default", NllLossBackward},
    {"aten.nll_loss_forward.default", NllLossForward},
    {"aten.smooth_l1_loss_backward.default", SmoothL1LossBackward},
    {"aten.soft_margin_loss_backward.default", SoftMarginLossBackward},
};

}  // namespace

absl::Span<const DecomposeRow> LossGradientRules() { return kRows; }

}  // namespace kiln
