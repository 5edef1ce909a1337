// Trusts nothing that the store below returns: an artifact must have the SHA-256
// that names it, a row must be signed by a trusted key, not be revoked, and be what its
// place says. What fails is removed below, noted in the drop log, and a miss.
//
// Thread-safe.
#ifndef KILN_CACHE_VERIFIED_STORE_H_
#define KILN_CACHE_VERIFIED_STORE_H_

#include <memory>
#include <optional>
#include <vector>

#include "cache/artifact_store.h"
#include "cache/drop_log.h"
#include "compiler/artifact/trust.h"

namespace kiln {

class VerifiedStore final : public ArtifactStore {
 public:
  VerifiedStore(std::shared_ptr<ArtifactStore> inner, std::shared_ptr<const Trust> trusted,
                std::shared_ptr<DropLog> dropped);

  absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256) override;
  absl::Status PutArtifact(const Digest& sha256, ArtifactBytes elf) override;
  absl::Status RemoveArtifact(const Digest& sha256) override;
  absl::Status Publish(const VariantRow& row, ArtifactBytes elf) override;
  absl::Status RemoveVariant(const VariantKey& key, const Digest& artifact) override;
  absl::Status VisitVariants(const std::function<void(VariantRow)>& visit) override;
  absl::StatusOr<std::vector<VariantRow>> VariantsOf(const VariantKey& key) override;
  // The next genuine one; drops those before it that are none.
  absl::StatusOr<std::optional<VariantRow>> NextVariant(const std::optional<RowName>& after) override;
  // Unverified, since facts are.
  absl::Status VisitFacts(const std::function<void(RowSummary)>& visit) override;
  void NoteUse(const Digest& artifact, const ArtifactWorth& worth) override;
  StoreSize Size() override;

 private:
  void Drop(const VariantKey& key, const Digest& artifact, bool is_revoked);
  // Whether the row is genuine; one that is not is dropped.
  bool Keeps(const VariantRow& row);
  // ARTIFACT_REVOKED, or another reason for what is not genuine.
  absl::Status Check(const VariantRow& row) const;

  // Constant after construction.
  const std::shared_ptr<ArtifactStore> inner_;

  // Self-locking.
  const std::shared_ptr<const Trust> trusted_;
  const std::shared_ptr<DropLog> dropped_;
};

}  // namespace kiln

#endif  // KILN_CACHE_VERIFIED_STORE_H_
