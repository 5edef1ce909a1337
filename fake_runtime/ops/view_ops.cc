// Views and their copies. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/view_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_conj(Tensor(a) self) -> Tensor(a)", kTagView, ConjMeta, "copy copy.out"},
    {"aten::_neg_view(Tensor(a) self) -> Tensor(a)", kTagView, NegViewMeta, "copy copy.out"},
    {"aten::_reshape_alias(Tensor(a) self, SymInt[] size, SymInt[] stride) -> Tensor(a)",
     kTagView, ReshapeAliasMeta, "copy copy.out"},
    {"aten::_reshape_copy(Tensor self, SymInt[] size) -> Tensor", kTagNone, ReshapeCopyMeta},
    {"aten::_unsafe_view(Tensor self, SymInt[] size) -> Tensor", kTagNone, ViewMeta, "out"},
    {"aten::alias(Tensor(a) self) -> Tensor(a)", kTagCore | kTagView, AliasMeta, "copy copy.out"},
    {"aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)",
     kTagCore | kTagView, AsStridedMeta, "_ copy copy.out"},
    {"aten::detach(Tensor(a) self) -> Tensor(a)", kTagView, AliasMeta, "_ copy copy.out"},
    {"aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)",
     kTagCore | kTagView, DiagonalMeta, "copy copy.out"},
    {"aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)",
     kTagCore | kTagView, ExpandMeta, "copy copy.out"},
    {"aten::lift(Tensor self) -> Tensor", kTagNone, AliasMeta, "out"},
    {"aten::lift_fresh(Tensor(a) self) -> Tensor(a)", kTagView, AliasMeta, "copy.out"},
    {"aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)", kTagCore | kTagView, PermuteMeta, "copy copy.out"},
    {"aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)",
     kTagCore | kTagView, SelectMeta, "copy copy.int_out"},
    {"aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)",
     kTagCore | kTagView, SliceMeta, "copy copy.Tensor_out"},
    {"aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]",
     kTagView, SplitMeta, "copy"},
    {"aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]",
     kTagCore | kTagView, SplitWithSizesMeta, "copy"},
    {"aten::squeeze(Tensor(a) self) -> Tensor(a)", kTagView, SqueezeMeta, "_ copy copy.out"},
    {"aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)",
     kTagCore | kTagView, SqueezeMeta, "_ copy copy.dim_out"},
    {"aten::squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)",
     kTagCore | kTagView, SqueezeMeta, "_ copy copy.dims_out"},
    {"aten::t(Tensor(a) self) -> Tensor(a)", kTagView, TMeta, "_ copy copy.out"},
    {"aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)",
     kTagView, TransposeMeta, "copy copy.int_out"},
    {"aten::transpose_(Tensor(a!) self, int dim0, int dim1) -> Tensor(a!)", kTagEffect | kTagInplaceView, TransposeMeta},
    {"aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]", kTagView, UnbindMeta, "copy"},
    {"aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)",
     kTagView, UnfoldMeta, "copy copy.out"},
    {"aten::unsafe_split.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]", kTagNone, SplitMeta},
    {"aten::unsafe_split_with_sizes(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]",
     kTagNone, SplitWithSizesMeta},
    {"aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)", kTagCore | kTagView, UnsqueezeMeta, "_ copy copy.out"},
    {"aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)", kTagCore | kTagView, ViewMeta, "copy copy.out"},
    {"aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)", kTagView, ViewDTypeMeta, "copy copy.dtype_out"},
    {"aten::view_as_complex(Tensor(a) self) -> Tensor(a)", kTagView, ViewAsComplexMeta, "copy copy.out"},
    {"aten::view_as_real(Tensor(a) self) -> Tensor(a)", kTagView, ViewAsRealMeta, "copy copy.out"},
};

}  // namespace

absl::Span<const OpDef> ViewOps() { return kRows; }

}  // namespace kiln
