#include "cache/artifact_store.h"

#include <utility>

#include "base/status_macros.h"

namespace kiln {

v1::RowFacts FactsOf(const v1::SignedVariant& row) {
  v1::VariantRecord record;
  // An unreadable record is worth nothing; whoever verifies drops it.
  if (!record.ParseFromString(row.record())) record.Clear();
  const ArtifactWorth worth = WorthOf(record);
  v1::RowFacts facts;
  facts.set_artifact_bytes(worth.bytes);
  facts.set_compile_seconds(worth.compile_seconds);
  facts.set_tenant(worth.tenant);
  return facts;
}

absl::StatusOr<std::vector<VariantRow>> ArtifactStore::VariantsOf(const VariantKey& key) {
  std::vector<VariantRow> rows;
  KILN_RETURN_IF_ERROR(VisitVariants([&](VariantRow row) {
    if (row.key == key) rows.push_back(std::move(row));
  }));
  return rows;
}

absl::StatusOr<std::optional<VariantRow>> ArtifactStore::NextVariant(const std::optional<RowName>& after) {
  std::optional<VariantRow> next;
  KILN_RETURN_IF_ERROR(VisitVariants([&](VariantRow row) {
    const RowName name(row.key, row.artifact);
    if (after.has_value() && name <= *after) return;
    if (!next.has_value() || name < RowName(next->key, next->artifact)) next = std::move(row);
  }));
  return next;
}

absl::Status ArtifactStore::VisitFacts(const std::function<void(RowSummary)>& visit) {
  return VisitVariants(
      [&](const VariantRow& row) { visit({{row.key, row.artifact}, FactsOf(row.signed_variant)}); });
}

absl::Status ArtifactStore::PutFacts(absl::Span<const RowSummary>) { return absl::OkStatus(); }

void ArtifactStore::NoteUse(const Digest&, const ArtifactWorth&) {}

}  // namespace kiln
