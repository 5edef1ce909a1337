// Reductions in terms of smaller ones.
#include <limits>

#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

// aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor. An infinite maximum is shifted by 0, so
// that it does not become nan.
void LogSumExp(D& d) {
  ValueId x = d.Widen(d.Value(0));
  constexpr double kInf = std::numeric_limits<double>::infinity();
  auto shift = [&](bool keepdim) {
    ValueId max = d.Call("aten.amax.default", {x, d.Arg(1), keepdim});
    ValueId infinite = d.Call("aten.eq.Scalar", {d.Call("aten.abs.default", {max}), kInf});
    return d.Call("aten.masked_fill.Scalar", {max, infinite, 0.0});
  };
  ValueId exp = d.Call("aten.exp.default", {d.Call("aten.sub.Tensor", {x, shift(true)})});
  ValueId sum = d.Call("aten.sum.dim_IntList", {exp, d.Arg(1), d.Arg(2)});
  d.Return(d.Call("aten.add.Tensor", {d.Call("aten.log.default", {sum}), shift(d.Bool(2))}));
}

// aten::aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)
void AminMax(D& d) {
  CallArg dims = d.IsNone(1) ? CallArg::Ints({}) : CallArg::Ints({d.Int(1)});
  d.Return(d.Call("aten.amin.default", {d.Value(0), dims, d.Arg(2)}));
  d.Return(d.Call("aten.amax.default", {d.Value(0), dims, d.Arg(2)}));
}

// aten::dot(Tensor self, Tensor tensor) -> Tensor
void Dot(D& d) {
  ValueId product = d.Call("aten.mul.Tensor", {d.Value(0), d.Value(1)});
  d.Return(d.Call("aten.sum.default", {product, {"dtype", d.Tensor(0).dtype}}));
}

// aten::mv(Tensor self, Tensor vec) -> Tensor
void Mv(D& d) {
  ValueId product = d.Call("aten.mul.Tensor", {d.Value(0), d.Value(1)});
  d.Return(d.Call("aten.sum.dim_IntList", {product, CallArg::Ints({1}), false, {"dtype", d.Tensor(0).dtype}}));
}

constexpr DecomposeRow kRows[] = {
    {"aten.aminmax.default", AminMax},
    {"aten.dot.default", Dot},
    {"aten.logsumexp.default", LogSumExp},
    {"aten.mv.default", Mv},
};

}  // namespace

absl::Span<const DecomposeRow> ReductionRules() { return kRows; }

}  // namespace kiln
