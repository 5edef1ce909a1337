#include "cache/tiered_store.h"

#include <utility>

#include "base/status_macros.h"

namespace kiln {

TieredStore::TieredStore(std::shared_ptr<ArtifactStore> upper, std::shared_ptr<ArtifactStore> lower)
    : upper_(std::move(upper)), lower_(std::move(lower)) {}

absl::StatusOr<StoredArtifact> TieredStore::GetArtifact(const Digest& sha256) {
  if (absl::StatusOr<StoredArtifact> above = upper_->GetArtifact(sha256); above.ok()) return above;
  KILN_ASSIGN_OR_RETURN(StoredArtifact below, lower_->GetArtifact(sha256));
  // The copy is for speed alone, so that its failure is no failure of the read.
  upper_->PutArtifact(sha256, below.elf).IgnoreError();
  return below;
}

absl::Status TieredStore::PutArtifact(const Digest& sha256, ArtifactBytes elf) {
  KILN_RETURN_IF_ERROR(upper_->PutArtifact(sha256, elf));
  return lower_->PutArtifact(sha256, std::move(elf));
}

absl::Status TieredStore::RemoveArtifact(const Digest& sha256) {
  KILN_RETURN_IF_ERROR(upper_->RemoveArtifact(sha256));
  return lower_->RemoveArtifact(sha256);
}

absl::Status TieredStore::Publish(const VariantRow& row, ArtifactBytes elf) {
  KILN_RETURN_IF_ERROR(upper_->PutArtifact(row.artifact, elf));
  return lower_->Publish(row, std::move(elf));
}

absl::Status TieredStore::RemoveVariant(const VariantKey& key, const Digest& artifact) {
  // The copy above has no rows to count; if another row needs it, it comes up again.
  upper_->RemoveArtifact(artifact).IgnoreError();
  return lower_->RemoveVariant(key, artifact);
}

absl::Status TieredStore::VisitVariants(const std::function<void(VariantRow)>& visit) {
  return lower_->VisitVariants(visit);
}

absl::StatusOr<std::vector<VariantRow>> TieredStore::VariantsOf(const VariantKey& key) {
  return lower_->VariantsOf(key);
}

absl::StatusOr<std::optional<VariantRow>> TieredStore::NextVariant(const std::optional<RowName>& after) {
  return lower_->NextVariant(after);
}

absl::Status TieredStore::VisitFacts(const std::function<void(RowSummary)>& visit) {
  return lower_->VisitFacts(visit);
}

void TieredStore::NoteUse(const Digest& artifact, const ArtifactWorth& worth) {
  upper_->NoteUse(artifact, worth);
  lower_->NoteUse(artifact, worth);
}

StoreSize TieredStore::Size() { return lower_->Size(); }

}  // namespace kiln
