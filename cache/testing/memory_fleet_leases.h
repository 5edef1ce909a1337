// Leases of a fleet within one process, with faults on demand: what replicas share
// is a MemoryLeaseTable, what each of them holds is a MemoryFleetLeases.
#ifndef KILN_CACHE_TESTING_MEMORY_FLEET_LEASES_H_
#define KILN_CACHE_TESTING_MEMORY_FLEET_LEASES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "cache/fleet_leases.h"

namespace kiln {

class MemoryFleetLeases;

// Thread-safe.
class MemoryLeaseTable {
 public:
  explicit MemoryLeaseTable(const Clock* clock) : clock_(clock) {}

  // As FLUSHALL does.
  void Flush();
  // Puts bytes under a name, whatever they are, for ever.
  void Put(const LeaseName& name, std::string bytes);
  int num_held();

 private:
  friend class MemoryFleetLeases;
  struct Entry {
    std::string bytes;
    absl::Duration expires;
  };

  void ForgetExpiredLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tell(const VariantKey& key);

  // Constant after construction.
  const Clock* const clock_;

  absl::Mutex mutex_;
  std::map<LeaseName, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::vector<MemoryFleetLeases*> replicas_ ABSL_GUARDED_BY(mutex_);
};

enum class LeaseFault {
  kNone,
  kNoAnswer,       // nothing is done
  kAnswerLost,     // it is done, and says STORAGE
  kDeafListener,   // messages do not come
};

// Thread-safe. The table must outlive it.
class MemoryFleetLeases final : public FleetLeases {
 public:
  explicit MemoryFleetLeases(MemoryLeaseTable* table);
  ~MemoryFleetLeases() override;

  absl::StatusOr<LeaseAnswer> Take(const Wish& wish) override;
  absl::StatusOr<bool> Renew(const Wish& held, bool is_news) override;
  absl::Status Release(const LeaseName& name, const std::string& token) override;
  void Listen(Listener listener) override;

  void SetFault(LeaseFault fault);

 private:
  friend class MemoryLeaseTable;
  LeaseFault fault() const;
  void Hear(const VariantKey& key);
  bool IsHeldLocked(const LeaseName& name, const std::string& token) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(table_->mutex_);

  // Constant after construction.
  MemoryLeaseTable* const table_;

  mutable absl::Mutex mutex_;
  Listener listener_ ABSL_GUARDED_BY(mutex_);
  LeaseFault fault_ ABSL_GUARDED_BY(mutex_) = LeaseFault::kNone;
};

}  // namespace kiln

#endif  // KILN_CACHE_TESTING_MEMORY_FLEET_LEASES_H_
