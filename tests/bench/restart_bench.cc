// How long a server's cache takes from the start to the first hit, when its folder
// holds 100,000 entries; and how long until all of them are verified and in memory.
//
//   restart_bench [--entries=100000] [--record_bytes=4000]
//
// The folder is filled without syncs, which would take minutes and measure nothing
// here. One JSON object.
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "cache/disk_store.h"
#include "cache/open_cache.h"
#include "cache/testing/make_variant.h"
#include "cache/testing/temp_folder.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace kiln {
namespace {

class UnsyncedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;
  rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
};

class UnsyncedFiles final : public rocksdb::FileSystemWrapper {
 public:
  UnsyncedFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "UnsyncedFiles"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* dbg) override {
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, file, dbg);
    if (status.ok()) *file = std::make_unique<UnsyncedFile>(std::move(*file));
    return status;
  }
};

double Seconds(const std::chrono::steady_clock::time_point& since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

// Ten variants a key, with records of the size that those of models have: source lines.
VariantSpec SpecOf(int i) {
  return {.graph = absl::StrCat("g", i / 10),
          .guards = {absl::StrCat("s0 <= ", 64 * (i % 10 + 1)), "2 <= s1", "s2 % 8 == 0"},
          .features = {"avx2", "fma"},
          .seconds = 1.5,
          .elf = absl::StrCat("elf ", i)};
}

v1::SignedVariant RowOf(const SigningKey& key, const VariantSpec& spec, int record_bytes) {
  v1::VariantRecord record = MakeRecord(spec);
  for (int bytes = 0; bytes < record_bytes; bytes += 40) record.add_locations("models/attention/block.py:1234");
  return key.Sign(record.SerializeAsString());
}

int Run(int entries, int record_bytes) {
  TempFolder folder;
  const SigningKey key = SigningKey::Generate();
  {
    auto files = std::make_shared<UnsyncedFiles>();
    std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
    absl::StatusOr<std::unique_ptr<DiskStore>> store = DiskStore::Open(folder.path(), {.env = env.get()});
    if (!store.ok()) return 1;
    for (int i = 0; i < entries; ++i) {
      const VariantSpec spec = SpecOf(i);
      const VariantRow row{MakeKey(spec.graph), Sha256(spec.elf), RowOf(key, spec, record_bytes)};
      if (!(*store)->Publish(row, Elf(spec.elf)).ok()) return 1;
    }
  }
  const size_t before = mallinfo2().uordblks;
  const auto start = std::chrono::steady_clock::now();
  absl::StatusOr<OpenedCache> cache = OpenCache({.folder = folder.path(), .trusted = Trusting(key)});
  if (!cache.ok()) return 1;
  const double opened = Seconds(start);
  const HostClass host = MakeHost({"avx2", "fma"});
  const absl::StatusOr<CacheAnswer> answer = cache->variants->Lookup(MakeKey("g7"), {100, 5, 8}, host);
  if (!answer.ok() || !answer->hit.has_value()) return 1;
  const double first_hit = Seconds(start);
  const size_t opened_bytes = mallinfo2().uordblks - before;
  cache->variants->LoadAll();
  const double loaded = Seconds(start);
  const size_t loaded_bytes = mallinfo2().uordblks - before;
  if (cache->variants->index().num_variants() != entries) return 1;
  std::printf(
      "{\"entries\": %d, \"open_seconds\": %.3f, \"first_hit_seconds\": %.3f, \"all_verified_seconds\": %.2f, "
      "\"bytes_each_at_open\": %.0f, \"bytes_each_loaded\": %.0f}\n",
      entries, opened, first_hit, loaded, static_cast<double>(opened_bytes) / entries,
      static_cast<double>(loaded_bytes) / entries);
  return 0;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  CLI::App app{"Start of a cache with many entries."};
  int entries = 100000, record_bytes = 4000;
  app.add_option("--entries", entries, "Rows of the folder");
  app.add_option("--record_bytes", record_bytes, "Of each row, beside its guards");
  CLI11_PARSE(app, argc, argv);
  return kiln::Run(entries, record_bytes);
}
