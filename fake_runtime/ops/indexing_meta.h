// Meta functions of gathers, scatters, embeddings and what depends on data.
#ifndef KILN_FAKE_RUNTIME_OPS_INDEXING_META_H_
#define KILN_FAKE_RUNTIME_OPS_INDEXING_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status IndexMeta(MetaContext& ctx);           // index.Tensor
absl::Status UnsafeMaskedIndexMeta(MetaContext& ctx);
absl::Status IndexPutMeta(MetaContext& ctx);        // index_put and its kin: like self
absl::Status IndexSelectMeta(MetaContext& ctx);
absl::Status GatherMeta(MetaContext& ctx);
absl::Status ScatterMeta(MetaContext& ctx);         // scatter.src/.value/.reduce, scatter_add, scatter_reduce
absl::Status IndexedWriteMeta(MetaContext& ctx);    // index_add, index_copy, index_reduce: sizes of self, contiguous
absl::Status IndexedFillMeta(MetaContext& ctx);     // index_fill, put: like self
absl::Status TakeMeta(MetaContext& ctx);
absl::Status SelectScatterMeta(MetaContext& ctx);
absl::Status SliceScatterMeta(MetaContext& ctx);
absl::Status DiagonalScatterMeta(MetaContext& ctx);
absl::Status AsStridedScatterMeta(MetaContext& ctx);
absl::Status SelectBackwardMeta(MetaContext& ctx);  // (grad, input_sizes, ...): zeros with a part filled
absl::Status SliceBackwardMeta(MetaContext& ctx);
absl::Status MaskedFillMeta(MetaContext& ctx);
absl::Status MaskedScatterMeta(MetaContext& ctx);
absl::Status EmbeddingMeta(MetaContext& ctx);
absl::Status EmbeddingBackwardMeta(MetaContext& ctx);  // embedding_dense_backward
absl::Status EmbeddingBagMeta(MetaContext& ctx);    // _embedding_bag, _embedding_bag_forward_only
absl::Status SearchsortedMeta(MetaContext& ctx);    // searchsorted.Tensor, .Scalar
absl::Status BucketizeMeta(MetaContext& ctx);
absl::Status IsinMeta(MetaContext& ctx);

// Results whose size depends on data.
absl::Status NonzeroMeta(MetaContext& ctx);
absl::Status NonzeroStaticMeta(MetaContext& ctx);
absl::Status MaskedSelectMeta(MetaContext& ctx);
absl::Status ItemMeta(MetaContext& ctx);            // _local_scalar_dense, item
absl::Status UniqueMeta(MetaContext& ctx);          // _unique2, unique_consecutive, unique_dim
absl::Status RepeatInterleaveMeta(MetaContext& ctx);
absl::Status BincountMeta(MetaContext& ctx);
absl::Status PackPaddedSequenceMeta(MetaContext& ctx);
absl::Status DynamicShapeMeta(MetaContext& ctx);  // refused, as PyTorch does
absl::Status EqualMeta(MetaContext& ctx);           // equal, allclose: a bool that depends on data

// How many elements of `t` are not zero: 0, or an unbacked symbol that the same
// data has every time.
Expr NonzeroCount(MetaContext& ctx, const FakeTensor& t);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_INDEXING_META_H_
