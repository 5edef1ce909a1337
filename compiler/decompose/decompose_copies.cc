// The copying twins of view operators: the view, then a copy of it.
#include <string>

#include "absl/strings/str_replace.h"
#include "compiler/decompose/decompose_context.h"

namespace kiln {
namespace {

using D = DecomposeContext;

// aten.slice_copy.Tensor(args) is aten.slice.Tensor(args) and a contiguous clone.
void CopyOfView(D& d) {
  std::string view = absl::StrReplaceAll(d.op(), {{"_copy", ""}});
  std::vector<CallArg> args(d.args().begin(), d.args().end());
  for (size_t i = 0; i < args.size(); ++i) {
    if (d.schema().args[i].keyword_only) args[i].name = d.schema().args[i].name;
  }
  ValueId v = d.Call(view, std::move(args));
  d.Return(d.Call("aten.clone.default", {v, {"memory_format", MemoryFormat::kContiguous}}));
}

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

constexpr DecomposeRow kRows[] = {
    {"aten._conj.default", ComputedView<kConjPhysical>},
    {"aten._neg_view.default", ComputedView<kNeg>},
    {"aten.alias_copy.default", CopyOfView},
    {"aten.as_strided_copy.default", CopyOfView},
    {"aten.detach_copy.default", CopyOfView},
    {"aten.diagonal_copy.default", CopyOfView},
    {"aten.expand_copy.default", CopyOfView},
    {"aten.permute_copy.default", CopyOfView},
    {"aten.roll.default", Roll},
    {"aten.select_copy.int", CopyOfView},
    {"aten.slice_copy.Tensor", CopyOfView},
    {"aten.squeeze_copy.default", CopyOfView},
    {"aten.squeeze_copy.dim", CopyOfView},
    {"aten.squeeze_copy.dims", CopyOfView},
    {"aten.t_copy.default", CopyOfView},
    {"aten.transpose_copy.int", CopyOfView},
    {"aten.unsqueeze_copy.default", CopyOfView},
    {"aten.view.dtype", CopyInOtherDType<kViewCopy>},
    {"aten.view_as_complex.default", CopyInOtherDType<kViewAsComplexCopy>},
    {"aten.view_as_real.default", CopyInOtherDType<kViewAsRealCopy>},
    {"aten.view_copy.default", CopyOfView},
};

}  // namespace

absl::Span<const DecomposeRow> CopyRules() { return kRows; }

}  // namespace kiln
