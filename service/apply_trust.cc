#include "service/apply_trust.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "cache/walk_variants.h"

namespace kiln {

int64_t DropUntrusted(Front& front) {
  const std::shared_ptr<const TrustPolicy> policy = front.trust->Current();
  int64_t dropped = 0;
  WalkVariants(front.cache->index(), nullptr, [&](const IndexedVariantPtr& variant) {
    const std::string& key_id = variant->signed_variant.key_id();
    if (!policy->revoked.Check(variant->record, key_id).ok()) {
      front.cache->Revoke(*variant);
    } else if (!policy->keys.Contains(key_id)) {
      front.cache->Distrust(*variant);
    } else {
      return true;
    }
    ++dropped;
    return true;
  });
  return dropped;
}

void ReloadTrust(Front& front, bool always) {
  const absl::StatusOr<bool> changed = always ? front.trust->Reload() : front.trust->ReloadIfChanged();
  if (!changed.ok()) {
    spdlog::error("trust is as it was: {}", std::string(changed.status().message()));
    return;
  }
  if (!*changed) return;
  const int64_t dropped = DropUntrusted(front);
  const std::shared_ptr<const TrustPolicy> policy = front.trust->Current();
  spdlog::info("trust reloaded: keys={} revocations={} dropped={}", policy->keys.ids().size(), policy->revoked.size(),
               dropped);
}

absl::StatusOr<IndexedVariantPtr> PublishTrusted(Front& front, const v1::VariantRecord& record, ArtifactBytes elf) {
  const int64_t generation = front.trust->generation();
  v1::SignedVariant signed_variant = front.key.Sign(record.SerializeAsString());
  KILN_RETURN_IF_ERROR(front.trust->Current()->revoked.Check(record, signed_variant.key_id()));
  KILN_ASSIGN_OR_RETURN(IndexedVariantPtr variant, front.cache->Publish(std::move(signed_variant), std::move(elf)));
  if (front.trust->generation() == generation) return variant;
  // A list came meanwhile, and its sweep may have been over before this was there.
  const absl::Status status = front.trust->Current()->revoked.Check(record, variant->signed_variant.key_id());
  if (status.ok()) return variant;
  front.cache->Revoke(*variant);
  return status;
}

}  // namespace kiln
