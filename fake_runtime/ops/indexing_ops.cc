// Gathers, scatters, embeddings and what depends on data. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/backward_meta.h"
#include "fake_runtime/ops/copy_meta.h"
#include "fake_runtime/ops/indexing_meta.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/ops/pointwise_meta.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_ctc_loss(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, int"
     " blank=0, bool zero_infinity=False) -> (Tensor, Tensor)",
     kTagDynamicShape, DynamicShapeMeta},
    {"aten::_ctc_loss.Tensor(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths,"
     " int blank=0, bool zero_infinity=False) -> (Tensor, Tensor)",
     kTagDynamicShape, DynamicShapeMeta},
    {"aten::_embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int "
     "mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False, int "
     "padding_idx=-1) -> (Tensor, Tensor, Tensor, Tensor)",
     kTagCore, EmbeddingBagMeta, "out"},
    {"aten::_embedding_bag_backward(Tensor grad, Tensor indices, Tensor offsets, Tensor offset2bag, Tensor "
     "bag_size, Tensor maximum_indices, SymInt num_weights, bool scale_grad_by_freq, int mode, bool sparse, Tensor? "
     "per_sample_weights, int padding_idx=-1) -> Tensor",
     kTagNone, EmbeddingBagBackwardMeta},
    {"aten::_embedding_bag_forward_only(Tensor weight, Tensor indices, Tensor offsets, bool "
     "scale_grad_by_freq=False, int mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool "
     "include_last_offset=False, int padding_idx=-1) -> (Tensor, Tensor, Tensor, Tensor)",
     kTagNone, EmbeddingBagMeta, "out"},
    {"aten::_embedding_bag_per_sample_weights_backward(Tensor grad, Tensor weight, Tensor indices, Tensor offsets, "
     "Tensor offset2bag, int mode, int padding_idx=-1) -> Tensor",
     kTagNone, PerSampleWeightsBackwardMeta, "out"},
    {"aten::_local_scalar_dense(Tensor self) -> Scalar", kTagCore | kTagDataDependent, ItemMeta},
    {"aten::_pack_padded_sequence(Tensor input, Tensor lengths, bool batch_first) -> (Tensor, Tensor)",
     kTagNone, PackPaddedSequenceMeta},
    {"aten::_unique(Tensor self, bool sorted=True, bool return_inverse=False) -> (Tensor, Tensor)",
     kTagDynamicShape, UniqueMeta},
    {"aten::_unique2(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> "
     "(Tensor, Tensor, Tensor)",
     kTagDynamicShape, UniqueMeta},
    {"aten::_unsafe_index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", kTagNone, IndexMeta},
    {"aten::_unsafe_index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor",
     kTagNone, IndexPutMeta},
    {"aten::_unsafe_masked_index(Tensor self, Tensor mask, Tensor?[] indices, Scalar fill) -> Tensor",
     kTagNone, UnsafeMaskedIndexMeta},
    {"aten::_unsafe_masked_index_put_accumulate(Tensor self, Tensor mask, Tensor?[] indices, Tensor values) -> Tensor",
     kTagNone, IndexPutMeta},
    {"aten::allclose(Tensor self, Tensor other, float rtol=1.0000000000000001e-05, float atol=1e-08, bool "
     "equal_nan=False) -> bool",
     kTagDataDependent, EqualMeta},
    {"aten::argwhere(Tensor self) -> Tensor",
     kTagDynamicShape, NonzeroMeta},
    {"aten::as_strided_scatter(Tensor self, Tensor src, SymInt[] size, SymInt[] stride, SymInt? "
     "storage_offset=None) -> Tensor",
     kTagNone, AsStridedScatterMeta, "out"},
    {"aten::bincount(Tensor self, Tensor? weights=None, SymInt minlength=0) -> Tensor", kTagDynamicShape, BincountMeta},
    {"aten::bucketize.Scalar(Scalar self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor",
     kTagNone, BucketizeMeta, "Scalar_out"},
    {"aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor",
     kTagNone, BucketizeMeta, "Tensor_out"},
    {"aten::diagonal_backward(Tensor grad_output, SymInt[] input_sizes, int offset, int dim1, int dim2) -> Tensor",
     kTagNone, SliceBackwardMeta, "out"},
    {"aten::diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor",
     kTagNone, DiagonalScatterMeta, "out"},
    {"aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool "
     "sparse=False) -> Tensor",
     kTagCore, EmbeddingMeta, "out"},
    {"aten::embedding_dense_backward(Tensor grad_output, Tensor indices, SymInt num_weights, SymInt padding_idx, "
     "bool scale_grad_by_freq) -> Tensor",
     kTagCore, EmbeddingBackwardMeta, "out"},
    {"aten::embedding_renorm(Tensor self, Tensor indices, float max_norm, float norm_type) -> Tensor",
     kTagNone, LikeSelfMeta},
    {"aten::embedding_renorm_(Tensor(a!) self, Tensor indices, float max_norm, float norm_type) -> Tensor(a!)",
     kTagEffect, WriteSelfMeta},
    {"aten::equal(Tensor self, Tensor other) -> bool", kTagPointwise | kTagDataDependent, EqualMeta},
    {"aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor",
     kTagCore, GatherMeta, "out"},
    {"aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", kTagCore | kTagDynamicShape, IndexMeta},
    {"aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
     kTagNone, IndexedWriteMeta, "_ out"},
    {"aten::index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor",
     kTagNone, IndexedWriteMeta, "_ out"},
    {"aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
     kTagNone, IndexedFillMeta, "_ int_Scalar_out"},
    {"aten::index_fill.int_Tensor(Tensor self, int dim, Tensor index, Tensor value) -> Tensor",
     kTagNone, IndexedFillMeta, "_ int_Tensor_out"},
    {"aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor",
     kTagCore, IndexPutMeta, "_ out"},
    {"aten::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True) "
     "-> Tensor",
     kTagNone, IndexedWriteMeta, "_ out"},
    {"aten::index_select(Tensor self, int dim, Tensor index) -> Tensor", kTagCore, IndexSelectMeta, "out"},
    {"aten::isin.Scalar_Tensor(Scalar element, Tensor test_elements, *, bool assume_unique=False, bool "
     "invert=False) -> Tensor",
     kTagNone, IsinMeta, "Scalar_Tensor_out"},
    {"aten::isin.Tensor_Scalar(Tensor elements, Scalar test_element, *, bool assume_unique=False, bool "
     "invert=False) -> Tensor",
     kTagNone, IsinMeta, "Tensor_Scalar_out"},
    {"aten::isin.Tensor_Tensor(Tensor elements, Tensor test_elements, *, bool assume_unique=False, bool "
     "invert=False) -> Tensor",
     kTagNone, IsinMeta, "Tensor_Tensor_out"},
    {"aten::item(Tensor self) -> Scalar", kTagDataDependent, ItemMeta},
    {"aten::linalg_lstsq(Tensor self, Tensor b, float? rcond=None, *, str? driver=None) -> (Tensor solution,"
     " Tensor residuals, Tensor rank, Tensor singular_values)",
     kTagDynamicShape, DynamicShapeMeta},
    {"aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor",
     kTagPointwise, MaskedFillMeta, "_- Scalar_out-"},
    {"aten::masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor",
     kTagNone, MaskedFillMeta, "_ Tensor_out"},
    {"aten::masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor", kTagCore, MaskedScatterMeta, "_ out"},
    {"aten::masked_scatter_backward(Tensor grad_output, Tensor mask, SymInt[] sizes) -> Tensor",
     kTagNone, GradOfSizesMeta},
    {"aten::masked_select(Tensor self, Tensor mask) -> Tensor", kTagDynamicShape, MaskedSelectMeta, "out"},
    {"aten::nonzero(Tensor self) -> Tensor", kTagCore | kTagDynamicShape, NonzeroMeta, "out"},
    {"aten::nonzero_static(Tensor self, *, SymInt size, int fill_value=-1) -> Tensor",
     kTagNone, NonzeroStaticMeta, "out"},
    {"aten::one_hot(Tensor self, int num_classes=-1) -> Tensor",
     kTagDynamicShape, DynamicShapeMeta},
    {"aten::put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor",
     kTagNone, IndexedFillMeta, "_ out"},
    {"aten::repeat_interleave.Tensor(Tensor repeats, *, SymInt? output_size=None) -> Tensor",
     kTagDynamicShape, RepeatInterleaveMeta},
    {"aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor",
     kTagNone, ScatterMeta, "_ reduce_out"},
    {"aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", kTagCore, ScatterMeta, "_ src_out"},
    {"aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
     kTagCore, ScatterMeta, "_ value_out"},
    {"aten::scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor",
     kTagNone, ScatterMeta, "_ value_reduce_out"},
    {"aten::scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", kTagCore, ScatterMeta, "_ out"},
    {"aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool "
     "include_self=True) -> Tensor",
     kTagCore, ScatterMeta, "_ two_out"},
    {"aten::searchsorted.Scalar(Tensor sorted_sequence, Scalar self, *, bool out_int32=False, bool right=False, "
     "str? side=None, Tensor? sorter=None) -> Tensor",
     kTagNone, SearchsortedMeta, "Scalar_out"},
    {"aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, "
     "str? side=None, Tensor? sorter=None) -> Tensor",
     kTagNone, SearchsortedMeta, "Tensor_out"},
    {"aten::select_backward(Tensor grad_output, SymInt[] input_sizes, int dim, SymInt index) -> Tensor",
     kTagNone, SelectBackwardMeta, "out"},
    {"aten::select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor",
     kTagCore, SelectScatterMeta, "out"},
    {"aten::slice_backward(Tensor grad_output, SymInt[] input_sizes, int dim, SymInt start, SymInt end, SymInt "
     "step) -> Tensor",
     kTagNone, SliceBackwardMeta, "out"},
    {"aten::slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) "
     "-> Tensor",
     kTagCore, SliceScatterMeta, "out"},
    {"aten::take(Tensor self, Tensor index) -> Tensor", kTagNone, TakeMeta, "out"},
    {"aten::unfold_backward(Tensor grad_in, SymInt[] input_sizes, int dim, int size, int step) -> Tensor",
     kTagNone, UnfoldBackwardMeta, "out"},
    {"aten::unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, int? dim=None) -> "
     "(Tensor, Tensor, Tensor)",
     kTagDynamicShape, UniqueMeta},
    {"aten::unique_dim(Tensor self, int dim, bool sorted=True, bool return_inverse=False, bool return_counts=False) "
     "-> (Tensor, Tensor, Tensor)",
     kTagDynamicShape, UniqueMeta},
    {"aten::unique_dim_consecutive(Tensor self, int dim, bool return_inverse=False, bool return_counts=False)"
     " -> (Tensor, Tensor, Tensor)",
     kTagDynamicShape, DynamicShapeMeta},
};

}  // namespace

absl::Span<const OpDef> IndexingOps() { return kRows; }

}  // namespace kiln
