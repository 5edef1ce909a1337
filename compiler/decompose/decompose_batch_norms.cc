// Norms over channels: batch norms and group norms. The formulas are those of
// torch/_decomp/decompositions.py with sums over a count written as means.
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/decompose/decompose_arithmetic.h"
#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

ValueId Sum(D& d, ValueId a, const std::vector<int64_t>& dims) {
  return d.Call("aten.sum.dim_IntList", {a, CallArg::Ints(dims), false});
}
ValueId Mean(D& d, ValueId a, const std::vector<int64_t>& dims) {
  return d.Call("aten.mean.dim", {a, CallArg::Ints(dims), true});
}
ValueId Reshaped(D& d, ValueId v, ArgumentList sizes) {
  return d.Call("aten.view.default", {v, Argument(std::move(sizes))});
}
// The value, or none where it is not wanted.
void ReturnIf(D& d, bool wanted, ValueId v) { wanted ? d.Return(v) : d.ReturnNone(); }

// Dimensions [begin, end).
std::vector<int64_t> Range(int begin, int end) {
  std::vector<int64_t> dims(end - begin);
  std::iota(dims.begin(), dims.end(), begin);
  return dims;
}

// [c] as [c, 1, ...], so that it stands for the channels of a tensor of `rank`.
ValueId AlongChannels(D& d, ValueId v, int rank) {
  for (int i = 2; i < rank; ++i) v = d.Call("aten.unsqueeze.default", {v, -1});
  return v;
}

std::vector<int64_t> AllButChannels(int rank) {
  std::vector<int64_t> dims = Range(0, rank);
  if (rank > 1) dims.erase(dims.begin() + 1);
  return dims;
}

ValueId Normalized(D& d, ValueId x, ValueId mean, ValueId rstd) {
  int rank = d.Tensor(x).rank();
  ValueId out = Mul(d, Sub(d, x, mean), rstd);
  if (!d.IsNone(1)) out = Mul(d, out, AlongChannels(d, d.Value(1), rank));
  if (!d.IsNone(2)) out = Add(d, out, AlongChannels(d, d.Value(2), rank));
  return out;
}

ValueId Blend(D& d, ValueId running, ValueId now, double momentum) {
  return Add(d, Mul(d, now, momentum), Mul(d, running, 1 - momentum));
}

void ReturnEmpty(D& d) { d.Return(d.Call("aten.new_empty.default", {d.Value(0), CallArg::Ints({0})})); }

// aten::_native_batch_norm_legit_functional(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean,
//   Tensor running_var, bool training, float momentum, float eps)
//   -> (Tensor, Tensor, Tensor, Tensor running_mean_out, Tensor running_var_out)
void BatchNormFunctional(D& d) {
  int rank = d.Tensor(0).rank();
  ValueId x = d.Widen(d.Value(0));
  if (!d.Bool(5)) {
    ValueId rstd = Rsqrt(d, d.Value(4), d.Float(7));
    d.Return(Normalized(d, x, AlongChannels(d, d.Value(3), rank), AlongChannels(d, rstd, rank)));
    ReturnEmpty(d);
    ReturnEmpty(d);
    d.Return(d.Value(3));
    d.Return(d.Value(4));
    return;
  }
  std::vector<int64_t> dims = AllButChannels(rank);
  std::vector<ValueId> moments =
      d.CallN("aten.var_mean.correction", {x, CallArg::Ints(dims), {"correction", 0}, {"keepdim", true}}, 2);
  ValueId rstd = Rsqrt(d, moments[0], d.Float(7));
  d.Return(Normalized(d, x, moments[1], rstd));
  ValueId mean = d.Call("aten.squeeze.dims", {moments[1], CallArg::Ints(dims)});
  d.Return(mean);
  d.Return(d.Call("aten.squeeze.dims", {rstd, CallArg::Ints(dims)}));
  d.Return(Blend(d, d.Value(3), mean, d.Float(6)));
  ValueId unbiased = d.Call("aten.var.correction", {x, CallArg::Ints(dims), {"correction", 1}});
  d.Return(Blend(d, d.Value(4), unbiased, d.Float(6)));
}

// aten::_native_batch_norm_legit_no_training(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean,
//   Tensor running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor)
void BatchNormNoTraining(D& d) {
  int rank = d.Tensor(0).rank();
  ValueId rstd = Rsqrt(d, d.Value(4), d.Float(6));
  d.Return(Normalized(d, d.Widen(d.Value(0)), AlongChannels(d, d.Value(3), rank), AlongChannels(d, rstd, rank)));
  ReturnEmpty(d);
  ReturnEmpty(d);
}

// aten::_native_batch_norm_legit.no_stats(Tensor input, Tensor? weight, Tensor? bias, bool training, float momentum,
//   float eps) -> (Tensor, Tensor, Tensor): the batch's own moments, always.
std::pair<ValueId, ValueId> ReturnNormalized(D& d, double eps) {
  ValueId x = d.Widen(d.Value(0));
  std::vector<int64_t> dims = AllButChannels(d.Tensor(0).rank());
  std::vector<ValueId> moments =
      d.CallN("aten.var_mean.correction", {x, CallArg::Ints(dims), {"correction", 0}, {"keepdim", true}}, 2);
  ValueId rstd = Rsqrt(d, moments[0], eps);
  d.Return(Normalized(d, x, moments[1], rstd));
  ValueId mean = d.Call("aten.squeeze.dims", {moments[1], CallArg::Ints(dims)});
  d.Return(mean);
  d.Return(d.Call("aten.squeeze.dims", {rstd, CallArg::Ints(dims)}));
  return {x, mean};
}
void BatchNormNoStats(D& d) { ReturnNormalized(d, d.Float(5)); }

// The running statistics at arguments 3 and 4 instead of the batch's.
void ReturnNormalizedByStatistics(D& d, double eps) {
  int rank = d.Tensor(0).rank();
  ValueId rstd = Rsqrt(d, d.Value(4), eps);
  ValueId mean = AlongChannels(d, d.Value(3), rank);
  d.Return(Normalized(d, d.Widen(d.Value(0)), mean, AlongChannels(d, rstd, rank)));
  ReturnEmpty(d);
  ReturnEmpty(d);
}

// aten::_native_batch_norm_legit(Tensor input, Tensor? weight, Tensor? bias, Tensor(a!) running_mean, Tensor(b!)
//   running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)
void BatchNormLegit(D& d) {
  if (!d.Bool(5)) return ReturnNormalizedByStatistics(d, d.Float(7));
  auto [x, mean] = ReturnNormalized(d, d.Float(7));
  std::vector<int64_t> dims = AllButChannels(d.Tensor(0).rank());
  ValueId unbiased = d.Call("aten.var.correction", {x, CallArg::Ints(dims), {"correction", 1}});
  d.Call("aten.copy_.default", {d.Value(3), Blend(d, d.Value(3), mean, d.Float(6))});
  d.Call("aten.copy_.default", {d.Value(4), Blend(d, d.Value(4), unbiased, d.Float(6))});
}

// aten::native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool
//   training, float momentum, float eps): in training its kernel also changes the running statistics, which the
//   schema hides.
void BatchNorm(D& d) {
  if (!d.Bool(5)) return ReturnNormalizedByStatistics(d, d.Float(7));
  if (!d.IsNone(3) || !d.IsNone(4)) return d.Decline();
  ReturnNormalized(d, d.Float(7));
}

// aten::native_batch_norm_backward(Tensor grad_out, Tensor input, Tensor? weight, Tensor? running_mean, Tensor?
//   running_var, Tensor? save_mean, Tensor? save_invstd, bool train, float eps, bool[3] output_mask)
//   -> (Tensor, Tensor, Tensor); batch_norm_backward has the same arguments and one more.
void BatchNormBackward(D& d) {
  bool train = d.Bool(7);
  int rank = d.Tensor(1).rank();
  std::vector<int64_t> dims = AllButChannels(rank);
  ValueId grad = d.Widen(d.Value(0));
  ValueId mean = AlongChannels(d, d.Value(train ? 5 : 3), rank);
  ValueId rstd = AlongChannels(d, train ? d.Value(6) : Rsqrt(d, d.Value(4), d.Float(8)), rank);
  ValueId x_hat = Mul(d, Sub(d, d.Widen(d.Value(1)), mean), rstd);
  if (IsWanted(d, 9, 0)) {
    ValueId slope = d.IsNone(2) ? grad : Mul(d, grad, AlongChannels(d, d.Value(2), rank));
    if (train) {
      ValueId along = Mul(d, x_hat, Mean(d, Mul(d, slope, x_hat), dims));
      slope = Sub(d, Sub(d, slope, Mean(d, slope, dims)), along);
    }
    d.Return(Mul(d, slope, rstd));
  } else {
    d.ReturnNone();
  }
  bool wants_weight = IsWanted(d, 9, 1) && !d.IsNone(2);
  ReturnIf(d, wants_weight, wants_weight ? Sum(d, Mul(d, grad, x_hat), dims) : ValueId{});
  ReturnIf(d, IsWanted(d, 9, 2), IsWanted(d, 9, 2) ? Sum(d, grad, dims) : ValueId{});
}

// --- group norms, on [n, groups, c / groups, ...]

// `v` of the input's shape with its channels split into groups, which is a view
// whatever the strides.
ValueId Grouped(D& d, ValueId v, int64_t groups) {
  ArgumentList sizes = {d.Size(v, 0), Argument(groups), Argument(int64_t{-1})};
  for (int dim = 2; dim < d.Tensor(v).rank(); ++dim) sizes.push_back(d.Size(v, dim));
  return Reshaped(d, v, std::move(sizes));
}

// [c] as [groups, c / groups, 1, ...].
ValueId GroupedChannels(D& d, ValueId v, int64_t groups, int rank) {
  return AlongChannels(d, Reshaped(d, v, {Argument(groups), Argument(int64_t{-1})}), rank);
}

// [n, groups] as [n, groups, 1, ...].
ValueId AlongGroups(D& d, ValueId v, int rank) {
  for (int i = 1; i < rank; ++i) v = d.Call("aten.unsqueeze.default", {v, -1});
  return v;
}

// An empty dimension leaves no view to be inferred.
bool MayBeEmpty(D& d, int arg) {
  for (Expr size : d.Tensor(arg).sizes) {
    if (size.IsInt(0)) return true;
  }
  return false;
}

ValueId Ungrouped(D& d, ValueId v, ValueId like) {
  ArgumentList sizes;
  for (int dim = 0; dim < d.Tensor(like).rank(); ++dim) sizes.push_back(d.Size(like, dim));
  bool is_view = d.Tensor(v).strides == ContiguousStrides(d.env(), d.Tensor(v).sizes);
  return d.Call(is_view ? "aten.view.default" : "aten._reshape_copy.default", {v, Argument(std::move(sizes))});
}

// aten::native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, SymInt C, SymInt HxW, int group, float
//   eps) -> (Tensor, Tensor, Tensor)
void GroupNorm(D& d) {
  if (MayBeEmpty(d, 0)) return d.Decline();
  int rank = d.Tensor(0).rank();
  int64_t groups = d.Int(6);
  ValueId x = Grouped(d, d.Widen(d.Value(0)), groups);
  std::vector<int64_t> inner = Range(2, rank + 1);
  std::vector<ValueId> moments =
      d.CallN("aten.var_mean.correction", {x, CallArg::Ints(inner), {"correction", 0}, {"keepdim", true}}, 2);
  ValueId rstd = Rsqrt(d, moments[0], d.Float(7));
  ValueId out = Mul(d, Sub(d, x, moments[1]), rstd);
  if (!d.IsNone(1)) out = Mul(d, out, GroupedChannels(d, d.Value(1), groups, rank));
  if (!d.IsNone(2)) out = Add(d, out, GroupedChannels(d, d.Value(2), groups, rank));
  d.Return(Ungrouped(d, out, d.Value(0)));
  d.Return(d.Call("aten.squeeze.dims", {moments[1], CallArg::Ints(inner)}));
  d.Return(d.Call("aten.squeeze.dims", {rstd, CallArg::Ints(inner)}));
}

// aten::native_group_norm_backward(Tensor grad_out, Tensor input, Tensor mean, Tensor rstd, Tensor? weight, SymInt N,
//   SymInt C, SymInt HxW, int group, bool[3] output_mask) -> (Tensor, Tensor, Tensor)
void GroupNormBackward(D& d) {
  if (MayBeEmpty(d, 1)) return d.Decline();
  int rank = d.Tensor(1).rank();
  int64_t groups = d.Int(8);
  std::vector<int64_t> inner = Range(2, rank + 1);
  ValueId grad = Grouped(d, d.Widen(d.Value(0)), groups);
  ValueId rstd = AlongGroups(d, d.Value(3), rank);
  ValueId x_hat = Mul(d, Sub(d, Grouped(d, d.Widen(d.Value(1)), groups), AlongGroups(d, d.Value(2), rank)), rstd);
  if (IsWanted(d, 9, 0)) {
    ValueId slope = d.IsNone(4) ? grad : Mul(d, grad, GroupedChannels(d, d.Value(4), groups, rank));
    ValueId along = Mul(d, x_hat, Mean(d, Mul(d, slope, x_hat), inner));
    slope = Sub(d, Sub(d, slope, Mean(d, slope, inner)), along);
    d.Return(Ungrouped(d, Mul(d, slope, rstd), d.Value(1)));
  } else {
    d.ReturnNone();
  }
  std::vector<int64_t> outer = {0};
  for (int dim = 3; dim <= rank; ++dim) outer.push_back(dim);
  auto over_channels = [&](ValueId v) { return Reshaped(d, Sum(d, v, outer), {Argument(int64_t{-1})}); };
  bool wants_weight = IsWanted(d, 9, 1) && !d.IsNone(4);
  ReturnIf(d, wants_weight, wants_weight ? over_channels(Mul(d, grad, x_hat)) : ValueId{});
  ReturnIf(d, IsWanted(d, 9, 2), IsWanted(d, 9, 2) ? over_channels(grad) : ValueId{});
}

// --- weight norms

// All dimensions of `rank` but one, which may count from the end.
std::vector<int64_t> DimsBut(int64_t kept, int rank) {
  if (kept < 0) kept += rank;
  std::vector<int64_t> dims;
  for (int64_t dim : Range(0, rank)) {
    if (dim != kept) dims.push_back(dim);
  }
  return dims;
}

// aten::_weight_norm_interface(Tensor v, Tensor g, int dim=0) -> (Tensor, Tensor): v * g / |v|, the norm being over all
// dimensions but `dim`.
void WeightNorm(D& d) {
  const std::vector<int64_t> dims = DimsBut(d.Int(2), d.Tensor(0).rank());
  ValueId v = d.Widen(d.Value(0));
  // No dimensions would be all of them.
  ValueId norm = dims.empty() ? d.Call("aten.abs.default", {v})
                              : d.Call("aten.linalg_vector_norm.default", {v, 2, CallArg::Ints(dims), true});
  d.Return(Mul(d, v, d.Call("aten.div.Tensor", {d.Widen(d.Value(1)), norm})));
  d.Return(norm);
}

// aten::_weight_norm_interface_backward(Tensor grad_w, Tensor saved_v, Tensor saved_g, Tensor saved_norms, int dim)
//   -> (Tensor, Tensor)
void WeightNormBackward(D& d) {
  const std::vector<int64_t> dims = DimsBut(d.Int(4), d.Tensor(1).rank());
  ValueId grad = d.Widen(d.Value(0));
  ValueId v = d.Widen(d.Value(1));
  ValueId norm = d.Widen(d.Value(3));
  ValueId along = Mul(d, grad, v);
  if (!dims.empty()) along = d.Call("aten.sum.dim_IntList", {along, CallArg::Ints(dims), true});
  auto div = [&](ValueId a, ValueId b) { return d.Call("aten.div.Tensor", {a, b}); };
  ValueId direction = div(v, norm);
  ValueId tangent = Sub(d, grad, Mul(d, direction, div(along, norm)));
  d.Return(Mul(d, tangent, div(d.Widen(d.Value(2)), norm)));
  d.Return(div(along, norm));
}

constexpr DecomposeRow kRows[] = {
    {"aten._native_batch_norm_legit.default", BatchNormLegit},
    {"aten._native_batch_norm_legit.no_stats", BatchNormNoStats},
    {"aten._native_batch_norm_legit_functional.default", BatchNormFunctional},
    {"aten._native_batch_norm_legit_no_training.default", BatchNormNoTraining},
    {"aten._weight_norm_interface.default", WeightNorm},
    {"aten._weight_norm_interface_backward.default", WeightNormBackward},
    {"aten.batch_norm_backward.default", BatchNormBackward},
    {"aten.native_batch_norm.default", BatchNorm},
    {"aten.native_batch_norm_backward.default", BatchNormBackward},
    {"aten.native_group_norm.default", GroupNorm},
    {"aten.native_group_norm_backward.default", GroupNormBackward},
};

}  // namespace

absl::Span<const DecomposeRow> BatchNormRules() { return kRows; }

}  // namespace kiln
