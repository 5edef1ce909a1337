#include "cache/disk_database.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
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

constexpr const char* kFamilyNames[DiskDatabase::kNumFamilies] = {
    "default", "artifacts", "variants", "facts", "pins", "graphs", "shapes"};
// About 10,000 graphs of large models.
constexpr uint64_t kMaxGraphBytes = uint64_t{4} << 30;
constexpr absl::Duration kMendInterval = absl::Seconds(1);

rocksdb::Slice Slice(absl::string_view bytes) { return {bytes.data(), bytes.size()}; }

// RocksDB's own log file is not kept: with assertions, as Debian builds it, the
// process aborts at the first line that a full disk has no room for. What fails is
// in the statuses.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // FIFO compaction asks for it. There are some 400 files when all bounds are
  // reached: 16 GiB of blobs and 4 GiB of graphs.
  options.max_open_files = -1;
  options.max_background_jobs = 2;
  // A small family (facts, pins) would keep every log alive since its first record,
  // and the next start would read them all.
  options.max_total_wal_size = 64 << 20;
  options.info_log = std::make_shared<NoLog>();
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(DiskDatabase::Family family) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = 16 << 20;
  if (family == DiskDatabase::kGraphs) {
    // A graph that is gone costs a client one more message, so the oldest files
    // simply go when they are over the bound.
    options.compaction_style = rocksdb::kCompactionStyleFIFO;
    options.compaction_options_fifo.max_table_files_size = kMaxGraphBytes;
  }
  if (family == DiskDatabase::kArtifacts) {
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

absl::Status CannotOpen(absl::string_view where, const rocksdb::Status& status) {
  const absl::Status error = StorageError(absl::StrCat(where, ": cannot be opened"), status);
  if (!status.IsCorruption()) return error;
  return MakeError(ErrorReason::kStorage,
                   absl::StrCat(error.message(), "; move it away and the server starts with an empty cache, and "
                                                 "compiles again what this one held"));
}

absl::Status NotOpen(absl::string_view where) {
  return MakeError(ErrorReason::kStorage, absl::StrCat(where, ": is being opened anew"));
}

// RocksDB's own lock on the folder, which who only reads does not take.
bool IsLockedByAnother(const std::string& folder) {
  const int fd = open(absl::StrCat(folder, "/LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool is_locked = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  close(fd);
  return is_locked;
}

absl::Status MakeFolder(const std::string& folder, absl::string_view where) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return MakeError(ErrorReason::kStorage, absl::StrCat(where, ": cannot be made: ", error.message()));
  return absl::OkStatus();
}

}  // namespace

// RocksDB's, together.
struct DiskDatabase::Handles {
  ~Handles() {
    if (db == nullptr) return;
    for (rocksdb::ColumnFamilyHandle* family : families) {
      if (family != nullptr) db->DestroyColumnFamilyHandle(family);
    }
    db->Close().PermitUncheckedError();
  }
  std::unique_ptr<rocksdb::DB> db;
  // Null for one that a folder that is only read lacks.
  std::array<rocksdb::ColumnFamilyHandle*, kNumFamilies> families = {};
};

DiskDatabase::DiskDatabase(const std::string& folder, const Clock* clock, rocksdb::Env* env)
    : folder_(folder),
      where_(absl::StrCat("cache folder ", folder)),
      clock_(clock),
      env_(env == nullptr ? rocksdb::Env::Default() : env) {}

DiskDatabase::~DiskDatabase() = default;

absl::StatusOr<std::unique_ptr<DiskDatabase>> DiskDatabase::Open(const std::string& folder, const Clock* clock,
                                                                 rocksdb::Env* env, Access access) {
  std::unique_ptr<DiskDatabase> database(new DiskDatabase(folder, clock, env));
  if (access == Access::kWrite) KILN_RETURN_IF_ERROR(MakeFolder(folder, database->where_));
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<Handles> handles,
                        access == Access::kWrite ? database->OpenHandles() : database->OpenHandlesToRead());
  absl::MutexLock lock(&database->mutex_);
  database->handles_ = std::move(handles);
  return database;
}

absl::StatusOr<std::unique_ptr<DiskDatabase::Handles>> DiskDatabase::OpenHandles() const {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (int i = 0; i < kNumFamilies; ++i) {
    families.emplace_back(kFamilyNames[i], FamilyOptions(static_cast<Family>(i)));
  }
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  rocksdb::Status status = rocksdb::DB::Open(DatabaseOptions(env_), folder_, families, &opened, &db);
  if (!status.ok()) return CannotOpen(where_, status);
  auto handles = std::make_unique<Handles>();
  handles->db.reset(db);
  std::copy(opened.begin(), opened.end(), handles->families.begin());
  return handles;
}

absl::StatusOr<std::unique_ptr<DiskDatabase::Handles>> DiskDatabase::OpenHandlesToRead() const {
  if (IsLockedByAnother(folder_)) {
    return MakeError(ErrorReason::kStorage, absl::StrCat(where_, ": another process has it open"));
  }
  rocksdb::DBOptions options = DatabaseOptions(env_);
  options.create_if_missing = false;
  options.create_missing_column_families = false;
  std::vector<std::string> names;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(options, folder_, &names);
  if (!status.ok()) return CannotOpen(where_, status);
  // One that an older server wrote may lack some.
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  std::vector<Family> places;
  for (int i = 0; i < kNumFamilies; ++i) {
    if (!absl::c_linear_search(names, kFamilyNames[i])) continue;
    families.emplace_back(kFamilyNames[i], FamilyOptions(static_cast<Family>(i)));
    places.push_back(static_cast<Family>(i));
  }
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  status = rocksdb::DB::OpenForReadOnly(options, folder_, families, &opened, &db);
  if (!status.ok()) return CannotOpen(where_, status);
  auto handles = std::make_unique<Handles>();
  handles->db.reset(db);
  for (size_t i = 0; i < opened.size(); ++i) handles->families[places[i]] = opened[i];
  return handles;
}

absl::StatusOr<std::optional<std::string>> DiskDatabase::Get(Family family, absl::string_view key) {
  absl::ReaderMutexLock lock(&mutex_);
  if (handles_ == nullptr) return NotOpen(where_);
  if (handles_->families[family] == nullptr) return std::nullopt;
  std::string value;
  rocksdb::Status status = handles_->db->Get(rocksdb::ReadOptions(), handles_->families[family], Slice(key), &value);
  if (status.ok()) return value;
  if (status.IsNotFound()) return std::nullopt;
  absl::Status error = StorageError(where_, status);
  return status.IsCorruption() ? MakeError(ErrorReason::kArtifactCorrupt, error.message()) : error;
}

bool DiskDatabase::Has(Family family, absl::string_view key) {
  absl::ReaderMutexLock lock(&mutex_);
  if (handles_ == nullptr) return false;
  std::string value;
  rocksdb::ColumnFamilyHandle* handle = handles_->families[family];
  if (handle == nullptr) return false;
  // The filters say no without a read; a maybe is settled by reading.
  if (!handles_->db->KeyMayExist(rocksdb::ReadOptions(), handle, Slice(key), &value)) return false;
  rocksdb::PinnableSlice pinned;
  return handles_->db->Get(rocksdb::ReadOptions(), handle, Slice(key), &pinned).ok();
}

absl::Status DiskDatabase::Write(const Batch& batch, Sync sync) {
  MendIfDue();
  rocksdb::WriteOptions options;
  options.sync = sync == Sync::kYes;
  rocksdb::Status status;
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (handles_ == nullptr) return NotOpen(where_);
    rocksdb::WriteBatch writes;
    for (const Batch::OneWrite& write : batch.writes_) {
      rocksdb::ColumnFamilyHandle* family = handles_->families[write.family];
      if (write.value.has_value()) {
        writes.Put(family, write.key, *write.value);
      } else {
        writes.Delete(family, write.key);
      }
    }
    status = handles_->db->Write(options, &writes);
  }
  if (status.ok()) return absl::OkStatus();
  NoteFailure();
  return StorageError(where_, status);
}

void DiskDatabase::NoteFailure() {
  failures_.fetch_add(1, std::memory_order_relaxed);
  absl::MutexLock lock(&retry_mutex_);
  if (!failing_.exchange(true)) retry_at_ = clock_->Monotonic() + kMendInterval;
}

void DiskDatabase::MendIfDue() {
  if (!failing_.load(std::memory_order_relaxed)) return;
  {
    absl::MutexLock lock(&retry_mutex_);
    const absl::Duration now = clock_->Monotonic();
    if (!failing_ || now < retry_at_) return;
    retry_at_ = now + kMendInterval;
  }
  if (!Mend()) return;
  failing_ = false;
  mended_.fetch_add(1, std::memory_order_relaxed);
}

bool DiskDatabase::Mend() {
  {
    absl::ReaderMutexLock lock(&mutex_);
    // Writes out what is in memory and begins a new log: what the old one has of a
    // record that failed is behind its end.
    if (handles_ != nullptr && handles_->db->Resume().ok()) return true;
  }
  // Or closing it would end the reads as well.
  if (!CanWriteFiles()) return false;
  absl::WriterMutexLock lock(&mutex_);
  handles_.reset();
  absl::StatusOr<std::unique_ptr<Handles>> handles = OpenHandles();
  if (!handles.ok()) return false;
  handles_ = *std::move(handles);
  return true;
}

bool DiskDatabase::CanWriteFiles() const {
  const std::string path = absl::StrCat(folder_, "/probe");
  const bool written = rocksdb::WriteStringToFile(env_, "probe", path, /*should_sync=*/true).ok();
  env_->DeleteFile(path).PermitUncheckedError();
  return written;
}

absl::Status DiskDatabase::Put(Family family, absl::string_view key, absl::string_view value) {
  Batch batch;
  batch.Put(family, std::string(key), std::string(value));
  return Write(batch);
}

absl::Status DiskDatabase::Delete(Family family, absl::string_view key) {
  Batch batch;
  batch.Delete(family, std::string(key));
  return Write(batch);
}

absl::Status DiskDatabase::Visit(Family family, absl::string_view from,
                                 const std::function<bool(absl::string_view, absl::string_view)>& visit) {
  absl::ReaderMutexLock lock(&mutex_);
  if (handles_ == nullptr) return NotOpen(where_);
  if (handles_->families[family] == nullptr) return absl::OkStatus();
  std::unique_ptr<rocksdb::Iterator> it(
      handles_->db->NewIterator(rocksdb::ReadOptions(), handles_->families[family]));
  for (it->Seek(Slice(from)); it->Valid(); it->Next()) {
    if (!visit({it->key().data(), it->key().size()}, {it->value().data(), it->value().size()})) break;
  }
  return it->status().ok() ? absl::OkStatus() : StorageError(where_, it->status());
}

}  // namespace kiln
