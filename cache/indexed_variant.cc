#include "cache/indexed_variant.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {

absl::StatusOr<IndexedVariantPtr> MakeIndexedVariant(v1::SignedVariant signed_variant) {
  auto variant = std::make_shared<IndexedVariant>();
  if (!variant->record.ParseFromString(signed_variant.record())) {
    return MakeError(ErrorReason::kArtifactCorrupt, "a variant record does not parse");
  }
  absl::StatusOr<VariantKey> key = KeyOf(variant->record.key());
  if (!key.ok()) return MakeError(ErrorReason::kArtifactCorrupt, key.status().message());
  std::optional<Digest> artifact = Digest::FromBytes(variant->record.artifact_sha256());
  if (!artifact.has_value()) {
    return MakeError(ErrorReason::kArtifactCorrupt,
                     absl::StrCat("a variant record's artifact digest has ", variant->record.artifact_sha256().size(),
                                  " bytes, not ", Digest::kSizeBytes));
  }
  variant->key = *key;
  variant->artifact = *artifact;
  variant->signed_variant = std::move(signed_variant);
  return variant;
}

}  // namespace kiln
