// Meta functions of losses over classes.
#ifndef KILN_FAKE_RUNTIME_OPS_LOSS_META_H_
#define KILN_FAKE_RUNTIME_OPS_LOSS_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status NllLossForwardMeta(MetaContext& ctx);    // [N,C] or [C] -> (loss, total_weight)
absl::Status NllLossBackwardMeta(MetaContext& ctx);   // like self, contiguous
absl::Status NllLoss2dForwardMeta(MetaContext& ctx);  // [N,C,H,W]
absl::Status MultiMarginLossMeta(MetaContext& ctx);
absl::Status MultilabelMarginLossMeta(MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_LOSS_META_H_
