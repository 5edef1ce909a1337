// The memory tier: what is worth least leaves when the bytes run out (value_order.h),
// and its rows with it. The newest stays even if it alone is over the bound, so that
// whoever just compiled it gets it. Nothing survives the process.
//
// Thread-safe; never blocks on anything but mutexes. Reads lock one of 16 shards.
#ifndef KILN_CACHE_MEMORY_STORE_H_
#define KILN_CACHE_MEMORY_STORE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "cache/artifact_store.h"
#include "cache/pin_book.h"
#include "cache/row_counts.h"
#include "cache/value_order.h"

namespace kiln {

class MemoryStore final : public ArtifactStore {
 public:
  // `pins`: what must not leave; null where a tier below keeps it.
  explicit MemoryStore(int64_t max_bytes, std::shared_ptr<const PinBook> pins = nullptr);

  absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256) override;
  absl::Status PutArtifact(const Digest& sha256, ArtifactBytes elf) override;
  absl::Status RemoveArtifact(const Digest& sha256) override;
  absl::Status Publish(const VariantRow& row, ArtifactBytes elf) override;
  absl::Status RemoveVariant(const VariantKey& key, const Digest& artifact) override;
  absl::Status VisitVariants(const std::function<void(VariantRow)>& visit) override;
  void NoteUse(const Digest& artifact, const ArtifactWorth& worth) override;
  StoreSize Size() override;

 private:
  struct Held {
    ArtifactBytes elf;
    absl::flat_hash_map<VariantKey, v1::SignedVariant> rows;
  };
  struct Shard {
    mutable absl::Mutex mutex;
    absl::flat_hash_map<Digest, Held> held ABSL_GUARDED_BY(mutex);
  };
  static constexpr size_t kShards = 16;

  // An artifact is in the order whenever it is in a shard; the other way round it may
  // be missing for a moment, which is an eviction of nothing.
  Shard& ShardOf(const Digest& sha256);
  void Insert(const Digest& sha256, ArtifactBytes elf, const ArtifactWorth& worth, const VariantRow* row);
  void Erase(const Digest& sha256);
  void ForgetRows(const Held& held) ABSL_LOCKS_EXCLUDED(mutex_);

  // Constant after construction.
  const std::shared_ptr<const PinBook> pins_;

  std::array<Shard, kShards> shards_;

  // Never held together with a shard's.
  absl::Mutex mutex_;
  ValueOrder order_ ABSL_GUARDED_BY(mutex_);
  RowCounts rows_ ABSL_GUARDED_BY(mutex_);
  // Evictions alone.
  StoreSize evicted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_MEMORY_STORE_H_
