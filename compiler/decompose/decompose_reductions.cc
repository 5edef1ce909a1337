// Reductions in terms of smaller ones.
#include <limits>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

// aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor. An infinite maximum is shifted by 0, so
// that it does not become nan. Of nothing there is no maximum.
void LogSumExp(D& d) {
  ValueId x = d.Widen(IsIntegralOrBool(d.Tensor(0).dtype) ? d.Cast(d.Value(0), DType::kFloat32) : d.Value(0));
  Expr count = Numel(d.env().pool(), d.Tensor(x).sizes);
  const absl::StatusOr<bool> is_empty =
      d.env().TestOr(d.env().pool().Eq(count, Expr(0)), false, "logsumexp of nothing");
  if (is_empty.ok() && *is_empty) {
    ValueId sum = d.Call("aten.sum.dim_IntList", {d.Call("aten.exp.default", {x}), d.Arg(1), d.Arg(2)});
    return d.Return(d.Call("aten.log.default", {sum}));
  }
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

// The product of arguments `a` and `b`, not rounded to a narrow float.
ValueId Product(D& d, ValueId a, ValueId b) { return d.Call("aten.mul.Tensor", {d.Widen(a), d.Widen(b)}); }

// Sums keep the dtype, where sum itself would widen integers.
ValueId RowSums(D& d, ValueId v) {
  return d.Call("aten.sum.dim_IntList", {v, CallArg::Ints({1}), false, {"dtype", d.Tensor(v).dtype}});
}

// aten::dot(Tensor self, Tensor tensor) -> Tensor
void Dot(D& d) {
  ValueId product = Product(d, d.Value(0), d.Value(1));
  d.Return(d.Call("aten.sum.default", {product, {"dtype", d.Tensor(product).dtype}}));
}

// aten::mv(Tensor self, Tensor vec) -> Tensor
void Mv(D& d) { d.Return(RowSums(d, Product(d, d.Value(0), d.Value(1)))); }

// aten::nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
void NanSum(D& d) {
  ValueId x = d.Value(0);
  ValueId numbers = d.Call("aten.masked_fill.Scalar", {x, d.Call("aten.isnan.default", {x}), 0});
  d.Return(d.Call("aten.sum.dim_IntList", {numbers, d.Arg(1), d.Arg(2), {"dtype", d.Arg(3)}}));
}

bool IsComputedAsIs(DType dtype) { return ComputationDType(dtype) == dtype; }

bool IsZero(const Argument& number) {
  const int64_t* i = number.get_if<int64_t>();
  const double* f = number.get_if<double>();
  return (i != nullptr && *i == 0) || (f != nullptr && *f == 0);
}

// A factor of integers is an integer itself, cut where it is a float.
Argument FactorOf(DType dtype, const Argument& factor) {
  const double* f = factor.get_if<double>();
  return f != nullptr && IsIntegralOrBool(dtype) ? Argument(static_cast<int64_t>(*f)) : factor;
}

// beta * self + alpha * product; where beta is 0 a nan in self does not count.
ValueId Blend(D& d, ValueId product, const Argument& given_beta, const Argument& given_alpha) {
  Argument beta = FactorOf(d.Tensor(product).dtype, given_beta);
  Argument alpha = FactorOf(d.Tensor(product).dtype, given_alpha);
  if (IsZero(beta)) {
    // The sum with zeros has the shape of both.
    ValueId zeros = d.Call("aten.zeros_like.default", {d.Value(0)});
    return d.Call("aten.add.Tensor", {zeros, product, {"alpha", alpha}});
  }
  ValueId scaled = d.Call("aten.mul.Scalar", {d.Value(0), beta});
  return d.Call("aten.add.Tensor", {scaled, product, {"alpha", alpha}});
}

// aten::addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor
void Addmv(D& d) {
  d.Return(Blend(d, RowSums(d, Product(d, d.Value(1), d.Value(2))), d.Arg(3), d.Arg(4)));
}

// aten::addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor
void Addr(D& d) {
  ValueId column = d.Call("aten.unsqueeze.default", {d.Value(1), 1});
  d.Return(Blend(d, Product(d, column, d.Value(2)), d.Arg(3), d.Arg(4)));
}

// aten::addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor
void Addbmm(D& d) {
  // Narrow products would be rounded before they are added up.
  if (!IsComputedAsIs(d.Tensor(1).dtype)) return d.Decline();
  ValueId products = d.Call("aten.bmm.default", {d.Value(1), d.Value(2)});
  d.Return(Blend(d, d.Call("aten.sum.dim_IntList", {products, CallArg::Ints({0})}), d.Arg(3), d.Arg(4)));
}

// aten::var.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) and its fellows, in terms of the
// overload with a correction.
template <int num_results>
void WithCorrection(D& d) {
  std::string op = absl::StrCat(d.op().substr(0, d.op().rfind('.')), ".correction");
  bool over_all = absl::EndsWith(d.op(), ".default");
  CallArg dims = over_all ? CallArg(Argument()) : CallArg(d.Arg(1));
  CallArg correction{"correction", d.Bool(over_all ? 1 : 2) ? 1 : 0};
  CallArg keepdim{"keepdim", over_all ? CallArg(false) : CallArg(d.Arg(3))};
  for (ValueId v : d.CallN(op, {d.Value(0), dims, correction, keepdim}, num_results)) d.Return(v);
}

// aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor
void NormDim(D& d) {
  CallArg order = d.IsNone(1) ? CallArg(2) : CallArg(d.Arg(1));
  d.Return(d.Call("aten.linalg_vector_norm.default", {d.Value(0), order, d.Arg(2), d.Arg(3)}));
}
// aten::norm.Scalar(Tensor self, Scalar p=2) -> Tensor
void NormAll(D& d) { d.Return(d.Call("aten.linalg_vector_norm.default", {d.Value(0), d.Arg(1)})); }

constexpr DecomposeRow kRows[] = {
    {"aten.addbmm.default", Addbmm},
    {"aten.addmv.default", Addmv},
    {"aten.addr.default", Addr},
    {"aten.aminmax.default", AminMax},
    {"aten.dot.default", Dot},
    {"aten.logsumexp.default", LogSumExp},
    {"aten.mv.default", Mv},
    {"aten.nansum.default", NanSum},
    {"aten.norm.Scalar", NormAll},
    {"aten.norm.ScalarOpt_dim", NormDim},
    {"aten.std.dim", WithCorrection<1>},
    {"aten.std_mean.dim", WithCorrection<2>},
    {"aten.var.default", WithCorrection<1>},
    {"aten.var.dim", WithCorrection<1>},
    {"aten.var_mean.dim", WithCorrection<2>},
};

}  // namespace

absl::Span<const DecomposeRow> ReductionRules() { return kRows; }

}  // namespace kiln
