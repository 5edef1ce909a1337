// Composite operators that AOTAutograd keeps whole: halves of a tensor, sums along
// diagonals, products of vectors, norms of slices.
#include <limits>
#include <utility>
#include <vector>

#include "compiler/decompose/decompose_arithmetic.h"
#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;


int64_t Wrapped(int64_t dim, int rank) { return dim < 0 ? dim + rank : dim; }

// --- gated linear units

struct Halves {
  ValueId first, second;
};

Halves Split(D& d, int arg, int64_t dim) {
  Argument size = d.Size(d.Value(arg), static_cast<int>(dim));
  ValueId x = d.Value(arg);
  CallArg half = size.get_if<int64_t>() != nullptr ? CallArg(*size.get_if<int64_t>() / 2)
                                                   : CallArg(d.Call("sym.floordiv", {size, 2}));
  ValueId first = d.Call("aten.slice.Tensor", {x, dim, 0, half});
  return {first, d.Call("aten.slice.Tensor", {x, dim, half, std::numeric_limits<int64_t>::max()})};
}

// aten::glu(Tensor self, int dim=-1) -> Tensor
void Glu(D& d) {
  Halves x = Split(d, 0, Wrapped(d.Int(1), d.Tensor(0).rank()));
  d.Return(Mul(d, d.Widen(x.first), d.Call("aten.sigmoid.default", {d.Widen(x.second)})));
}

// aten::glu_backward(Tensor grad_output, Tensor self, int dim) -> Tensor
void GluBackward(D& d) {
  int64_t dim = Wrapped(d.Int(2), d.Tensor(1).rank());
  Halves x = Split(d, 1, dim);
  ValueId grad = d.Widen(d.Value(0));
  ValueId gate = d.Call("aten.sigmoid.default", {d.Widen(x.second)});
  ValueId first = Mul(d, gate, grad);
  ValueId slope = Mul(d, d.Call("aten.rsub.Scalar", {gate, 1}), first);
  ValueId second = Mul(d, slope, d.Widen(x.first));
  d.Return(d.Call("aten.cat.default", {Argument(ArgumentList{Argument(first), Argument(second)}), dim}));
}

// --- vectors and matrices

// aten::trace(Tensor self) -> Tensor
void Trace(D& d) { d.Return(d.Call("aten.sum.default", {d.Call("aten.diagonal.default", {d.Value(0)})})); }

// aten::vdot(Tensor self, Tensor other) -> Tensor; of real vectors it is dot.
void Vdot(D& d) {
  if (IsComplex(d.Tensor(0).dtype)) return d.Decline();
  ValueId product = Mul(d, d.Widen(d.Value(0)), d.Widen(d.Value(1)));
  d.Return(d.Call("aten.sum.default", {product, {"dtype", d.Tensor(product).dtype}}));
}

// aten::linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor
void Cross(D& d) {
  auto rolled = [&](int arg, int64_t by) {
    return d.Call("aten.roll.default", {d.Value(arg), CallArg::Ints({by}), CallArg::Ints({d.Int(2)})});
  };
  // What is broadcast along the dimension of the three has no other element to roll to.
  auto expanded = [&](int arg) {
    int64_t dim = Wrapped(d.Int(2), d.Tensor(arg).rank());
    return d.Tensor(arg).sizes[dim].IsInt(3);
  };
  if (IsComplex(d.Tensor(0).dtype) || !expanded(0) || !expanded(1)) return d.Decline();
  d.Return(Sub(d, Mul(d, rolled(0, -1), rolled(1, -2)), Mul(d, rolled(0, -2), rolled(1, -1))));
}

// aten::dist(Tensor self, Tensor other, Scalar p=2) -> Tensor
void Dist(D& d) {
  d.Return(d.Call("aten.linalg_vector_norm.default", {Sub(d, d.Value(0), d.Value(1)), d.Arg(2)}));
}

// aten::norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, ScalarType dtype) -> Tensor
void NormDimDtype(D& d) {
  CallArg order = d.IsNone(1) ? CallArg(2) : CallArg(d.Arg(1));
  d.Return(d.Call("aten.linalg_vector_norm.default", {d.Value(0), order, d.Arg(2), d.Arg(3), {"dtype", CallArg(d.Arg(4))}}));
}
// aten::norm.ScalarOpt_dtype(Tensor self, Scalar? p, *, ScalarType dtype) -> Tensor
void NormDtype(D& d) {
  CallArg order = d.IsNone(1) ? CallArg(2) : CallArg(d.Arg(1));
  d.Return(d.Call("aten.linalg_vector_norm.default", {d.Value(0), order, Argument(), false, {"dtype", CallArg(d.Arg(2))}}));
}

// aten::renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor: slices along `dim` shrunk to the norm that
// they may have.
void Renorm(D& d) {
  int rank = d.Tensor(0).rank();
  int64_t kept = Wrapped(d.Int(2), rank);
  std::vector<int64_t> dims;
  for (int64_t dim = 0; dim < rank; ++dim) {
    if (dim != kept) dims.push_back(dim);
  }
  if (IsComplex(d.Tensor(0).dtype)) return d.Decline();
  constexpr double kNoZero = 1e-7;
  ValueId x = d.Widen(d.Value(0));
  ValueId norm = d.Call("aten.linalg_vector_norm.default", {x, d.Arg(1), CallArg::Ints(dims), true});
  ValueId shrunk = d.Call("aten.reciprocal.default", {d.Call("aten.add.Tensor", {norm, kNoZero})});
  shrunk = d.Call("aten.mul.Scalar", {shrunk, d.Arg(3)});
  ValueId one = d.Call("aten.ones_like.default", {norm});
  ValueId factor = d.Call("aten.where.self", {d.Call("aten.gt.Scalar", {norm, d.Arg(3)}), shrunk, one});
  d.Return(Mul(d, x, factor));
}

// --- gradients of activations

// aten::_prelu_kernel_backward(Tensor grad_output, Tensor self, Tensor weight) -> (Tensor, Tensor)
void PreluBackward(D& d) {
  ValueId grad = d.Value(0);
  ValueId positive = d.Call("aten.gt.Scalar", {d.Value(1), 0});
  d.Return(d.Call("aten.where.self", {positive, grad, Mul(d, d.Value(2), grad)}));
  ValueId along = Mul(d, d.Value(1), grad);
  d.Return(d.Call("aten.where.self", {positive, d.Call("aten.zeros_like.default", {along}), along}));
}

// aten::rrelu_with_noise_backward(Tensor grad_output, Tensor self, Tensor noise, Scalar lower, Scalar upper, bool
//   training, bool self_is_result) -> Tensor
void RreluBackward(D& d) {
  const auto number = [&](int arg) {
    const double* f = d.Arg(arg).get_if<double>();
    const int64_t* i = d.Arg(arg).get_if<int64_t>();
    return f != nullptr ? *f : i != nullptr ? static_cast<double>(*i) : std::numeric_limits<double>::quiet_NaN();
  };
  double lower = number(3), upper = number(4);
  // A range this narrow is a slope.
  constexpr double kNarrow = 1e-6;
  if (d.Bool(5) && upper - lower > kNarrow) return d.Return(Mul(d, d.Value(0), d.Value(2)));
  d.Return(d.Call("aten.leaky_relu_backward.default", {d.Value(0), d.Value(1), (lower + upper) / 2, d.Arg(6)}));
}

// --- normal numbers with moments of their own

// aten::normal.Tensor_Tensor(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor and its fellows
void NormalOf(D& d) {
  if (!d.IsNone(2)) return d.Decline();
  ValueId like = d.Arg(1).get_if<ValueId>() == nullptr ? d.Value(0)
                 : d.Arg(0).get_if<ValueId>() == nullptr
                     ? d.Value(1)
                     : d.Call("aten.add.Tensor", {d.Value(0), d.Value(1)});
  ValueId random = d.Call("aten.randn_like.default", {like, {"memory_format", MemoryFormat::kContiguous}});
  ValueId scaled = d.Call(d.Arg(1).get_if<ValueId>() ? "aten.mul.Tensor" : "aten.mul.Scalar", {random, d.Arg(1)});
  d.Return(d.Call(d.Arg(0).get_if<ValueId>() ? "aten.add.Tensor" : "aten.add.Scalar", {scaled, d.Arg(0)}));
}

// aten::normal.float_float(float mean, float std, SymInt[] size, *, Generator? generator=None, ScalarType? dtype=None,
//   Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor
void NormalOfNumbers(D& d) {
  if (!d.IsNone(3)) return d.Decline();
  ValueId random = d.Call("aten.randn.default", {d.Arg(2), {"dtype", CallArg(d.Arg(4))}, {"device", d.Arg(6)}});
  d.Return(d.Call("aten.add.Scalar", {d.Call("aten.mul.Scalar", {random, d.Arg(1)}), d.Arg(0)}));
}

constexpr DecomposeRow kRows[] = {
    {"aten._prelu_kernel_backward.default", PreluBackward},
    {"aten.dist.default", Dist},
    {"aten.glu.default", Glu},
    {"aten.glu_backward.default", GluBackward},
    {"aten.linalg_cross.default", Cross},
    {"aten.norm.ScalarOpt_dim_dtype", NormDimDtype},
    {"aten.norm.ScalarOpt_dtype", NormDtype},
    {"aten.normal.Tensor_Tensor", NormalOf},
    {"aten.normal.Tensor_float", NormalOf},
    {"aten.normal.float_Tensor", NormalOf},
    {"aten.normal.float_float", NormalOfNumbers},
    {"aten.renorm.default", Renorm},
    {"aten.rrelu_with_noise_backward.default", RreluBackward},
    {"aten.trace.default", Trace},
    {"aten.vdot.default", Vdot},
};

}  // namespace

absl::Span<const DecomposeRow> ShapeRules() { return kRows; }

}  // namespace kiln
