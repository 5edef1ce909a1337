#include "service/variant_reply.h"

#include "base/limits.h"

namespace kiln {

v1::Variant MakeVariantReply(const CacheHit& hit, const absl::flat_hash_set<Digest>& have) {
  v1::Variant reply;
  *reply.mutable_signed_() = hit.variant->signed_variant;
  reply.set_tier(hit.tier);
  const bool is_small = static_cast<int64_t>(hit.elf->size()) <= GetLimit(Limit::kInlineArtifactBytes);
  if (is_small && !have.contains(hit.variant->artifact)) reply.set_artifact(*hit.elf);
  return reply;
}

}  // namespace kiln
