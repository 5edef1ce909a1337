// Memory over a lower store. Reads go down and leave a copy above; writes go to
// both, above first, so that an artifact is served even when the lower tier is
// full or broken. Rows live below only: the guard index has them all in memory.
//
// Thread-safe.
#ifndef KILN_CACHE_TIERED_STORE_H_
#define KILN_CACHE_TIERED_STORE_H_

#include <memory>
#include <optional>
#include <vector>

#include "cache/artifact_store.h"

namespace kiln {

class TieredStore final : public ArtifactStore {
 public:
  TieredStore(std::shared_ptr<ArtifactStore> upper, std::shared_ptr<ArtifactStore> lower);

  absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256) override;
  absl::StatusOr<StoredArtifact> GetStored(const Digest& sha256) override { return lower_->GetStored(sha256); }
  absl::Status PutArtifact(const Digest& sha256, ArtifactBytes elf) override;
  absl::Status RemoveArtifact(const Digest& sha256) override;
  absl::Status Publish(const VariantRow& row, ArtifactBytes elf) override;
  absl::Status RemoveVariant(const VariantKey& key, const Digest& artifact) override;
  absl::Status VisitVariants(const std::function<void(VariantRow)>& visit) override;
  absl::StatusOr<std::vector<VariantRow>> VariantsOf(const VariantKey& key) override;
  absl::StatusOr<std::optional<VariantRow>> NextVariant(const std::optional<RowName>& after) override;
  absl::Status VisitFacts(const std::function<void(RowSummary)>& visit) override;
  // Counts in both: who is served from memory keeps what the lower tier has.
  void NoteUse(const Digest& artifact, const ArtifactWorth& worth) override;
  // Of the lower tier, which holds everything.
  StoreSize Size() override;

 private:
  const std::shared_ptr<ArtifactStore> upper_;
  const std::shared_ptr<ArtifactStore> lower_;
};

}  // namespace kiln

#endif  // KILN_CACHE_TIERED_STORE_H_
