// Reads from the store below and changes nothing in it: what verification above would
// remove stays. Thread-safe.
#ifndef KILN_CACHE_READ_ONLY_STORE_H_
#define KILN_CACHE_READ_ONLY_STORE_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cache/artifact_store.h"

namespace kiln {

// CACHE_READ_ONLY for whatever writes.
class ReadOnlyStore final : public ArtifactStore {
 public:
  explicit ReadOnlyStore(std::shared_ptr<ArtifactStore> inner) : inner_(std::move(inner)) {}

  absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256) override { return inner_->GetArtifact(sha256); }
  absl::Status PutArtifact(const Digest&, ArtifactBytes) override { return Refuse(); }
  absl::Status RemoveArtifact(const Digest&) override { return Refuse(); }
  absl::Status Publish(const VariantRow&, ArtifactBytes) override { return Refuse(); }
  absl::Status RemoveVariant(const VariantKey&, const Digest&) override { return Refuse(); }
  absl::Status VisitVariants(const std::function<void(VariantRow)>& visit) override {
    return inner_->VisitVariants(visit);
  }
  absl::StatusOr<std::vector<VariantRow>> VariantsOf(const VariantKey& key) override { return inner_->VariantsOf(key); }
  absl::StatusOr<std::optional<VariantRow>> NextVariant(const std::optional<RowName>& after) override {
    return inner_->NextVariant(after);
  }
  absl::Status VisitFacts(const std::function<void(RowSummary)>& visit) override { return inner_->VisitFacts(visit); }
  StoreSize Size() override { return inner_->Size(); }

 private:
  static absl::Status Refuse() { return MakeError(ErrorReason::kCacheReadOnly, "the cache is only read"); }

  const std::shared_ptr<ArtifactStore> inner_;
};

}  // namespace kiln

#endif  // KILN_CACHE_READ_ONLY_STORE_H_
