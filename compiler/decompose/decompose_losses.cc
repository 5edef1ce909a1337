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
  ValueId kept = d.Call("aten.ne.Scalar", {target, d.Arg(4)});
  ValueId safe = d.Call("aten.where.ScalarOther", {kept, target, 0});
  ValueId picked = d.Call("aten.gather.default", {d.Value(0), 1, d.Call("aten.unsqueeze.default", {safe, 1})});
  ValueId loss = d.Call("aten.neg.default", {d.Call("aten.squeeze.dim", {picked, 1})});
  loss = d.Call("aten.where.ScalarOther", {kept, loss, 0});
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
    {"aten.mse_loss.default", MseLoss},
    {"aten.native_dropout.default", NativeDropout},
    {"aten.nll_loss_forward.default", NllLossForward},
};

}  // namespace

absl::Span<const DecomposeRow> LossRules() { return kRows; }

}  // namespace kiln
