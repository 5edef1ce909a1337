#include "service/variant_reply.h"

#include "base/limits.h"

namespace kiln {

v1::Variant MakeVariantReply(const CacheHit& hit) {
  v1::Variant reply;
  *reply.mutable_signed_() = hit.variant->signed_variant;
  reply.set_tier(hit.tier);
  return reply;
}

ArtifactBytes InlineArtifact(const CacheHit& hit, const absl::flat_hash_set<Digest>& have) {
  const bool is_small = static_cast<int64_t>(hit.elf->size()) <= GetLimit(Limit::kInlineArtifactBytes);
  return is_small && !have.contains(hit.variant->artifact) ? hit.elf : nullptr;
}

}  // namespace kiln
