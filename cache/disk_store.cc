#include "cache/disk_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "kiln/v1/store.pb.h"

namespace kiln {
namespace {

constexpr absl::string_view kFormatKey = "format";
constexpr absl::string_view kFormat = "kiln.cache.2";
constexpr absl::string_view kFormatWithoutFacts = "kiln.cache.1";
// Of one batch, when facts are added to a folder that has none.
constexpr size_t kFactsPerBatch = 1000;

std::string NameOf(const RowName& name) { return absl::StrCat(name.first.digest.bytes(), name.second.bytes()); }

// A name of another length is none that this store wrote; nothing can ask for it.
std::optional<RowName> ParseName(absl::string_view name) {
  std::optional<Digest> key = Digest::FromBytes(name.substr(0, Digest::kSizeBytes));
  std::optional<Digest> artifact = Digest::FromBytes(name.substr(std::min(name.size(), Digest::kSizeBytes)));
  if (!key.has_value() || !artifact.has_value()) return std::nullopt;
  return RowName(VariantKey{*key}, *artifact);
}

// A row that does not parse is given empty: verification then drops it.
VariantRow MakeRow(const RowName& name, absl::string_view value) {
  VariantRow row{name.first, name.second, {}};
  if (!row.signed_variant.ParseFromArray(value.data(), static_cast<int>(value.size()))) row.signed_variant.Clear();
  return row;
}

}  // namespace

DiskStore::DiskStore(std::unique_ptr<DiskDatabase> database) : database_(std::move(database)) {}
DiskStore::~DiskStore() = default;

absl::StatusOr<std::unique_ptr<DiskStore>> DiskStore::Open(const std::string& folder) { return Open(folder, {}); }

absl::StatusOr<std::unique_ptr<DiskStore>> DiskStore::Open(const std::string& folder, Options options) {
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<DiskDatabase> database,
                        DiskDatabase::Open(folder, options.clock, options.env));
  std::unique_ptr<DiskStore> store(new DiskStore(std::move(database)));
  KILN_RETURN_IF_ERROR(store->CheckFormat(folder));
  KILN_RETURN_IF_ERROR(store->CountRows());
  return store;
}

absl::StatusOr<std::unique_ptr<DiskStore>> DiskStore::OpenToRead(const std::string& folder) {
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<DiskDatabase> database,
                        DiskDatabase::Open(folder, Clock::Real(), nullptr, DiskDatabase::Access::kRead));
  std::unique_ptr<DiskStore> store(new DiskStore(std::move(database)));
  KILN_ASSIGN_OR_RETURN(std::optional<std::string> format, store->database_->Get(DiskDatabase::kDefault, kFormatKey));
  if (format != kFormat) {
    return MakeError(ErrorReason::kStorage,
                     absl::StrCat("cache folder ", folder, ": it has format ", format.value_or("none"),
                                  " but this build reads ", kFormat, "; a server converts an older one when it starts"));
  }
  KILN_RETURN_IF_ERROR(store->CountRows());
  return store;
}

absl::Status DiskStore::CheckFormat(const std::string& folder) {
  KILN_ASSIGN_OR_RETURN(std::optional<std::string> format, database_->Get(DiskDatabase::kDefault, kFormatKey));
  if (format == kFormat) return absl::OkStatus();
  if (format.has_value() && *format != kFormatWithoutFacts) {
    return MakeError(ErrorReason::kStorage, absl::StrCat("cache folder ", folder, ": it has format ", *format,
                                                         " but this build reads ", kFormat));
  }
  if (format.has_value()) KILN_RETURN_IF_ERROR(AddMissingFacts());
  return database_->Put(DiskDatabase::kDefault, kFormatKey, kFormat);
}

absl::Status DiskStore::AddMissingFacts() {
  std::vector<DiskDatabase::Batch> batches(1);
  KILN_RETURN_IF_ERROR(VisitVariants([&](const VariantRow& row) {
    if (batches.back().size() == kFactsPerBatch) batches.emplace_back();
    batches.back().Put(DiskDatabase::kFacts, NameOf({row.key, row.artifact}),
                       FactsOf(row.signed_variant).SerializeAsString());
  }));
  for (const DiskDatabase::Batch& batch : batches) KILN_RETURN_IF_ERROR(database_->Write(batch));
  return absl::OkStatus();
}

absl::Status DiskStore::CountRows() {
  return VisitFacts([this](const RowSummary& row) {
    NoteRow(row.name.first, row.name.second, std::max<int64_t>(0, row.facts.artifact_bytes()));
  });
}

void DiskStore::NoteRow(const VariantKey& key, const Digest& artifact, int64_t bytes) {
  absl::MutexLock lock(&mutex_);
  Named& named = named_[artifact];
  total_bytes_ += bytes - named.bytes;
  named.bytes = bytes;
  if (named.keys.insert(key).second) rows_.Add(key);
}

bool DiskStore::HasRow(const RowName& name) {
  absl::MutexLock lock(&mutex_);
  auto named = named_.find(name.second);
  return named != named_.end() && named->second.keys.contains(name.first);
}

bool DiskStore::ForgetRow(const VariantKey& key, const Digest& artifact) {
  absl::MutexLock lock(&mutex_);
  auto named = named_.find(artifact);
  if (named == named_.end()) return true;
  if (named->second.keys.erase(key) > 0) rows_.Remove(key);
  if (!named->second.keys.empty()) return false;
  total_bytes_ -= named->second.bytes;
  named_.erase(named);
  return true;
}

absl::StatusOr<StoredArtifact> DiskStore::GetArtifact(const Digest& sha256) {
  KILN_ASSIGN_OR_RETURN(std::optional<std::string> elf, database_->Get(DiskDatabase::kArtifacts, sha256.bytes()));
  if (!elf.has_value()) {
    return MakeError(ErrorReason::kArtifactNotFound, absl::StrCat("artifact ", sha256.ToShortHex(), " is not on disk"));
  }
  return StoredArtifact{std::make_shared<const std::string>(*std::move(elf)), v1::TIER_DISK};
}

absl::Status DiskStore::PutArtifact(const Digest& sha256, ArtifactBytes elf) {
  return database_->Put(DiskDatabase::kArtifacts, sha256.bytes(), *elf);
}

absl::Status DiskStore::RemoveArtifact(const Digest& sha256) {
  return database_->Delete(DiskDatabase::kArtifacts, sha256.bytes());
}

absl::Status DiskStore::Publish(const VariantRow& row, ArtifactBytes elf) {
  const std::string name = NameOf({row.key, row.artifact});
  v1::RowFacts facts = FactsOf(row.signed_variant);
  facts.set_artifact_bytes(static_cast<int64_t>(elf->size()));
  DiskDatabase::Batch batch;
  batch.Put(DiskDatabase::kArtifacts, std::string(row.artifact.bytes()), *elf);
  batch.Put(DiskDatabase::kVariants, name, row.signed_variant.SerializeAsString());
  batch.Put(DiskDatabase::kFacts, name, facts.SerializeAsString());
  KILN_RETURN_IF_ERROR(database_->Write(batch));
  NoteRow(row.key, row.artifact, static_cast<int64_t>(elf->size()));
  return absl::OkStatus();
}

absl::Status DiskStore::RemoveVariant(const VariantKey& key, const Digest& artifact) {
  const std::string name = NameOf({key, artifact});
  DiskDatabase::Batch batch;
  batch.Delete(DiskDatabase::kVariants, name);
  batch.Delete(DiskDatabase::kFacts, name);
  if (ForgetRow(key, artifact)) batch.Delete(DiskDatabase::kArtifacts, std::string(artifact.bytes()));
  return database_->Write(batch);
}

absl::Status DiskStore::VisitVariants(const std::function<void(VariantRow)>& visit) {
  return database_->Visit(DiskDatabase::kVariants, "", [&](absl::string_view name, absl::string_view value) {
    if (std::optional<RowName> row = ParseName(name)) visit(MakeRow(*row, value));
    return true;
  });
}

absl::StatusOr<std::vector<VariantRow>> DiskStore::VariantsOf(const VariantKey& key) {
  std::vector<VariantRow> rows;
  const absl::string_view prefix = key.digest.bytes();
  KILN_RETURN_IF_ERROR(
      database_->Visit(DiskDatabase::kVariants, prefix, [&](absl::string_view name, absl::string_view value) {
        if (!absl::StartsWith(name, prefix)) return false;
        if (std::optional<RowName> row = ParseName(name)) rows.push_back(MakeRow(*row, value));
        return true;
      }));
  return rows;
}

absl::StatusOr<std::optional<VariantRow>> DiskStore::NextVariant(const std::optional<RowName>& after) {
  std::optional<VariantRow> next;
  // The least name that is greater.
  const std::string from = after.has_value() ? absl::StrCat(NameOf(*after), absl::string_view("\0", 1)) : "";
  KILN_RETURN_IF_ERROR(
      database_->Visit(DiskDatabase::kVariants, from, [&](absl::string_view name, absl::string_view value) {
        if (std::optional<RowName> row = ParseName(name)) next = MakeRow(*row, value);
        return !next.has_value();
      }));
  return next;
}

absl::Status DiskStore::VisitFacts(const std::function<void(RowSummary)>& visit) {
  return database_->Visit(DiskDatabase::kFacts, "", [&](absl::string_view name, absl::string_view value) {
    std::optional<RowName> row = ParseName(name);
    if (!row.has_value()) return true;
    RowSummary summary{*row, {}};
    if (!summary.facts.ParseFromArray(value.data(), static_cast<int>(value.size()))) summary.facts.Clear();
    visit(std::move(summary));
    return true;
  });
}

absl::Status DiskStore::PutFacts(absl::Span<const RowSummary> rows) {
  DiskDatabase::Batch batch;
  for (const RowSummary& row : rows) {
    // It may have left meanwhile. Facts without a row do no harm but take room.
    if (!HasRow(row.name)) continue;
    batch.Put(DiskDatabase::kFacts, NameOf(row.name), row.facts.SerializeAsString());
  }
  return batch.size() == 0 ? absl::OkStatus() : database_->Write(batch, DiskDatabase::Sync::kNo);
}

StoreSize DiskStore::Size() {
  absl::MutexLock lock(&mutex_);
  return {.artifacts = static_cast<int64_t>(named_.size()),
          .artifact_bytes = total_bytes_,
          .variants = rows_.rows(),
          .keys = rows_.keys()};
}

absl::StatusOr<std::string> DiskStore::GetGraph(const Digest& name) {
  KILN_ASSIGN_OR_RETURN(std::optional<std::string> bytes, database_->Get(DiskDatabase::kGraphs, name.bytes()));
  if (bytes.has_value()) return *std::move(bytes);
  return MakeError(ErrorReason::kGraphNotFound, absl::StrCat("graph ", name.ToShortHex(), " is not here"));
}

absl::Status DiskStore::PutGraph(const Digest& name, absl::string_view bytes) {
  return database_->Put(DiskDatabase::kGraphs, name.bytes(), bytes);
}

bool DiskStore::HasGraph(const Digest& name) { return database_->Has(DiskDatabase::kGraphs, name.bytes()); }

absl::Status DiskStore::PutPin(const Row& row) {
  v1::StoredPin pin;
  pin.set_artifact_bytes(row.bytes);
  pin.set_until_unix_seconds(absl::ToUnixSeconds(row.until));
  DiskDatabase::Batch batch;
  batch.Put(DiskDatabase::kPins, absl::StrCat(row.artifact.bytes(), row.job),
            pin.SerializeAsString());
  return database_->Write(batch, DiskDatabase::Sync::kNo);
}

absl::Status DiskStore::RemovePin(absl::string_view job, const Digest& artifact) {
  DiskDatabase::Batch batch;
  batch.Delete(DiskDatabase::kPins, absl::StrCat(artifact.bytes(), job));
  return database_->Write(batch, DiskDatabase::Sync::kNo);
}

absl::Status DiskStore::VisitPins(const std::function<void(Row)>& visit) {
  return database_->Visit(DiskDatabase::kPins, "", [&](absl::string_view name, absl::string_view value) {
    std::optional<Digest> artifact = Digest::FromBytes(name.substr(0, Digest::kSizeBytes));
    v1::StoredPin pin;
    if (!artifact.has_value() || !pin.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
    visit({std::string(name.substr(Digest::kSizeBytes)), *artifact, pin.artifact_bytes(),
           absl::FromUnixSeconds(pin.until_unix_seconds())});
    return true;
  });
}

absl::Status DiskStore::PutProfile(absl::string_view key, absl::string_view value) {
  DiskDatabase::Batch batch;
  batch.Put(DiskDatabase::kShapes, std::string(key), std::string(value));
  return database_->Write(batch, DiskDatabase::Sync::kNo);
}

absl::Status DiskStore::RemoveProfile(absl::string_view key) { return database_->Delete(DiskDatabase::kShapes, key); }

absl::Status DiskStore::VisitProfiles(
    const std::function<void(absl::string_view key, absl::string_view value)>& visit) {
  return database_->Visit(DiskDatabase::kShapes, "", [&](absl::string_view key, absl::string_view value) {
    visit(key, value);
    return true;
  });
}

}  // namespace kiln
