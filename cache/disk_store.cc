#include "cache/disk_store.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/options.h"
#include "rocksdb/write_batch.h"

namespace kiln {
namespace {

enum Family { kDefault, kArtifacts, kVariants, kGraphs, kShapes, kNumFamilies };
constexpr const char* kFamilyNames[kNumFamilies] = {"default", "artifacts", "variants", "graphs", "shapes"};
// About 10,000 graphs of large models.
constexpr uint64_t kMaxGraphBytes = uint64_t{4} << 30;
constexpr absl::string_view kFormatKey = "format";
constexpr absl::string_view kFormat = "kiln.cache.1";

rocksdb::Slice Slice(absl::string_view bytes) { return {bytes.data(), bytes.size()}; }

std::string RowName(const VariantKey& key, const Digest& artifact) {
  return absl::StrCat(key.digest.bytes(), artifact.bytes());
}

// RocksDB's own log file is not kept: with assertions, as Debian builds it, the
// process aborts at the first line that a full disk has no room for. What fails is
// in the statuses.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::DBOptions DatabaseOptions() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // FIFO compaction asks for it. There are some 400 files when all bounds are
  // reached: 16 GiB of blobs and 4 GiB of graphs.
  options.max_open_files = -1;
  options.max_background_jobs = 2;
  options.info_log = std::make_shared<NoLog>();
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(Family family) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = 16 << 20;
  if (family == kGraphs) {
    // A graph that is gone costs a client one more message, so the oldest files
    // simply go when they are over the bound.
    options.compaction_style = rocksdb::kCompactionStyleFIFO;
    options.compaction_options_fifo.max_table_files_size = kMaxGraphBytes;
  }
  if (family == kArtifacts) {
    // Compaction rewrites names, not artifacts.
    options.enable_blob_files = true;
    options.min_blob_size = 4 << 10;
    options.enable_blob_garbage_collection = true;
  }
  return options;
}

absl::Status StorageError(absl::string_view where, const rocksdb::Status& status) {
  // RocksDB's messages may have several lines; ours have one.
  const std::string text = absl::StrReplaceAll(status.ToString(), {{"\n", " "}});
  return MakeError(ErrorReason::kStorage, absl::StrCat(where, ": ", text));
}

rocksdb::WriteOptions Synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

}  // namespace

// RocksDB's handles, and the words for its errors.
class DiskStore::Database {
 public:
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& folder) {
    auto database = std::make_unique<Database>();
    database->where_ = absl::StrCat("cache folder ", folder);
    KILN_RETURN_IF_ERROR(database->MakeFolder(folder));
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (int i = 0; i < kNumFamilies; ++i) {
      families.emplace_back(kFamilyNames[i], FamilyOptions(static_cast<Family>(i)));
    }
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::Status status = rocksdb::DB::Open(DatabaseOptions(), folder, families, &handles, &db);
    if (!status.ok()) return StorageError(absl::StrCat(database->where_, ": cannot be opened"), status);
    database->db_.reset(db);
    std::copy(handles.begin(), handles.end(), database->families_.begin());
    KILN_RETURN_IF_ERROR(database->CheckFormat());
    return database;
  }

  ~Database() {
    if (db_ == nullptr) return;
    for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
    db_->Close().PermitUncheckedError();
  }

  // nullopt if it is not there; ARTIFACT_CORRUPT if a checksum says so.
  absl::StatusOr<std::optional<std::string>> Get(Family family, absl::string_view key) {
    std::string value;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), families_[family], Slice(key), &value);
    if (status.ok()) return value;
    if (status.IsNotFound()) return std::nullopt;
    absl::Status error = StorageError(where_, status);
    return status.IsCorruption() ? MakeError(ErrorReason::kArtifactCorrupt, error.message()) : error;
  }

  bool Has(Family family, absl::string_view key) {
    std::string value;
    // The filters say no without a read; a maybe is settled by reading.
    if (!db_->KeyMayExist(rocksdb::ReadOptions(), families_[family], Slice(key), &value)) return false;
    rocksdb::PinnableSlice pinned;
    return db_->Get(rocksdb::ReadOptions(), families_[family], Slice(key), &pinned).ok();
  }

  absl::Status Write(rocksdb::WriteBatch& batch) {
    rocksdb::Status status = db_->Write(Synced(), &batch);
    return status.ok() ? absl::OkStatus() : StorageError(where_, status);
  }

  absl::Status Put(Family family, absl::string_view key, absl::string_view value) {
    rocksdb::WriteBatch batch;
    batch.Put(families_[family], Slice(key), Slice(value));
    return Write(batch);
  }

  // May be lost when the machine stops.
  absl::Status PutUnsynced(Family family, absl::string_view key, absl::string_view value) {
    rocksdb::Status status = db_->Put(rocksdb::WriteOptions(), families_[family], Slice(key), Slice(value));
    return status.ok() ? absl::OkStatus() : StorageError(where_, status);
  }

  absl::Status Delete(Family family, absl::string_view key) {
    rocksdb::WriteBatch batch;
    batch.Delete(families_[family], Slice(key));
    return Write(batch);
  }

  absl::Status Visit(Family family, const std::function<void(absl::string_view, absl::string_view)>& visit) {
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), families_[family]));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      visit({it->key().data(), it->key().size()}, {it->value().data(), it->value().size()});
    }
    return it->status().ok() ? absl::OkStatus() : StorageError(where_, it->status());
  }

  rocksdb::ColumnFamilyHandle* family(Family family) const { return families_[family]; }

 private:
  absl::Status MakeFolder(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return MakeError(ErrorReason::kStorage, absl::StrCat(where_, ": cannot be made: ", error.message()));
    return absl::OkStatus();
  }

  absl::Status CheckFormat() {
    KILN_ASSIGN_OR_RETURN(std::optional<std::string> format, Get(kDefault, kFormatKey));
    if (!format.has_value()) return Put(kDefault, kFormatKey, kFormat);
    if (*format == kFormat) return absl::OkStatus();
    return MakeError(ErrorReason::kStorage,
                     absl::StrCat(where_, ": it has format ", *format, " but this build reads ", kFormat));
  }

  // Constant after Open.
  std::string where_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kNumFamilies> families_ = {};
};

DiskStore::DiskStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
DiskStore::~DiskStore() = default;

absl::StatusOr<std::unique_ptr<DiskStore>> DiskStore::Open(const std::string& folder) {
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open(folder));
  std::unique_ptr<DiskStore> store(new DiskStore(std::move(database)));
  KILN_RETURN_IF_ERROR(store->CountRows());
  return store;
}

absl::Status DiskStore::CountRows() {
  return VisitVariants([this](VariantRow row) {
    v1::VariantRecord record;
    // An unreadable record counts as a row of no bytes; verification drops it.
    if (!record.ParseFromString(row.signed_variant.record())) record.Clear();
    NoteRow(row.key, row.artifact, record.artifact_bytes());
  });
}

void DiskStore::NoteRow(const VariantKey& key, const Digest& artifact, int64_t bytes) {
  absl::MutexLock lock(&mutex_);
  Named& named = named_[artifact];
  total_bytes_ += bytes - named.bytes;
  named.bytes = bytes;
  if (named.keys.insert(key).second) ++num_rows_;
}

bool DiskStore::ForgetRow(const VariantKey& key, const Digest& artifact) {
  absl::MutexLock lock(&mutex_);
  auto named = named_.find(artifact);
  if (named == named_.end()) return true;
  num_rows_ -= static_cast<int64_t>(named->second.keys.erase(key));
  if (!named->second.keys.empty()) return false;
  total_bytes_ -= named->second.bytes;
  named_.erase(named);
  return true;
}

absl::StatusOr<StoredArtifact> DiskStore::GetArtifact(const Digest& sha256) {
  KILN_ASSIGN_OR_RETURN(std::optional<std::string> elf, database_->Get(kArtifacts, sha256.bytes()));
  if (!elf.has_value()) {
    return MakeError(ErrorReason::kArtifactNotFound, absl::StrCat("artifact ", sha256.ToShortHex(), " is not on disk"));
  }
  return StoredArtifact{std::make_shared<const std::string>(*std::move(elf)), v1::TIER_DISK};
}

absl::Status DiskStore::PutArtifact(const Digest& sha256, ArtifactBytes elf) {
  return database_->Put(kArtifacts, sha256.bytes(), *elf);
}

absl::Status DiskStore::RemoveArtifact(const Digest& sha256) { return database_->Delete(kArtifacts, sha256.bytes()); }

absl::Status DiskStore::Publish(const VariantRow& row, ArtifactBytes elf) {
  rocksdb::WriteBatch batch;
  batch.Put(database_->family(kArtifacts), Slice(row.artifact.bytes()), Slice(*elf));
  batch.Put(database_->family(kVariants), RowName(row.key, row.artifact), row.signed_variant.SerializeAsString());
  KILN_RETURN_IF_ERROR(database_->Write(batch));
  NoteRow(row.key, row.artifact, static_cast<int64_t>(elf->size()));
  return absl::OkStatus();
}

absl::Status DiskStore::RemoveVariant(const VariantKey& key, const Digest& artifact) {
  rocksdb::WriteBatch batch;
  batch.Delete(database_->family(kVariants), RowName(key, artifact));
  if (ForgetRow(key, artifact)) batch.Delete(database_->family(kArtifacts), Slice(artifact.bytes()));
  return database_->Write(batch);
}

absl::Status DiskStore::VisitVariants(const std::function<void(VariantRow)>& visit) {
  return database_->Visit(kVariants, [&](absl::string_view name, absl::string_view value) {
    std::optional<Digest> key = Digest::FromBytes(name.substr(0, Digest::kSizeBytes));
    std::optional<Digest> artifact = Digest::FromBytes(name.substr(std::min(name.size(), Digest::kSizeBytes)));
    // A name of another length is none that this store wrote; nothing can ask for it.
    if (!key.has_value() || !artifact.has_value()) return;
    VariantRow row{VariantKey{*key}, *artifact, {}};
    // A row that does not parse is visited empty: verification then drops it.
    if (!row.signed_variant.ParseFromArray(value.data(), static_cast<int>(value.size()))) row.signed_variant.Clear();
    visit(std::move(row));
  });
}

StoreSize DiskStore::Size() {
  absl::MutexLock lock(&mutex_);
  return {static_cast<int64_t>(named_.size()), total_bytes_, num_rows_};
}

absl::StatusOr<std::string> DiskStore::GetGraph(const Digest& name) {
  KILN_ASSIGN_OR_RETURN(std::optional<std::string> bytes, database_->Get(kGraphs, name.bytes()));
  if (bytes.has_value()) return *std::move(bytes);
  return MakeError(ErrorReason::kGraphNotFound, absl::StrCat("graph ", name.ToShortHex(), " is not here"));
}

absl::Status DiskStore::PutGraph(const Digest& name, absl::string_view bytes) {
  return database_->Put(kGraphs, name.bytes(), bytes);
}

bool DiskStore::HasGraph(const Digest& name) { return database_->Has(kGraphs, name.bytes()); }

absl::Status DiskStore::PutProfile(absl::string_view key, absl::string_view value) {
  return database_->PutUnsynced(kShapes, key, value);
}

absl::Status DiskStore::RemoveProfile(absl::string_view key) { return database_->Delete(kShapes, key); }

absl::Status DiskStore::VisitProfiles(
    const std::function<void(absl::string_view key, absl::string_view value)>& visit) {
  return database_->Visit(kShapes, visit);
}

}  // namespace kiln
