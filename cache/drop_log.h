// What verification dropped: counters, and which keys lost a row, so that their
// next miss can say MISS_REASON_UNTRUSTED or MISS_REASON_REVOKED. Artifacts are asked for by digest, so a
// corrupt one is counted for no key. Thread-safe.
#ifndef KILN_CACHE_DROP_LOG_H_
#define KILN_CACHE_DROP_LOG_H_

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "cache/variant_key.h"

namespace kiln {

class DropLog {
 public:
  // A row that no trusted key signed, or that is not what its place says.
  void NoteRow(const VariantKey& key) {
    rows_.fetch_add(1, std::memory_order_relaxed);
    absl::MutexLock lock(&mutex_);
    if (keys_.size() < kMaxKeys) keys_.insert(key);
  }
  // A row that the revocation list names.
  void NoteRevoked(const VariantKey& key) {
    revoked_rows_.fetch_add(1, std::memory_order_relaxed);
    absl::MutexLock lock(&mutex_);
    if (revoked_keys_.size() < kMaxKeys) revoked_keys_.insert(key);
  }
  // An artifact whose bytes are not its digest's.
  void NoteArtifact() { artifacts_.fetch_add(1, std::memory_order_relaxed); }
  // A new variant heals the key.
  void Forget(const VariantKey& key) {
    absl::MutexLock lock(&mutex_);
    keys_.erase(key);
    revoked_keys_.erase(key);
  }
  bool HasLost(const VariantKey& key) const {
    absl::MutexLock lock(&mutex_);
    return keys_.contains(key);
  }
  bool HasRevoked(const VariantKey& key) const {
    absl::MutexLock lock(&mutex_);
    return revoked_keys_.contains(key);
  }

  int64_t num_rows() const { return rows_.load(std::memory_order_relaxed); }
  int64_t num_revoked_rows() const { return revoked_rows_.load(std::memory_order_relaxed); }
  int64_t num_artifacts() const { return artifacts_.load(std::memory_order_relaxed); }

 private:
  // A folder that is corrupt all over must not fill the memory: 10,000 keys are
  // about 0.5 MB.
  static constexpr size_t kMaxKeys = 10000;

  std::atomic<int64_t> rows_{0};
  std::atomic<int64_t> revoked_rows_{0};
  std::atomic<int64_t> artifacts_{0};
  mutable absl::Mutex mutex_;
  absl::flat_hash_set<VariantKey> keys_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<VariantKey> revoked_keys_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_DROP_LOG_H_
