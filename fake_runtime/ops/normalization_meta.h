// Meta functions of normalizations and their gradients.
#ifndef KILN_FAKE_RUNTIME_OPS_NORMALIZATION_META_H_
#define KILN_FAKE_RUNTIME_OPS_NORMALIZATION_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status LayerNormMeta(MetaContext& ctx);          // (out, mean, rstd)
absl::Status LayerNormBackwardMeta(MetaContext& ctx);
absl::Status GroupNormMeta(MetaContext& ctx);
absl::Status GroupNormBackwardMeta(MetaContext& ctx);
// native_batch_norm and its _legit forms: (out, save_mean, save_invstd); the
// statistics are empty on a CPU that does not train.
absl::Status BatchNormMeta(MetaContext& ctx);
absl::Status BatchNormFunctionalMeta(MetaContext& ctx);  // and the new running statistics
absl::Status BatchNormUpdateMeta(MetaContext& ctx);      // _batch_norm_with_update: and a reserve
absl::Status BatchNormBackwardMeta(MetaContext& ctx);
absl::Status RenormMeta(MetaContext& ctx);
absl::Status WeightNormMeta(MetaContext& ctx);  // _weight_norm_interface: (w, norm)
absl::Status WeightNormBackwardMeta(MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_NORMALIZATION_META_H_
