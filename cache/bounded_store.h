// Holds the store below within a number of bytes: when a publish goes over, the
// artifacts that were read or published longest ago leave with their rows, until
// an eighth of the room is free, so that not every publish evicts. A row that the
// guard index still has is then a miss, and is repaired there.
//
// Recency is kept in memory: after a restart what was published first counts as
// used longest ago.
//
// Thread-safe.
#ifndef KILN_CACHE_BOUNDED_STORE_H_
#define KILN_CACHE_BOUNDED_STORE_H_

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "cache/artifact_store.h"

namespace kiln {

class BoundedStore final : public ArtifactStore {
 public:
  // Reads the rows below. Errors are those of the store.
  static absl::StatusOr<std::unique_ptr<BoundedStore>> Open(std::shared_ptr<ArtifactStore> inner, int64_t max_bytes);

  absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256) override;
  absl::Status PutArtifact(const Digest& sha256, ArtifactBytes elf) override;
  absl::Status RemoveArtifact(const Digest& sha256) override;
  absl::Status Publish(const VariantRow& row, ArtifactBytes elf) override;
  absl::Status RemoveVariant(const VariantKey& key, const Digest& artifact) override;
  absl::Status VisitVariants(const std::function<void(VariantRow)>& visit) override;
  StoreSize Size() override;

 private:
  struct Used {
    Digest artifact;
    int64_t bytes = 0;
    std::vector<VariantKey> keys;
  };
  using Order = std::list<Used>;

  BoundedStore(std::shared_ptr<ArtifactStore> inner, int64_t max_bytes);
  absl::Status Load();
  void Touch(const Digest& artifact) ABSL_LOCKS_EXCLUDED(mutex_);
  void Note(const VariantKey& key, const Digest& artifact, int64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void Forget(const VariantKey& key, const Digest& artifact) ABSL_LOCKS_EXCLUDED(mutex_);
  // Takes what has to leave out of the order; never the newest.
  Order TakeOverflow() ABSL_LOCKS_EXCLUDED(mutex_);
  void Evict();

  // Constant after construction.
  const std::shared_ptr<ArtifactStore> inner_;
  const int64_t max_bytes_;

  absl::Mutex mutex_;
  // Most recently used first.
  Order order_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Digest, Order::iterator> by_digest_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_BOUNDED_STORE_H_
