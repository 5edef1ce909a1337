// What all elementwise operators share: common device, promoted dtype,
// broadcast sizes, and output strides as PyTorch's TensorIterator gives them.
#ifndef KILN_FAKE_RUNTIME_OPS_ELEMENTWISE_H_
#define KILN_FAKE_RUNTIME_OPS_ELEMENTWISE_H_

#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fake_runtime/ops/meta_context.h"
#include "fake_runtime/ops/promotion.h"

namespace kiln {

using Operands = absl::InlinedVector<Operand, 3>;

// Argument `i` as an operand: a tensor, a Scalar, or a number in a tensor slot.
Operand OperandOf(MetaContext& ctx, int i);

// The sizes that all tensors among the operands broadcast to.
absl::StatusOr<Dims> CommonSizes(MetaContext& ctx, absl::Span<const Operand> operands);

// Strides of a new output of `sizes` over `operands`, which broadcast to it: the
// order of the operands' strides, without gaps.
absl::StatusOr<Dims> ElementwiseStrides(MetaContext& ctx, absl::Span<const Expr> sizes,
                                        absl::Span<const Operand> operands);

// A new output: all of the above, with the promoted dtype or a given one.
absl::StatusOr<FakeTensor> Elementwise(MetaContext& ctx, absl::Span<const Operand> operands, Promote promote);
absl::StatusOr<FakeTensor> ElementwiseOf(MetaContext& ctx, absl::Span<const Operand> operands, DType dtype);

// `t`'s strides where it has no gaps and no overlap, else dense ones in their
// order: how clone and to lay out a copy.
absl::StatusOr<Dims> PreservedStrides(MetaContext& ctx, const FakeTensor& t);
// A new tensor as torch.empty_like(t) lays it out: as above, but plain where `t`
// is contiguous with other strides in dimensions of size 1.
absl::StatusOr<Dims> EmptyLikeStrides(MetaContext& ctx, const FakeTensor& t);
absl::StatusOr<FakeTensor> EmptyLike(MetaContext& ctx, const FakeTensor& t, DType dtype);
// at::clone_preserve_strides: a copy of all of `t`'s memory, so that strides, gaps
// and offset stay; EmptyLike where `t` repeats elements.
absl::StatusOr<FakeTensor> CloneWithGaps(MetaContext& ctx, const FakeTensor& t);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_ELEMENTWISE_H_
