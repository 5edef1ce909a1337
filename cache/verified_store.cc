#include "cache/verified_store.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cache/open_row.h"

namespace kiln {

VerifiedStore::VerifiedStore(std::shared_ptr<ArtifactStore> inner, std::shared_ptr<const Trust> trusted,
                             std::shared_ptr<DropLog> dropped)
    : inner_(std::move(inner)), trusted_(std::move(trusted)), dropped_(std::move(dropped)) {}

absl::StatusOr<StoredArtifact> VerifiedStore::GetArtifact(const Digest& sha256) {
  absl::StatusOr<StoredArtifact> found = inner_->GetArtifact(sha256);
  if (!found.ok()) {
    if (GetErrorReason(found.status()) == ErrorReason::kArtifactCorrupt) dropped_->NoteArtifact();
    return found;
  }
  const Digest actual = Sha256(*found->elf);
  if (actual == sha256) return found;
  dropped_->NoteArtifact();
  // If the removal fails the next read finds the same corruption: still a miss.
  inner_->RemoveArtifact(sha256).IgnoreError();
  return MakeError(ErrorReason::kArtifactCorrupt,
                   absl::StrCat("artifact ", sha256.ToShortHex(), " has bytes of digest ", actual.ToShortHex()));
}

absl::Status VerifiedStore::PutArtifact(const Digest& sha256, ArtifactBytes elf) {
  return inner_->PutArtifact(sha256, std::move(elf));
}

absl::Status VerifiedStore::RemoveArtifact(const Digest& sha256) { return inner_->RemoveArtifact(sha256); }

absl::Status VerifiedStore::Publish(const VariantRow& row, ArtifactBytes elf) {
  return inner_->Publish(row, std::move(elf));
}

absl::Status VerifiedStore::RemoveVariant(const VariantKey& key, const Digest& artifact) {
  return inner_->RemoveVariant(key, artifact);
}

absl::Status VerifiedStore::Check(const VariantRow& row) const {
  KILN_ASSIGN_OR_RETURN(const IndexedVariantPtr variant, OpenRow(*trusted_, row.key, row.signed_variant));
  if (variant->artifact == row.artifact) return absl::OkStatus();
  return MakeError(ErrorReason::kArtifactCorrupt, "a row is not what its place says");
}

absl::Status VerifiedStore::VisitVariants(const std::function<void(VariantRow)>& visit) {
  struct BadRow {
    VariantKey key;
    Digest artifact;
    bool is_revoked;
  };
  std::vector<BadRow> bad;
  KILN_RETURN_IF_ERROR(inner_->VisitVariants([&](VariantRow row) {
    const absl::Status status = Check(row);
    if (status.ok()) {
      visit(std::move(row));
    } else {
      bad.push_back({row.key, row.artifact, GetErrorReason(status) == ErrorReason::kArtifactRevoked});
    }
  }));
  for (const BadRow& row : bad) Drop(row.key, row.artifact, row.is_revoked);
  return absl::OkStatus();
}

void VerifiedStore::Drop(const VariantKey& key, const Digest& artifact, bool is_revoked) {
  is_revoked ? dropped_->NoteRevoked(key) : dropped_->NoteRow(key);
  inner_->RemoveVariant(key, artifact).IgnoreError();
}

bool VerifiedStore::Keeps(const VariantRow& row) {
  const absl::Status status = Check(row);
  if (!status.ok()) Drop(row.key, row.artifact, GetErrorReason(status) == ErrorReason::kArtifactRevoked);
  return status.ok();
}

absl::StatusOr<std::vector<VariantRow>> VerifiedStore::VariantsOf(const VariantKey& key) {
  KILN_ASSIGN_OR_RETURN(std::vector<VariantRow> rows, inner_->VariantsOf(key));
  std::erase_if(rows, [this](const VariantRow& row) { return !Keeps(row); });
  return rows;
}

absl::StatusOr<std::optional<VariantRow>> VerifiedStore::NextVariant(const std::optional<RowName>& after) {
  std::optional<RowName> from = after;
  while (true) {
    KILN_ASSIGN_OR_RETURN(std::optional<VariantRow> row, inner_->NextVariant(from));
    if (!row.has_value() || Keeps(*row)) return row;
    from = RowName(row->key, row->artifact);
  }
}

absl::Status VerifiedStore::VisitFacts(const std::function<void(RowSummary)>& visit) {
  return inner_->VisitFacts(visit);
}

void VerifiedStore::NoteUse(const Digest& artifact, const ArtifactWorth& worth) { inner_->NoteUse(artifact, worth); }

StoreSize VerifiedStore::Size() { return inner_->Size(); }

}  // namespace kiln
