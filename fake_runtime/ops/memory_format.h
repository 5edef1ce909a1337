// Memory formats: which one a tensor has, and the strides that each means.
#ifndef KILN_FAKE_RUNTIME_OPS_MEMORY_FORMAT_H_
#define KILN_FAKE_RUNTIME_OPS_MEMORY_FORMAT_H_

#include "absl/status/statusor.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

// torch._prims_common.suggest_memory_format: channels-last where the strides of
// a tensor of rank 4 or 5 are ordered so, else contiguous.
absl::StatusOr<MemoryFormat> SuggestMemoryFormat(MetaContext& ctx, const FakeTensor& t);

// Strides of a new tensor of `sizes`. BAD_ARGUMENT_VALUE for a channels-last
// format of another rank. `format` is not kPreserve.
absl::StatusOr<Dims> StridesOfFormat(MetaContext& ctx, MemoryFormat format, absl::Span<const Expr> sizes);

// Strides that torch.empty_like(t, memory_format=format) has; none means
// preserve.
absl::StatusOr<Dims> StridesLike(MetaContext& ctx, const FakeTensor& t, std::optional<MemoryFormat> format);

// A new tensor of `sizes` in the memory format that `t` suggests.
absl::StatusOr<FakeTensor> NewInFormatOf(MetaContext& ctx, const FakeTensor& t, DType dtype, Dims sizes);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_MEMORY_FORMAT_H_
