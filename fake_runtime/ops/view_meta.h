// Meta functions of operators whose result looks into its input's storage, and
// of their `_copy` twins.
#ifndef KILN_FAKE_RUNTIME_OPS_VIEW_META_H_
#define KILN_FAKE_RUNTIME_OPS_VIEW_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status ViewMeta(MetaContext& ctx);        // view, _unsafe_view
absl::Status ReshapeAliasMeta(MetaContext& ctx);
absl::Status ReshapeCopyMeta(MetaContext& ctx);
absl::Status AliasMeta(MetaContext& ctx);       // alias, detach, lift_fresh
absl::Status ExpandMeta(MetaContext& ctx);
absl::Status PermuteMeta(MetaContext& ctx);
absl::Status TransposeMeta(MetaContext& ctx);   // transpose.int
absl::Status TMeta(MetaContext& ctx);           // t
absl::Status SelectMeta(MetaContext& ctx);
absl::Status SliceMeta(MetaContext& ctx);
absl::Status SqueezeMeta(MetaContext& ctx);     // squeeze, .dim, .dims
absl::Status UnsqueezeMeta(MetaContext& ctx);
absl::Status AsStridedMeta(MetaContext& ctx);
absl::Status DiagonalMeta(MetaContext& ctx);
absl::Status SplitMeta(MetaContext& ctx);       // split.Tensor, unsafe_split.Tensor
absl::Status SplitWithSizesMeta(MetaContext& ctx);
absl::Status UnbindMeta(MetaContext& ctx);
absl::Status UnfoldMeta(MetaContext& ctx);
absl::Status ViewDTypeMeta(MetaContext& ctx);
absl::Status ViewAsRealMeta(MetaContext& ctx);
absl::Status ViewAsComplexMeta(MetaContext& ctx);
absl::Status ConjMeta(MetaContext& ctx);        // _conj
absl::Status NegViewMeta(MetaContext& ctx);     // _neg_view

// The size that a length of -1 stands for, and the checks on the others
// (torch._prims_common.infer_size).
absl::StatusOr<Dims> InferSize(MetaContext& ctx, absl::Span<const Expr> shape, Expr numel);
// What `aten.slice` gives: the view [start:end:step] of `dim`.
absl::StatusOr<FakeTensor> SliceOf(MetaContext& ctx, const FakeTensor& self, int dim, std::optional<Expr> start,
                                   std::optional<Expr> end, Expr step);
absl::StatusOr<FakeTensor> SelectOf(MetaContext& ctx, const FakeTensor& self, int dim, Expr index);
// Sizes of the diagonal, which needs fewer guards than where it starts.
absl::StatusOr<Dims> DiagonalSizes(MetaContext& ctx, const FakeTensor& self, int64_t offset, int64_t dim1,
                                   int64_t dim2);
absl::StatusOr<FakeTensor> DiagonalOf(MetaContext& ctx, const FakeTensor& self, int64_t offset, int64_t dim1,
                                      int64_t dim2);
// The arguments from `first_arg` on are size, stride and storage_offset.
absl::StatusOr<FakeTensor> AsStridedOf(MetaContext& ctx, const FakeTensor& self, int first_arg);

// Replaces every returned view by a new contiguous tensor of its sizes.
absl::Status CopyReturned(MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_VIEW_META_H_
