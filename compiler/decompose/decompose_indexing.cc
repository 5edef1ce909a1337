// Indexing in terms of gathers and scatters.
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

ValueId Flat(D& d, ValueId v) {
  bool is_view = d.Tensor(v).strides == ContiguousStrides(d.env(), d.Tensor(v).sizes);
  return d.Call(is_view ? "aten.view.default" : "aten._reshape_copy.default", {v, CallArg::Ints({-1})});
}

Argument Sizes(D& d, ValueId v) {
  ArgumentList sizes;
  for (int dim = 0; dim < d.Tensor(v).rank(); ++dim) sizes.push_back(d.Size(v, dim));
  return Argument(std::move(sizes));
}

ValueId Reshaped(D& d, ValueId v, const Argument& sizes) { return d.Call("aten.view.default", {v, sizes}); }

Argument OneIndex(ValueId index) { return Argument(ArgumentList{Argument(index)}); }

// aten::take(Tensor self, Tensor index) -> Tensor: of the flat tensor
void Take(D& d) { d.Return(d.Call("aten.index.Tensor", {Flat(d, d.Value(0)), OneIndex(d.Value(1))})); }

// aten::put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor
void Put(D& d) {
  ValueId index = Flat(d, d.Value(1));
  ValueId source = Flat(d, d.Value(2));
  ValueId put = d.Call("aten.index_put.default", {Flat(d, d.Value(0)), OneIndex(index), source, d.Arg(3)});
  d.Return(Reshaped(d, put, Sizes(d, d.Value(0))));
}

// aten::masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor: the n-th place that the mask has takes the
// n-th element of source. Before the first such place the number is -1, which is clamped and not taken.
void MaskedScatter(D& d) {
  ValueId self = d.Value(0);
  Expr available = Numel(d.env().pool(), d.Tensor(2).sizes);
  if (!d.env().KnownTrue(d.env().pool().Gt(available, Expr(0)))) return d.Decline();
  // Both are broadcast.
  if (d.Tensor(1).rank() > d.Tensor(self).rank() || d.Tensor(1).sizes != d.Tensor(self).sizes) {
    self = d.Call("aten.where.self", {d.Value(1), self, self});
  }
  ValueId mask = d.Call("aten.expand.default", {d.Value(1), Sizes(d, self)});
  ValueId number = d.Call("aten.cumsum.default", {d.Call("aten._to_copy.default", {Flat(d, mask), {"dtype", DType::kInt64}}), 0});
  number = d.Call("aten.sub.Tensor", {number, 1});
  // Unmasked places behind the last one that source has would read past it.
  ValueId safe = d.Call("aten.where.self", {Flat(d, mask), number, d.Call("aten.zeros_like.default", {number})});
  ValueId taken = d.Call("aten.index.Tensor", {Flat(d, d.Value(2)), OneIndex(safe)});
  d.Return(d.Call("aten.where.self", {mask, Reshaped(d, taken, Sizes(d, self)), self}));
}

// The arguments of scatter_reduce: self, dim, index, src, reduce, include_self.
struct ScatterArguments {
  ValueId self;
  CallArg dim;
  ValueId index;
  ValueId src;
  std::string reduce;
  CallArg include_self;
};

ValueId Scattered(D& d, const ScatterArguments& a) {
  return d.Call("aten.scatter_reduce.two",
                {a.self, a.dim, a.index, a.src, Argument(a.reduce), {"include_self", a.include_self}});
}

// A sum of float16 or bfloat16 is taken in float32 and rounded once, as eager does it: bfloat16 has 8 bits, and thirty
// numbers in one place would lose the last two of them.
void SumInFloat32(D& d) {
  constexpr int kSource = 3;
  const DType dtype = d.Tensor(0).dtype;
  if (!IsFloating(dtype) || ComputationDType(dtype) == dtype) return d.Decline();
  std::vector<CallArg> args;
  for (size_t i = 0; i < d.args().size(); ++i) {
    const ValueId* tensor = d.args()[i].get_if<ValueId>();
    const bool is_summed = tensor != nullptr && (i == 0 || i == kSource);
    CallArg arg = is_summed ? CallArg(d.Widen(*tensor)) : CallArg(d.args()[i]);
    args.push_back(d.schema().args[i].keyword_only ? CallArg(d.schema().args[i].name, std::move(arg)) : std::move(arg));
  }
  d.Return(d.Cast(d.Call(d.op(), std::move(args)), dtype));
}

// aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce), .value_reduce
void ScatterReduced(D& d) { *d.Arg(4).get_if<std::string>() == "add" ? SumInFloat32(d) : d.Decline(); }

// A mean is a sum over a count. What nothing hits counts its own element, which it keeps.
ValueId ScatteredMean(D& d, ScatterArguments a) {
  bool is_floating = IsFloating(d.Tensor(a.self).dtype);
  a.reduce = "sum";
  a.self = d.Widen(a.self);
  a.src = d.Widen(a.src);
  ValueId sum = Scattered(d, a);
  a.self = d.Call("aten.ones_like.default", {a.self});
  a.src = d.Call("aten.ones_like.default", {a.src});
  ValueId count = d.Call("aten.clamp_min.default", {Scattered(d, a), 1});
  if (is_floating) return d.Call("aten.div.Tensor", {sum, count});
  return d.Call("aten.div.Tensor_mode", {sum, count, {"rounding_mode", Argument(std::string("floor"))}});
}

// aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True)
//   -> Tensor; what is neither a mean nor a sum is lowered as it is.
void ScatterReduce(D& d) {
  std::string reduce = *d.Arg(4).get_if<std::string>();
  if (reduce == "sum") return SumInFloat32(d);
  if (reduce != "mean") return d.Decline();
  d.Return(ScatteredMean(d, {d.Value(0), d.Arg(1), d.Value(2), d.Value(3), reduce, d.Arg(5)}));
}

// aten::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True)
//   -> Tensor: the index, spread over the other dimensions, scatters.
void IndexReduce(D& d) {
  int rank = d.Tensor(0).rank();
  if (rank == 0 || d.Tensor(2).rank() != 1 || d.Tensor(3).rank() != rank) return d.Decline();
  int64_t dim = d.Int(1) < 0 ? d.Int(1) + rank : d.Int(1);
  ArgumentList shape(rank, Argument(int64_t{1}));
  shape[dim] = Argument(int64_t{-1});
  for (Expr size : d.Tensor(2).sizes) {
    if (size.IsInt(0)) return d.Decline();
  }
  ValueId index = d.Call("aten.expand.default", {Reshaped(d, d.Value(2), Argument(shape)), Sizes(d, d.Value(3))});
  std::string reduce = *d.Arg(4).get_if<std::string>();
  ScatterArguments a = {d.Value(0), dim, index, d.Value(3), reduce, d.Arg(5)};
  d.Return(reduce == "mean" ? ScatteredMean(d, a) : Scattered(d, a));
}

// The indices moved into the tensor, so that masked ones may say what they like.
Argument Clamped(D& d) {
  ArgumentList indices;
  int dim = 0;
  for (const Argument& index : *d.Arg(2).get_if<ArgumentList>()) {
    const ValueId* id = index.get_if<ValueId>();
    if (id == nullptr) {
      indices.push_back(index);
    } else {
      ValueId low = d.Call("aten.clamp_min.default", {*id, 0});
      Argument size = d.Size(d.Value(0), dim);
      const int64_t* known = size.get_if<int64_t>();
      CallArg last = known != nullptr ? CallArg(*known - 1) : CallArg(d.Call("sym.sub", {size, 1}));
      indices.emplace_back(d.Call("aten.clamp_max.default", {low, last}));
    }
    ++dim;
  }
  return Argument(std::move(indices));
}

bool MayBeEmpty(D& d, int arg) {
  Expr count = Numel(d.env().pool(), d.Tensor(arg).sizes);
  return !d.env().KnownTrue(d.env().pool().Gt(count, Expr(0)));
}

// aten::_unsafe_masked_index(Tensor self, Tensor mask, Tensor?[] indices, Scalar fill) -> Tensor
void MaskedIndex(D& d) {
  if (MayBeEmpty(d, 0)) return d.Decline();
  ValueId taken = d.Call("aten._unsafe_index.Tensor", {d.Value(0), Clamped(d)});
  ValueId masked = d.Call("aten.logical_not.default", {d.Value(1)});
  d.Return(d.Call("aten.masked_fill.Scalar", {taken, masked, d.Arg(3)}));
}

// aten::_unsafe_masked_index_put_accumulate(Tensor self, Tensor mask, Tensor?[] indices, Tensor values) -> Tensor
void MaskedIndexPut(D& d) {
  if (MayBeEmpty(d, 0)) return d.Decline();
  ValueId masked = d.Call("aten.logical_not.default", {d.Value(1)});
  ValueId values = d.Call("aten.masked_fill.Scalar", {d.Value(3), masked, 0});
  d.Return(d.Call("aten._unsafe_index_put.default", {d.Value(0), Clamped(d), values, true}));
}

// aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor by a mask, which is
// where(mask, values, self) if there is one value for all.
void MaskedPut(D& d) {
  std::optional<ValueId> mask;
  int first = 0;
  for (const Argument& index : *d.Arg(1).get_if<ArgumentList>()) {
    const ValueId* id = index.get_if<ValueId>();
    if (id == nullptr && !mask.has_value()) ++first;
    if (id == nullptr) continue;
    if (mask.has_value() || d.Tensor(*id).dtype != DType::kBool) return d.Decline();
    mask = *id;
  }
  if (!mask.has_value()) return d.Decline();
  for (Expr size : d.Tensor(2).sizes) {
    if (!size.IsInt(1)) return d.Decline();
  }
  ValueId value = d.Tensor(2).rank() > d.Tensor(0).rank() ? Reshaped(d, d.Value(2), Argument(ArgumentList{})) : d.Value(2);
  if (d.Bool(3)) value = d.Call("aten.add.Tensor", {d.Value(0), value});
  ValueId where = *mask;
  for (int dim = first + d.Tensor(*mask).rank(); dim < d.Tensor(0).rank(); ++dim) {
    where = d.Call("aten.unsqueeze.default", {where, -1});
  }
  d.Return(d.Call("aten.where.self", {where, value, d.Value(0)}));
}

// aten::isin.Scalar_Tensor(Scalar element, Tensor test_elements, *, bool assume_unique=False, bool invert=False)
//   -> Tensor
void ScalarIsIn(D& d) {
  ValueId found = d.Call("aten.any.default", {d.Call("aten.eq.Scalar", {d.Value(1), d.Arg(0)})});
  d.Return(d.Bool(3) ? d.Call("aten.logical_not.default", {found}) : found);
}

constexpr DecomposeRow kRows[] = {
    {"aten._unsafe_index_put.default", MaskedPut},
    {"aten._unsafe_masked_index.default", MaskedIndex},
    {"aten._unsafe_masked_index_put_accumulate.default", MaskedIndexPut},
    {"aten.index_add.default", SumInFloat32},
    {"aten.index_put.default", MaskedPut},
    {"aten.index_reduce.default", IndexReduce},
    {"aten.isin.Scalar_Tensor", ScalarIsIn},
    {"aten.masked_scatter.default", MaskedScatter},
    {"aten.put.default", Put},
    {"aten.scatter.reduce", ScatterReduced},
    {"aten.scatter.value_reduce", ScatterReduced},
    {"aten.scatter_add.default", SumInFloat32},
    {"aten.scatter_reduce.two", ScatterReduce},
    {"aten.take.default", Take},
};

}  // namespace

absl::Span<const DecomposeRow> IndexingRules() { return kRows; }

}  // namespace kiln
