// Meta functions of pooling and resampling.
#ifndef KILN_FAKE_RUNTIME_OPS_POOLING_META_H_
#define KILN_FAKE_RUNTIME_OPS_POOLING_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status AvgPoolMeta(MetaContext& ctx);            // avg_pool1d/2d/3d
absl::Status MaxPoolMeta(MetaContext& ctx);            // max_pool2d/3d_with_indices: (out, int64 indices)
absl::Status PoolBackwardMeta(MetaContext& ctx);       // (grad, self, ...): like self in its memory format
absl::Status AdaptiveAvgPoolMeta(MetaContext& ctx);    // (_)adaptive_avg_pool1d/2d/3d
absl::Status AdaptiveMaxPoolMeta(MetaContext& ctx);
absl::Status UpsampleMeta(MetaContext& ctx);           // upsample_*: argument "output_size"
absl::Status UpsampleVecMeta(MetaContext& ctx);        // upsample_*.vec: output_size or scale_factors
absl::Status UpsampleBackwardMeta(MetaContext& ctx);   // argument "input_size"
absl::Status GridSamplerMeta(MetaContext& ctx);        // grid_sampler_2d/3d
absl::Status MaxUnpoolMeta(MetaContext& ctx);
absl::Status FractionalMaxPoolMeta(MetaContext& ctx);  // fractional_max_pool2d/3d

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_POOLING_META_H_
