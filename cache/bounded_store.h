// Holds the store below within a number of bytes: when a publish goes over, the
// artifacts that are worth least leave with their rows (value_order.h), until a
// thirty-second of the room is free, so that not every publish evicts. A row that the
// guard index still has is then a miss, and is repaired there.
//
// How often artifacts were used, and how recently, is kept in memory, and below as
// facts beside the rows when SaveUses() is called and at the end. A process that is
// killed forgets the uses since.
//
// Thread-safe.
#ifndef KILN_CACHE_BOUNDED_STORE_H_
#define KILN_CACHE_BOUNDED_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "cache/artifact_store.h"
#include "cache/pin_book.h"
#include "cache/value_order.h"

namespace kiln {

class BoundedStore final : public ArtifactStore {
 public:
  // Reads the facts below. `pins`: what must not leave; may be null. Errors are those
  // of the store.
  static absl::StatusOr<std::unique_ptr<BoundedStore>> Open(std::shared_ptr<ArtifactStore> inner, int64_t max_bytes,
                                                            std::shared_ptr<const PinBook> pins = nullptr);
  // Saves uses.
  ~BoundedStore() override;

  absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256) override;
  absl::Status PutArtifact(const Digest& sha256, ArtifactBytes elf) override;
  absl::Status RemoveArtifact(const Digest& sha256) override;
  absl::Status Publish(const VariantRow& row, ArtifactBytes elf) override;
  absl::Status RemoveVariant(const VariantKey& key, const Digest& artifact) override;
  absl::Status VisitVariants(const std::function<void(VariantRow)>& visit) override;
  absl::StatusOr<std::vector<VariantRow>> VariantsOf(const VariantKey& key) override;
  absl::StatusOr<std::optional<VariantRow>> NextVariant(const std::optional<RowName>& after) override;
  absl::Status VisitFacts(const std::function<void(RowSummary)>& visit) override;
  void NoteUse(const Digest& artifact, const ArtifactWorth& worth) override;
  StoreSize Size() override;

  // Writes down below what was used since the last time. Blocks.
  absl::Status SaveUses();

 private:
  BoundedStore(std::shared_ptr<ArtifactStore> inner, int64_t max_bytes, std::shared_ptr<const PinBook> pins);
  absl::Status Load();
  void AddRow(const VariantKey& key, const Digest& artifact) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(const VariantKey& key, const Digest& artifact) ABSL_LOCKS_EXCLUDED(mutex_);
  void Evict(const Digest& newest) ABSL_LOCKS_EXCLUDED(mutex_);
  // Rows that leave. Takes what has to go out of the order.
  std::vector<RowName> TakeOverflow(const Digest& newest) ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<RowSummary> TakeUsed() ABSL_LOCKS_EXCLUDED(mutex_);

  // Constant after construction.
  const std::shared_ptr<ArtifactStore> inner_;
  const std::shared_ptr<const PinBook> pins_;

  absl::Mutex mutex_;
  ValueOrder order_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Digest, std::vector<VariantKey>> keys_of_ ABSL_GUARDED_BY(mutex_);
  // Whose facts below are old.
  absl::flat_hash_set<Digest> used_ ABSL_GUARDED_BY(mutex_);
  // Evictions alone.
  StoreSize evicted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_BOUNDED_STORE_H_
