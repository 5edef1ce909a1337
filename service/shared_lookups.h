// Readings of the shared tier's logs for requests that missed here: each off gRPC's
// threads, and one for all that wait for the same key.
//
//   lookups.AfterSync(domain, key, SharedIndex::When::kIfDue, [=] { ... look again ... });
#ifndef KILN_SERVICE_SHARED_LOOKUPS_H_
#define KILN_SERVICE_SHARED_LOOKUPS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "cache/variant_cache.h"
#include "service/task_queue.h"

namespace kiln {

// Thread-safe. Must outlive what it was asked for: shut the queue down first.
class SharedLookups {
 public:
  using Then = std::function<void()>;

  // Both must outlive it.
  SharedLookups(VariantCache* cache, TaskQueue* queue) : cache_(cache), queue_(queue) {}

  // Calls `then` exactly once, on a thread that may wait for the shared tier, after
  // the key's log was read (kNow: after a reading that began after this call), or
  // could not be; it never fails. When too many wait already, `then` is called at
  // once, on this thread.
  void AfterSync(const std::string& domain, const VariantKey& key, SharedIndex::When when, Then then);

  // After a hit: sees to it that the key's log is read, if that is due, and what it
  // has lost restored. Returns at once.
  void RefreshIfStale(const std::string& domain, const VariantKey& key);

  int64_t num_waiting() const;

 private:
  // Who waits for one key. A reading takes all who are there when it begins.
  struct Waiting {
    std::vector<Then> thens;
    SharedIndex::When when = SharedIndex::When::kIfDue;
  };

  void Read(const std::string& domain, const VariantKey& key, bool admitted);

  // Constant after construction.
  VariantCache* const cache_;
  TaskQueue* const queue_;

  mutable absl::Mutex mutex_;
  // Keys whose reading is queued and has not begun.
  absl::flat_hash_map<VariantKey, Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  int64_t num_waiting_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_SERVICE_SHARED_LOOKUPS_H_
