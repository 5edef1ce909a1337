// Meta functions of fused attention. Shapes: query [B,H,L,E], key [B,H,S,E],
// value [B,H,S,Ev].
#ifndef KILN_FAKE_RUNTIME_OPS_ATTENTION_META_H_
#define KILN_FAKE_RUNTIME_OPS_ATTENTION_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

// (out like query, logsumexp [B,H,L] laid out as [B,L,H]).
absl::Status FlashAttentionCpuMeta(MetaContext& ctx);
// (grad_q, grad_k, grad_v), each laid out as [B,L,H,E].
absl::Status FlashAttentionCpuBackwardMeta(MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_ATTENTION_META_H_
