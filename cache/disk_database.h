// One RocksDB with column families of our own: its handles, and our words for its
// errors. disk_store.h says what is in them.
//
// After a write that failed (no space, a disk that has become read-only) RocksDB
// refuses further ones. The next write that comes a second or more later mends that: it
// asks RocksDB to go on (Resume); where it says that it cannot, as after a log that was
// not written, and a file can be written again, the database is closed and opened anew.
// So the tier heals by itself when the disk does; meanwhile writes fail at once and
// reads go on.
//
// Thread-safe.
#ifndef KILN_CACHE_DISK_DATABASE_H_
#define KILN_CACHE_DISK_DATABASE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace kiln {

class DiskDatabase {
 public:
  enum Family { kDefault, kArtifacts, kVariants, kFacts, kPins, kGraphs, kShapes, kNumFamilies };
  enum class Sync { kYes, kNo };

  // Writes that are done together.
  class Batch {
   public:
    void Put(Family family, std::string key, std::string value) {
      writes_.push_back({family, std::move(key), std::move(value)});
    }
    void Delete(Family family, std::string key) { writes_.push_back({family, std::move(key), std::nullopt}); }
    size_t size() const { return writes_.size(); }

   private:
    friend class DiskDatabase;
    struct OneWrite {
      Family family;
      std::string key;
      std::optional<std::string> value;
    };
    std::vector<OneWrite> writes_;
  };

  enum class Access {
    kWrite,  // makes the folder where there is none
    // Changes no file. Writes fail. STORAGE while another process has it open to write,
    // which could take away what is being read.
    kRead,
  };

  // `clock` and `env` must outlive it; a null `env` is the machine's. STORAGE, in one
  // line that names the folder.
  static absl::StatusOr<std::unique_ptr<DiskDatabase>> Open(const std::string& folder, const Clock* clock,
                                                            rocksdb::Env* env, Access access = Access::kWrite);
  ~DiskDatabase();

  // nullopt if it is not there; ARTIFACT_CORRUPT if a checksum says so.
  absl::StatusOr<std::optional<std::string>> Get(Family family, absl::string_view key);
  bool Has(Family family, absl::string_view key);

  // All of the batch or nothing. With kYes it survives kill -9 and power loss once this
  // returns.
  absl::Status Write(const Batch& batch, Sync sync = Sync::kYes);
  absl::Status Put(Family family, absl::string_view key, absl::string_view value);
  absl::Status Delete(Family family, absl::string_view key);

  // In the order of keys, from `from` on, until `visit` returns false. `visit` must not
  // write.
  absl::Status Visit(Family family, absl::string_view from,
                     const std::function<bool(absl::string_view key, absl::string_view value)>& visit);

  // How often a write failed since the start, and how often it was mended.
  int64_t num_failures() const { return failures_.load(std::memory_order_relaxed); }
  int64_t num_mended() const { return mended_.load(std::memory_order_relaxed); }

 private:
  struct Handles;

  DiskDatabase(const std::string& folder, const Clock* clock, rocksdb::Env* env);
  absl::StatusOr<std::unique_ptr<Handles>> OpenHandles() const;
  absl::StatusOr<std::unique_ptr<Handles>> OpenHandlesToRead() const;
  // If writes have failed and it is time to try.
  void MendIfDue();
  bool Mend();
  bool CanWriteFiles() const;
  void NoteFailure();

  // Constant after Open.
  const std::string folder_;
  const std::string where_;
  const Clock* const clock_;
  rocksdb::Env* const env_;

  std::atomic<bool> failing_{false};
  std::atomic<int64_t> failures_{0};
  std::atomic<int64_t> mended_{0};
  absl::Mutex retry_mutex_;
  absl::Duration retry_at_ ABSL_GUARDED_BY(retry_mutex_);

  // Held exclusively while the database is opened anew.
  mutable absl::Mutex mutex_;
  // Null if it could not be opened anew: the next mending tries again.
  std::unique_ptr<Handles> handles_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_DISK_DATABASE_H_
