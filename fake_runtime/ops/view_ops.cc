// Views and their copies. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/view_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_conj(Tensor(a) self) -> Tensor(a)", kTagView, ConjMeta},
    {"aten::_neg_view(Tensor(a) self) -> Tensor(a)", kTagView, NegViewMeta},
    {"aten::_reshape_alias(Tensor(a) self, SymInt[] size, SymInt[] stride) -> Tensor(a)", kTagView, ReshapeAliasMeta},
    {"aten::_reshape_copy(Tensor self, SymInt[] size) -> Tensor", kTagNone, ReshapeCopyMeta},
    {"aten::_unsafe_view(Tensor self, SymInt[] size) -> Tensor", kTagNone, ViewMeta},
    {"aten::alias(Tensor(a) self) -> Tensor(a)", kTagCore | kTagView, AliasMeta},
    {"aten::alias_copy(Tensor self) -> Tensor", kTagNone, CopyOf<AliasMeta>},
    {"aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)",
     kTagCore | kTagView, AsStridedMeta},
    {"aten::as_strided_(Tensor(a!) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> "
     "Tensor(a!)",
     kTagEffect, AsStridedMeta},
    {"aten::as_strided_copy(Tensor self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor",
     kTagNone, CopyOf<AsStridedMeta>},
    {"aten::detach(Tensor(a) self) -> Tensor(a)", kTagView, AliasMeta},
    {"aten::detach_(Tensor(a!) self) -> Tensor(a!)", kTagEffect, AliasMeta},
    {"aten::detach_copy(Tensor self) -> Tensor", kTagNone, CopyOf<AliasMeta>},
    {"aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)",
     kTagCore | kTagView, DiagonalMeta},
    {"aten::diagonal_copy(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor",
     kTagNone, CopyOf<DiagonalMeta>},
    {"aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)",
     kTagCore | kTagView, ExpandMeta},
    {"aten::expand_copy(Tensor self, SymInt[] size, *, bool implicit=False) -> Tensor", kTagNone, CopyOf<ExpandMeta>},
    {"aten::lift(Tensor self) -> Tensor", kTagNone, AliasMeta},
    {"aten::lift_fresh(Tensor(a) self) -> Tensor(a)", kTagView, AliasMeta},
    {"aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)", kTagCore | kTagView, PermuteMeta},
    {"aten::permute_copy(Tensor self, int[] dims) -> Tensor", kTagNone, CopyOf<PermuteMeta>},
    {"aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)", kTagCore | kTagView, SelectMeta},
    {"aten::select_copy.int(Tensor self, int dim, SymInt index) -> Tensor", kTagNone, CopyOf<SelectMeta>},
    {"aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> "
     "Tensor(a)",
     kTagCore | kTagView, SliceMeta},
    {"aten::slice_copy.Tensor(Tensor self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> "
     "Tensor",
     kTagNone, CopyOf<SliceMeta>},
    {"aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]", kTagView, SplitMeta},
    {"aten::split_copy.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]", kTagNone, CopyOf<SplitMeta>},
    {"aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]",
     kTagCore | kTagView, SplitWithSizesMeta},
    {"aten::split_with_sizes_copy(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]",
     kTagNone, CopyOf<SplitWithSizesMeta>},
    {"aten::squeeze(Tensor(a) self) -> Tensor(a)", kTagView, SqueezeMeta},
    {"aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)", kTagCore | kTagView, SqueezeMeta},
    {"aten::squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)", kTagCore | kTagView, SqueezeMeta},
    {"aten::squeeze_(Tensor(a!) self) -> Tensor(a!)", kTagEffect, SqueezeMeta},
    {"aten::squeeze_.dim(Tensor(a!) self, int dim) -> Tensor(a!)", kTagEffect, SqueezeMeta},
    {"aten::squeeze_.dims(Tensor(a!) self, int[] dim) -> Tensor(a!)", kTagEffect, SqueezeMeta},
    {"aten::squeeze_copy(Tensor self) -> Tensor", kTagNone, CopyOf<SqueezeMeta>},
    {"aten::squeeze_copy.dim(Tensor self, int dim) -> Tensor", kTagNone, CopyOf<SqueezeMeta>},
    {"aten::squeeze_copy.dims(Tensor self, int[] dim) -> Tensor", kTagNone, CopyOf<SqueezeMeta>},
    {"aten::t(Tensor(a) self) -> Tensor(a)", kTagView, TMeta},
    {"aten::t_(Tensor(a!) self) -> Tensor(a!)", kTagEffect, TMeta},
    {"aten::t_copy(Tensor self) -> Tensor", kTagNone, CopyOf<TMeta>},
    {"aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", kTagView, TransposeMeta},
    {"aten::transpose_(Tensor(a!) self, int dim0, int dim1) -> Tensor(a!)", kTagEffect, TransposeMeta},
    {"aten::transpose_copy.int(Tensor self, int dim0, int dim1) -> Tensor", kTagNone, CopyOf<TransposeMeta>},
    {"aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]", kTagView, UnbindMeta},
    {"aten::unbind_copy.int(Tensor self, int dim=0) -> Tensor[]", kTagNone, CopyOf<UnbindMeta>},
    {"aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)", kTagView, UnfoldMeta},
    {"aten::unfold_copy(Tensor self, int dimension, int size, int step) -> Tensor", kTagNone, CopyOf<UnfoldMeta>},
    {"aten::unsafe_split.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]", kTagNone, SplitMeta},
    {"aten::unsafe_split_with_sizes(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]",
     kTagNone, SplitWithSizesMeta},
    {"aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)", kTagCore | kTagView, UnsqueezeMeta},
    {"aten::unsqueeze_(Tensor(a!) self, int dim) -> Tensor(a!)", kTagEffect, UnsqueezeMeta},
    {"aten::unsqueeze_copy(Tensor self, int dim) -> Tensor", kTagNone, CopyOf<UnsqueezeMeta>},
    {"aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)", kTagCore | kTagView, ViewMeta},
    {"aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)", kTagView, ViewDTypeMeta},
    {"aten::view_as_complex(Tensor(a) self) -> Tensor(a)", kTagView, ViewAsComplexMeta},
    {"aten::view_as_complex_copy(Tensor self) -> Tensor", kTagNone, CopyOf<ViewAsComplexMeta>},
    {"aten::view_as_real(Tensor(a) self) -> Tensor(a)", kTagView, ViewAsRealMeta},
    {"aten::view_as_real_copy(Tensor self) -> Tensor", kTagNone, CopyOf<ViewAsRealMeta>},
    {"aten::view_copy(Tensor self, SymInt[] size) -> Tensor", kTagNone, CopyOf<ViewMeta>},
    {"aten::view_copy.dtype(Tensor self, ScalarType dtype) -> Tensor", kTagNone, CopyOf<ViewDTypeMeta>},
};

}  // namespace

absl::Span<const OpDef> ViewOps() { return kRows; }

}  // namespace kiln
