#include "cache/disk_store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/temp_folder.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

// Publishes row after row and says so, until it is killed.
[[noreturn]] void PublishForEver(const std::string& folder, int acknowledge_fd) {
  SigningKey key = SigningKey::Generate();
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder);
  if (!store.ok()) _exit(1);
  for (int32_t i = 0;; ++i) {
    const VariantSpec spec{.graph = absl::StrCat("g", i), .elf = absl::StrCat(i, std::string(20000, 'x'))};
    if (!(*store)->Publish(SignedRow(key, spec), Elf(spec.elf)).ok()) _exit(2);
    if (write(acknowledge_fd, &i, sizeof(i)) != sizeof(i)) _exit(3);
  }
}

TEST(DiskStoreTest, AcknowledgedWritesSurviveKillNine) {
  TempFolder folder;
  for (int round = 0; round < 3; ++round) {
    const std::string path = absl::StrCat(folder.path(), "/", round);
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) PublishForEver(path, fds[1]);
    close(fds[1]);
    int32_t last = -1;
    // Killed in the middle of whatever comes after this many acknowledgements.
    while (last < 20 + 31 * round) ASSERT_EQ(read(fds[0], &last, sizeof(last)), sizeof(last));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    int32_t more;
    while (read(fds[0], &more, sizeof(more)) == sizeof(more)) last = more;
    close(fds[0]);

    absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(path);
    ASSERT_TRUE(store.ok()) << store.status();
    for (int32_t i = 0; i <= last; ++i) {
      const std::string elf = absl::StrCat(i, std::string(20000, 'x'));
      absl::StatusOr<StoredArtifact> found = (*store)->GetArtifact(Sha256(elf));
      ASSERT_TRUE(found.ok()) << i << ": " << found.status();
      ASSERT_EQ(*found->elf, elf);
    }
    EXPECT_GE((*store)->Size().variants, last + 1);
  }
}

class DiskStoreCorruptTest : public ::testing::Test {
 protected:
  void Fill(int rows) {
    absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    for (int i = 0; i < rows; ++i) {
      const VariantSpec spec{.graph = absl::StrCat("g", i), .elf = absl::StrCat(i, std::string(9000, 'y'))};
      ASSERT_TRUE((*store)->Publish(SignedRow(key_, spec), Elf(spec.elf)).ok());
    }
  }
  // Files whose name starts or ends so.
  std::vector<fs::path> Files(absl::string_view prefix, absl::string_view suffix) {
    std::vector<fs::path> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename().string();
      if (absl::StartsWith(name, prefix) && absl::EndsWith(name, suffix)) found.push_back(entry.path());
    }
    return found;
  }
  static void Overwrite(const fs::path& path, size_t offset, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
  }
  // The one line that a server would print.
  void ExpectRefused() {
    absl::Status status = DiskStore::Open(folder_.path()).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), folder_.path())) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "\n")) << status;
  }

  // Opens the folder behind the store's back.
  void WithDatabase(const std::function<void(rocksdb::DB*, const std::vector<rocksdb::ColumnFamilyHandle*>&)>& act) {
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, folder_.path(), &names).ok());
    for (const std::string& name : names) {
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
      families.back().options.enable_blob_files = name == "artifacts";
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, folder_.path(), families, &handles, &db).ok());
    act(db, handles);
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
  }
  void PutRaw(const std::string& family, const std::string& key, const std::string& value) {
    WithDatabase([&](rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
      for (rocksdb::ColumnFamilyHandle* handle : handles) {
        if (handle->GetName() != family) continue;
        ASSERT_TRUE(db->Put({}, handle, key, value).ok());
      }
    });
  }
  void FlushRaw() {
    WithDatabase([&](rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
      for (rocksdb::ColumnFamilyHandle* handle : handles) ASSERT_TRUE(db->Flush({}, handle).ok());
    });
  }

  TempFolder folder_;
  SigningKey key_ = SigningKey::Generate();
};

TEST_F(DiskStoreCorruptTest, CorruptCurrentFileIsRefusedAtOpen) {
  Fill(3);
  Overwrite(folder_.path() + "/CURRENT", 0, "garbage\n\n");
  ExpectRefused();
}

TEST_F(DiskStoreCorruptTest, CorruptManifestIsRefusedAtOpen) {
  Fill(3);
  for (const fs::path& path : Files("MANIFEST", "")) Overwrite(path, 20, std::string(64, '\xff'));
  ExpectRefused();
}

TEST_F(DiskStoreCorruptTest, CorruptMiddleOfTheLogIsRefusedAtOpen) {
  Fill(20);
  for (const fs::path& path : Files("", ".log")) Overwrite(path, fs::file_size(path) / 2, std::string(64, '\xff'));
  ExpectRefused();
}

TEST_F(DiskStoreCorruptTest, ATornLastRecordIsCutOff) {
  Fill(20);
  for (const fs::path& path : Files("", ".log")) fs::resize_file(path, fs::file_size(path) - 100);
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder_.path());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->Size().variants, 19);
}

TEST_F(DiskStoreCorruptTest, AnotherFormatIsRefusedAtOpen) {
  Fill(1);
  PutRaw("default", "format", "kiln.cache.9");
  ExpectRefused();
}

// A folder of the format before this one: rows without facts.
TEST_F(DiskStoreCorruptTest, AFolderWithoutFactsGetsThem) {
  Fill(2500);
  PutRaw("default", "format", "kiln.cache.1");
  WithDatabase([](rocksdb::DB* db, const std::vector<rocksdb::ColumnFamilyHandle*>& handles) {
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      if (handle->GetName() != "facts") continue;
      ASSERT_TRUE(db->DeleteRange({}, handle, "", std::string(65, '\xff')).ok());
    }
  });
  for (int round = 0; round < 2; ++round) {
    absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->Size().variants, 2500);
    EXPECT_EQ((*store)->Size().keys, 2500);
    int64_t bytes = 0;
    ASSERT_TRUE((*store)->VisitFacts([&](const RowSummary& row) { bytes += row.facts.artifact_bytes(); }).ok());
    EXPECT_EQ((*store)->Size().artifact_bytes, bytes);
    EXPECT_GT(bytes, 2500 * 9000);
  }
}

TEST_F(DiskStoreCorruptTest, PinsSurvive) {
  const absl::Time until = absl::FromUnixSeconds(2000000000);
  {
    absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->PutPin({"job", Sha256("a"), 7, until}).ok());
    ASSERT_TRUE((*store)->PutPin({"other job", Sha256("a"), 7, until}).ok());
    ASSERT_TRUE((*store)->PutPin({"job", Sha256("b"), 7, until}).ok());
    ASSERT_TRUE((*store)->RemovePin("job", Sha256("b")).ok());
  }
  PutRaw("pins", "short", "x");
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder_.path());
  ASSERT_TRUE(store.ok()) << store.status();
  std::vector<std::string> jobs;
  ASSERT_TRUE((*store)->VisitPins([&](PinStore::Row row) {
    jobs.push_back(row.job);
    EXPECT_EQ(row.artifact, Sha256("a"));
    EXPECT_EQ(row.bytes, 7);
    EXPECT_EQ(row.until, until);
  }).ok());
  EXPECT_EQ(jobs, (std::vector<std::string>{"job", "other job"}));
}

TEST_F(DiskStoreCorruptTest, CorruptRowsAreVisitedEmptyOrNotAtAll) {
  Fill(1);
  PutRaw("variants", "short", "x");
  PutRaw("variants", std::string(64, 'k'), "\xff\xff not a message");
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder_.path());
  ASSERT_TRUE(store.ok()) << store.status();
  int empty = 0, full = 0;
  ASSERT_TRUE((*store)->VisitVariants([&](VariantRow row) {
    ++(row.signed_variant.record().empty() ? empty : full);
  }).ok());
  EXPECT_EQ(empty, 1);
  EXPECT_EQ(full, 1);
}

// A bit that flips below RocksDB's own checksums.
TEST_F(DiskStoreCorruptTest, CorruptBlobFileIsAMiss) {
  Fill(3);
  FlushRaw();
  const std::vector<fs::path> blobs = Files("", ".blob");
  ASSERT_FALSE(blobs.empty());
  for (const fs::path& path : blobs) Overwrite(path, 4000, std::string(8, '\x01'));
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder_.path());
  ASSERT_TRUE(store.ok()) << store.status();
  int corrupt = 0;
  for (int i = 0; i < 3; ++i) {
    absl::Status status = (*store)->GetArtifact(Sha256(absl::StrCat(i, std::string(9000, 'y')))).status();
    if (GetErrorReason(status) == ErrorReason::kArtifactCorrupt) ++corrupt;
  }
  EXPECT_EQ(corrupt, 1);
}

TEST_F(DiskStoreCorruptTest, AFolderThatIsAFileIsRefused) {
  const std::string path = folder_.path() + "/file";
  std::ofstream(path) << "x";
  for (const std::string& folder : {path, path + "/below"}) {
    absl::Status status = DiskStore::Open(folder).status();
    EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), folder)) << status;
  }
}

TEST_F(DiskStoreCorruptTest, AFolderThatCannotBeWrittenIsRefused) {
  absl::Status status = DiskStore::Open("/proc/kiln").status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage) << status;
}

TEST_F(DiskStoreCorruptTest, ASecondOpenIsRefused) {
  absl::StatusOr<std::unique_ptr<DiskStore>> first = DiskStore::Open(folder_.path());
  ASSERT_TRUE(first.ok());
  ExpectRefused();
}

TEST_F(DiskStoreCorruptTest, ReopeningKeepsRowsGraphsAndSizes) {
  Fill(5);
  {
    absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder_.path());
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE((*store)->PutGraph(Sha256("n"), "graph").ok());
    ASSERT_TRUE((*store)->RemoveVariant(MakeKey("g0"), Sha256("0" + std::string(9000, 'y'))).ok());
  }
  absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder_.path());
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->Size().variants, 4);
  EXPECT_EQ((*store)->Size().artifact_bytes, 4 * 9001);
  EXPECT_EQ(*(*store)->GetGraph(Sha256("n")), "graph");
  EXPECT_FALSE((*store)->GetArtifact(Sha256("0" + std::string(9000, 'y'))).ok());
}

}  // namespace
}  // namespace kiln
