// Copies along several dimensions, and views that are copies.
#include <utility>
#include <vector>

#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

// A view in another dtype becomes a copy where nothing writes its memory: a buffer
// has one dtype. As an output it is a copy, too; AOTAutograd makes the views that
// a user sees from their bases.
template <const char* kCopy>
void CopyInOtherDType(D& d) {
  if (!d.may_copy_view()) return d.Decline();
  std::vector<CallArg> args(d.args().begin(), d.args().end());
  d.Return(d.Call(kCopy, std::move(args)));
}

// Lazily conjugated and negated views, likewise: memory holds what it holds.
template <const char* kComputed>
void ComputedView(D& d) {
  if (!d.may_copy_view()) return d.Decline();
  d.Return(d.Call(kComputed, {d.Value(0)}));
}
constexpr char kConjPhysical[] = "aten._conj_physical.default";
constexpr char kNeg[] = "aten.neg.default";
constexpr char kViewCopy[] = "aten.view_copy.dtype";
constexpr char kViewAsComplexCopy[] = "aten.view_as_complex_copy.default";
constexpr char kViewAsRealCopy[] = "aten.view_as_real_copy.default";

// aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) along several
// dimensions, one after the other.
void Roll(D& d) {
  const ArgumentList& shifts = *d.Arg(1).get_if<ArgumentList>();
  const ArgumentList& dims = *d.Arg(2).get_if<ArgumentList>();
  if (dims.size() < 2 || shifts.size() != dims.size()) return d.Decline();
  ValueId v = d.Value(0);
  for (size_t i = 0; i < dims.size(); ++i) {
    v = d.Call("aten.roll.default", {v, Argument(ArgumentList{shifts[i]}), Argument(ArgumentList{dims[i]})});
  }
  d.Return(v);
}

// aten::narrow_copy(Tensor self, int dim, SymInt start, SymInt length) -> Tensor
void NarrowCopy(D& d) {
  const int64_t* start = d.Arg(2).get_if<int64_t>();
  const int64_t* length = d.Arg(3).get_if<int64_t>();
  // A start that counts from the end has an end that may be 0.
  if (start == nullptr || length == nullptr || *start < 0) return d.Decline();
  ValueId part = d.Call("aten.slice.Tensor", {d.Value(0), d.Arg(1), *start, *start + *length});
  d.Return(d.Call("aten.clone.default", {part, {"memory_format", MemoryFormat::kContiguous}}));
}

// aten::rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor
void Rot90(D& d) {
  const ArgumentList& dims = *d.Arg(2).get_if<ArgumentList>();
  int64_t first = *dims[0].get_if<int64_t>();
  int64_t second = *dims[1].get_if<int64_t>();
  int64_t turns = ((d.Int(1) % 4) + 4) % 4;
  ValueId x = d.Value(0);
  auto flipped = [&](std::vector<int64_t> along) { return d.Call("aten.flip.default", {x, CallArg::Ints(along)}); };
  if (turns == 0) return d.Return(d.Call("aten.clone.default", {x, {"memory_format", MemoryFormat::kContiguous}}));
  if (turns == 2) return d.Return(flipped({first, second}));
  ValueId turned = d.Call("aten.transpose.int", {flipped({turns == 1 ? second : first}), first, second});
  d.Return(d.Call("aten.clone.default", {turned, {"memory_format", MemoryFormat::kContiguous}}));
}

// aten::channel_shuffle(Tensor self, SymInt groups) -> Tensor: [n, groups, c / groups, ..] with both exchanged
void ChannelShuffle(D& d) {
  ArgumentList split = {d.Size(d.Value(0), 0), d.Arg(1), Argument(int64_t{-1})};
  ArgumentList whole = {d.Size(d.Value(0), 0), d.Size(d.Value(0), 1)};
  for (int dim = 2; dim < d.Tensor(0).rank(); ++dim) {
    split.push_back(d.Size(d.Value(0), dim));
    whole.push_back(d.Size(d.Value(0), dim));
  }
  for (Expr size : d.Tensor(0).sizes) {
    if (size.IsInt(0)) return d.Decline();
  }
  ValueId shuffled = d.Call("aten.transpose.int", {d.Call("aten.view.default", {d.Value(0), Argument(split)}), 1, 2});
  d.Return(d.Call("aten._reshape_copy.default", {shuffled, Argument(whole)}));
}

// aten::hstack(Tensor[] tensors), vstack and dstack: a cat of tensors that have at
// least 1, 2 or 3 dimensions. A vector is a row in all but hstack.
template <int rank>
void StackAlong(D& d) {
  ArgumentList parts;
  int64_t dim = rank == 3 ? 2 : 0;
  for (const Argument& item : *d.Arg(0).get_if<ArgumentList>()) {
    ValueId v = *item.get_if<ValueId>();
    if (d.Tensor(v).rank() == 0) v = d.Call("aten.unsqueeze.default", {v, 0});
    if (rank == 1 && d.Tensor(v).rank() > 1) dim = 1;
    if (rank > 1 && d.Tensor(v).rank() == 1) v = d.Call("aten.unsqueeze.default", {v, 0});
    if (rank > 2 && d.Tensor(v).rank() == 2) v = d.Call("aten.unsqueeze.default", {v, 2});
    parts.emplace_back(v);
  }
  d.Return(d.Call("aten.cat.default", {Argument(std::move(parts)), dim}));
}

constexpr DecomposeRow kRows[] = {
    {"aten._conj.default", ComputedView<kConjPhysical>},
    {"aten._neg_view.default", ComputedView<kNeg>},
    {"aten.channel_shuffle.default", ChannelShuffle},
    {"aten.dstack.default", StackAlong<3>},
    {"aten.hstack.default", StackAlong<1>},
    {"aten.narrow_copy.default", NarrowCopy},
    {"aten.roll.default", Roll},
    {"aten.rot90.default", Rot90},
    {"aten.view.dtype", CopyInOtherDType<kViewCopy>},
    {"aten.view_as_complex.default", CopyInOtherDType<kViewAsComplexCopy>},
    {"aten.view_as_real.default", CopyInOtherDType<kViewAsRealCopy>},
    {"aten.vstack.default", StackAlong<2>},
};

}  // namespace

absl::Span<const DecomposeRow> CopyRules() { return kRows; }

}  // namespace kiln
