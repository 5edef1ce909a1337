// Meta functions of gradients that are operators of their own: what they give
// looks like what it is the gradient of.
#ifndef KILN_FAKE_RUNTIME_OPS_BACKWARD_META_H_
#define KILN_FAKE_RUNTIME_OPS_BACKWARD_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status GradLikeSelfMeta(MetaContext& ctx);         // (grad, self, ...): as empty_like(self)
absl::Status GradContiguousMeta(MetaContext& ctx);       // (grad, self, ...): self's sizes, contiguous
absl::Status GradOfSizesMeta(MetaContext& ctx);          // masked_scatter_backward: sizes are given
absl::Status UnfoldBackwardMeta(MetaContext& ctx);
absl::Status SegmentReduceBackwardMeta(MetaContext& ctx);
absl::Status PreluBackwardMeta(MetaContext& ctx);        // _prelu_kernel_backward
absl::Status CdistBackwardMeta(MetaContext& ctx);
absl::Status GridSamplerBackwardMeta(MetaContext& ctx);
absl::Status EmbeddingBagBackwardMeta(MetaContext& ctx);
absl::Status PerSampleWeightsBackwardMeta(MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_BACKWARD_META_H_
