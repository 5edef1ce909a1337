// Meta functions of reductions, scans, softmaxes and orderings along a
// dimension. Results are contiguous, but for scans that keep the input's layout.
#ifndef KILN_FAKE_RUNTIME_OPS_REDUCTION_META_H_
#define KILN_FAKE_RUNTIME_OPS_REDUCTION_META_H_

#include <vector>

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

// Fails where a reduction without identity (a maximum) is of nothing. No `dims`
// are all of them.
absl::Status CheckReducesSomething(MetaContext& ctx, absl::Span<const Expr> sizes, absl::Span<const int64_t> dims);
// Sizes after reducing `dims`; all of them when `dims` is empty.
absl::StatusOr<Dims> ReducedSizes(MetaContext& ctx, absl::Span<const Expr> sizes, absl::Span<const int64_t> dims,
                                  bool keepdim);

absl::Status SumMeta(MetaContext& ctx);          // sum, prod, nansum: integers become int64
absl::Status MeanMeta(MetaContext& ctx);         // floating input or dtype only
absl::Status SameTypeReduceMeta(MetaContext& ctx);  // amax, amin, min.default, max.default
absl::Status MedianMeta(MetaContext& ctx);       // median.default, nanmedian.default: NaN of nothing
absl::Status BoolReduceMeta(MetaContext& ctx);   // any, all: bool, and uint8 for uint8
absl::Status ArgReduceMeta(MetaContext& ctx);    // argmax, argmin: int64
absl::Status CountReduceMeta(MetaContext& ctx);  // count_nonzero: int64
absl::Status ValueIndexMeta(MetaContext& ctx);   // max.dim, min.dim, median.dim, mode, kthvalue: (values, int64)
absl::Status AminmaxMeta(MetaContext& ctx);
absl::Status StdMeta(MetaContext& ctx);          // std: real dtype
absl::Status StdMeanMeta(MetaContext& ctx);      // std_mean
absl::Status VarMeta(MetaContext& ctx);          // var: real dtype
absl::Status VarMeanMeta(MetaContext& ctx);      // var_mean
absl::Status LogsumexpMeta(MetaContext& ctx);
absl::Status VectorNormMeta(MetaContext& ctx);   // linalg_vector_norm
absl::Status NormMeta(MetaContext& ctx);         // norm.ScalarOpt_dim and friends
absl::Status CumulativeMeta(MetaContext& ctx);   // cumsum, cumprod
absl::Status LikeScanMeta(MetaContext& ctx);     // logcumsumexp
absl::Status CumulativeIndexMeta(MetaContext& ctx);  // cummax, cummin
absl::Status SoftmaxMeta(MetaContext& ctx);      // _softmax, _log_softmax
absl::Status SafeSoftmaxMeta(MetaContext& ctx);
absl::Status SoftmaxBackwardMeta(MetaContext& ctx);
absl::Status SortMeta(MetaContext& ctx);         // sort, sort.stable
absl::Status TopkMeta(MetaContext& ctx);
absl::Status DistMeta(MetaContext& ctx);
absl::Status TraceMeta(MetaContext& ctx);
absl::Status HistcMeta(MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_REDUCTION_META_H_
