// A shared tier in memory that loses, spoils and counts as a test tells it to.
#ifndef KILN_CACHE_TESTING_MEMORY_SHARED_TIER_H_
#define KILN_CACHE_TESTING_MEMORY_SHARED_TIER_H_

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/error.h"
#include "cache/shared_tier.h"

namespace kiln {

// Thread-safe.
class MemorySharedTier final : public SharedTier {
 public:
  using Place = std::pair<std::string, Digest>;  // domain; artifact or key

  absl::StatusOr<ArtifactBytes> GetArtifact(absl::string_view domain, const Digest& sha256) override {
    absl::MutexLock lock(&mutex_);
    ++fetches;
    if (down) return Down();
    auto at = artifacts.find({std::string(domain), sha256});
    if (at == artifacts.end()) return MakeError(ErrorReason::kArtifactNotFound, "not here");
    return at->second;
  }
  absl::Status PutArtifact(absl::string_view domain, const Digest& sha256, const ArtifactBytes& elf) override {
    absl::MutexLock lock(&mutex_);
    if (down || full) return Down();
    artifacts.emplace(Place(domain, sha256), elf);
    return absl::OkStatus();
  }
  absl::Status RemoveArtifact(absl::string_view domain, const Digest& sha256) override {
    absl::MutexLock lock(&mutex_);
    artifacts.erase({std::string(domain), sha256});
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<bool>> HasArtifacts(absl::string_view domain, absl::Span<const Digest> sha256s) override {
    absl::MutexLock lock(&mutex_);
    if (down) return Down();
    std::vector<bool> has;
    for (const Digest& sha256 : sha256s) has.push_back(artifacts.contains({std::string(domain), sha256}));
    return has;
  }
  absl::Status AppendRow(absl::string_view domain, const VariantKey& key, const v1::SignedVariant& row) override {
    absl::MutexLock lock(&mutex_);
    if (down || full) return Down();
    logs[Place(domain, key.digest)].push_back({absl::StrCat(next_id++), row});
    return absl::OkStatus();
  }
  absl::StatusOr<LogPage> ReadLog(absl::string_view domain, const VariantKey& key, const LogCursor& after) override {
    absl::MutexLock lock(&mutex_);
    ++reads;
    if (down) return Down();
    const std::vector<SharedRow>& log = logs[Place(domain, key.digest)];
    size_t begin = 0;
    while (begin < log.size() && log[begin].at != after) ++begin;
    if (after.empty()) begin = 0;
    if (!after.empty() && begin == log.size()) return LogPage{.end = after, .lost = true};
    if (!after.empty()) ++begin;
    LogPage page;
    page.end = after;
    for (size_t i = begin; i < log.size() && page.rows.size() < page_rows; ++i) {
      page.rows.push_back(log[i]);
      page.end = log[i].at;
    }
    page.more = begin + page.rows.size() < log.size();
    return page;
  }
  absl::Status RemoveRow(absl::string_view domain, const VariantKey& key, const LogCursor& at) override {
    absl::MutexLock lock(&mutex_);
    std::erase_if(logs[Place(domain, key.digest)], [&](const SharedRow& row) { return row.at == at; });
    return absl::OkStatus();
  }
  SharedTierState State() const override {
    absl::MutexLock lock(&mutex_);
    return {.up = !down, .times_down = times_down};
  }

  void Flush() {
    absl::MutexLock lock(&mutex_);
    artifacts.clear();
    logs.clear();
  }
  size_t LogSize(absl::string_view domain, const VariantKey& key) {
    absl::MutexLock lock(&mutex_);
    return logs[Place(domain, key.digest)].size();
  }

  // For tests that have no other threads.
  std::map<Place, ArtifactBytes> artifacts;
  std::map<Place, std::vector<SharedRow>> logs;
  bool down = false;
  bool full = false;
  int64_t times_down = 0;
  int64_t reads = 0;
  int64_t fetches = 0;
  size_t page_rows = 3;

 private:
  static absl::Status Down() { return MakeError(ErrorReason::kStorage, "the test says so"); }

  mutable absl::Mutex mutex_;
  int64_t next_id = 1;
};

}  // namespace kiln

#endif  // KILN_CACHE_TESTING_MEMORY_SHARED_TIER_H_
