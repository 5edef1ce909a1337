// A disk that is full, fails or is slow below the disk tier: what was acknowledged
// stays readable, writes fail with STORAGE and nothing worse, and when the disk is well
// again so is the tier.
#include <atomic>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/error.h"
#include "base/testing/fake_clock.h"
#include "cache/disk_store.h"
#include "cache/memory_store.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/temp_folder.h"
#include "cache/tiered_store.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace kiln {
namespace {

enum class Fault { kNone, kNoSpace, kReadOnly, kIoError };

// What all files of a file system share.
struct Faults {
  // How many writes still succeed before the fault; negative: none is to come.
  std::atomic<int64_t> writes_left{-1};
  std::atomic<Fault> fault{Fault::kNone};
  // Held by a test: syncs wait for it.
  std::atomic<absl::Notification*> hang{nullptr};

  rocksdb::IOStatus BeforeWrite() {
    if (fault == Fault::kNone || writes_left.fetch_sub(1) > 0) return rocksdb::IOStatus::OK();
    switch (fault.load()) {
      case Fault::kNoSpace: return rocksdb::IOStatus::NoSpace("no space left on device");
      case Fault::kReadOnly: return rocksdb::IOStatus::IOError("read-only file system");
      default: return rocksdb::IOStatus::IOError("input/output error");
    }
  }
  void Begin(Fault kind, int64_t after_writes) {
    writes_left = after_writes;
    fault = kind;
  }
  void End() { fault = Fault::kNone; }
};

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file, Faults* faults)
      : FSWritableFileOwnerWrapper(std::move(file)), faults_(faults) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* dbg) override {
    rocksdb::IOStatus status = faults_->BeforeWrite();
    // As a full disk does: what fitted is there.
    if (!status.ok()) {
      FSWritableFileOwnerWrapper::Append(rocksdb::Slice(data.data(), data.size() / 2), options, dbg)
          .PermitUncheckedError();
      return status;
    }
    return FSWritableFileOwnerWrapper::Append(data, options, dbg);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* dbg) override {
    return Append(data, options, dbg);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg) override {
    if (absl::Notification* hang = faults_->hang) hang->WaitForNotification();
    rocksdb::IOStatus status = faults_->BeforeWrite();
    return status.ok() ? FSWritableFileOwnerWrapper::Sync(options, dbg) : status;
  }

 private:
  Faults* const faults_;
};

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(Faults* faults) : FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(faults) {}

  const char* Name() const override { return "FaultyFileSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* dbg) override {
    rocksdb::IOStatus status = faults_->BeforeWrite();
    if (status.ok()) status = FileSystemWrapper::NewWritableFile(name, options, file, dbg);
    if (status.ok()) *file = std::make_unique<FaultyFile>(std::move(*file), faults_);
    return status;
  }

 private:
  Faults* const faults_;
};

class SlowDiskTest : public ::testing::Test {
 protected:
  void Open() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<DiskStore>> store =
        DiskStore::Open(folder_.path(), {.clock = &clock_, .env = env_.get()});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  static std::string ElfOf(int i) { return absl::StrCat(i, std::string(20000, 'x')); }
  absl::Status Publish(int i) {
    const VariantSpec spec{.graph = absl::StrCat("g", i), .elf = ElfOf(i)};
    return store_->Publish(SignedRow(key_, spec), Elf(spec.elf));
  }
  void ExpectServed(const std::vector<int>& acknowledged) {
    for (int i : acknowledged) {
      absl::StatusOr<StoredArtifact> found = store_->GetArtifact(Sha256(ElfOf(i)));
      ASSERT_TRUE(found.ok()) << i << ": " << found.status();
      ASSERT_EQ(*found->elf, ElfOf(i));
    }
  }

  TempFolder folder_;
  FakeClock clock_;
  SigningKey key_ = SigningKey::Generate();
  Faults faults_;
  std::shared_ptr<rocksdb::FileSystem> files_ = std::make_shared<FaultyFileSystem>(&faults_);
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
  std::unique_ptr<DiskStore> store_;
};

class DiskFaultTest : public SlowDiskTest, public ::testing::WithParamInterface<Fault> {};

// At the first write, the second, and so on: each may be the one that finds the disk
// full, in the middle of a record of the log or at its sync.
TEST_P(DiskFaultTest, EveryWriteMayFailAndTheTierHeals) {
  Open();
  std::vector<int> acknowledged;
  int next = 0;
  for (int64_t fail_at = 0; fail_at < 12; ++fail_at) {
    faults_.Begin(GetParam(), fail_at);
    int failures = 0;
    for (int i = 0; i < 8; ++i, ++next) {
      const absl::Status status = Publish(next);
      if (status.ok()) {
        acknowledged.push_back(next);
        continue;
      }
      EXPECT_EQ(GetErrorReason(status), ErrorReason::kStorage) << status;
      ++failures;
    }
    EXPECT_GT(failures, 0) << fail_at;
    ExpectServed(acknowledged);
    faults_.End();
    // Not before a second has passed, so that a full disk is not asked all the time.
    clock_.Advance(absl::Seconds(2));
    ASSERT_TRUE(Publish(next).ok()) << "after the fault at write " << fail_at;
    acknowledged.push_back(next++);
  }
  EXPECT_GT(store_->database().num_mended(), 0);
  EXPECT_GT(store_->database().num_failures(), 0);
  ExpectServed(acknowledged);
  Open();
  ExpectServed(acknowledged);
}

// A fault that is there when the process ends leaves a folder that opens.
TEST_P(DiskFaultTest, WhatWasAcknowledgedIsThereAfterAnEndInTheFault) {
  for (int64_t fail_at : {0, 1, 2, 3, 5}) {
    Open();
    ASSERT_TRUE(Publish(static_cast<int>(fail_at)).ok());
    faults_.Begin(GetParam(), fail_at);
    for (int i = 100; i < 104; ++i) {
      if (Publish(i).ok()) continue;
    }
    store_.reset();
    faults_.End();
    Open();
    ExpectServed({static_cast<int>(fail_at)});
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, DiskFaultTest,
                         ::testing::Values(Fault::kNoSpace, Fault::kReadOnly, Fault::kIoError),
                         [](const auto& info) {
                           return info.param == Fault::kNoSpace ? "NoSpace"
                                  : info.param == Fault::kReadOnly ? "ReadOnly"
                                                                   : "IoError";
                         });

// Whoever publishes waits for a disk that hangs; nobody else does.
TEST_F(SlowDiskTest, ReadsDoNotWaitForAWriteThatHangs) {
  Open();
  ASSERT_TRUE(Publish(1).ok());
  auto memory = std::make_shared<MemoryStore>(1 << 20);
  std::shared_ptr<DiskStore> disk = std::move(store_);
  TieredStore tiers(memory, disk);
  absl::Notification disk_goes_on;
  faults_.hang = &disk_goes_on;
  const VariantSpec spec{.graph = "slow", .elf = ElfOf(2)};
  std::thread publisher([&] { EXPECT_TRUE(tiers.Publish(SignedRow(key_, spec), Elf(spec.elf)).ok()); });
  // The one that is being written is served from memory, the other from disk.
  while (!memory->GetArtifact(Sha256(ElfOf(2))).ok()) std::this_thread::yield();
  EXPECT_EQ(tiers.GetArtifact(Sha256(ElfOf(2)))->tier, v1::TIER_MEMORY);
  EXPECT_EQ(tiers.GetArtifact(Sha256(ElfOf(1)))->tier, v1::TIER_DISK);
  EXPECT_EQ(disk->VariantsOf(MakeKey("g1"))->size(), 1u);
  faults_.hang = nullptr;
  disk_goes_on.Notify();
  publisher.join();
  EXPECT_TRUE(disk->GetArtifact(Sha256(ElfOf(2))).ok());
}

}  // namespace
}  // namespace kiln
