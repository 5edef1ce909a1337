// The memory tier: least recently used artifacts leave when the bytes run out,
// and their rows with them. The newest stays even if it alone is over the bound,
// so that whoever just compiled it gets it. Nothing survives the process.
//
// Thread-safe; never blocks on anything but its mutex.
#ifndef KILN_CACHE_MEMORY_STORE_H_
#define KILN_CACHE_MEMORY_STORE_H_

#include <cstdint>
#include <list>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "cache/artifact_store.h"

namespace kiln {

class MemoryStore final : public ArtifactStore {
 public:
  explicit MemoryStore(int64_t max_bytes) : max_bytes_(max_bytes) {}

  absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256) override;
  absl::Status PutArtifact(const Digest& sha256, ArtifactBytes elf) override;
  absl::Status RemoveArtifact(const Digest& sha256) override;
  absl::Status Publish(const VariantRow& row, ArtifactBytes elf) override;
  absl::Status RemoveVariant(const VariantKey& key, const Digest& artifact) override;
  absl::Status VisitVariants(const std::function<void(VariantRow)>& visit) override;
  StoreSize Size() override;

 private:
  struct Entry {
    Digest sha256;
    ArtifactBytes elf;
    absl::flat_hash_map<VariantKey, v1::SignedVariant> rows;
  };
  using Entries = std::list<Entry>;

  Entry& Touch(const Digest& sha256, ArtifactBytes elf) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Erase(Entries::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Evict() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const int64_t max_bytes_;

  absl::Mutex mutex_;
  // Most recently used first.
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Digest, Entries::iterator> by_digest_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t num_rows_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_MEMORY_STORE_H_
