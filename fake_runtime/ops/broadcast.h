// Broadcasting of sizes.
#ifndef KILN_FAKE_RUNTIME_OPS_BROADCAST_H_
#define KILN_FAKE_RUNTIME_OPS_BROADCAST_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

// The sizes that `a` and `b` broadcast to, right-aligned. Each pair of sizes is
// tested in PyTorch's order (fake_impls.infer_size): is one of them 1, and only
// then are they equal. Sizes that are the same expression need no test.
// SHAPE_MISMATCH with both values.
absl::StatusOr<Dims> BroadcastSizes(MetaContext& ctx, absl::Span<const Expr> a, absl::Span<const Expr> b);
// Demands that there are such sizes, for whoever need not know them: one guard for
// each pair, which does not say which of the two is 1.
absl::Status CheckBroadcasts(MetaContext& ctx, absl::Span<const Expr> a, absl::Span<const Expr> b);

// Strides with which a tensor of `sizes` and `strides` is seen as `shape`, to
// which it broadcasts: 0 where it is repeated.
absl::StatusOr<Dims> BroadcastStrides(MetaContext& ctx, absl::Span<const Expr> sizes, absl::Span<const Expr> strides,
                                      absl::Span<const Expr> shape);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_BROADCAST_H_
