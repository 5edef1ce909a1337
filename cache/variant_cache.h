// The shelf: the guard index in front of a store, kept in step. What Lookup,
// Compile and GetArtifact use; they need not know tiers, verification or repair.
//
//   KILN_ASSIGN_OR_RETURN(CacheAnswer answer, cache.Lookup(key, values, host));
//   if (answer.hit) return Reply(*answer.hit);
//   ... compile, sign ...
//   KILN_ASSIGN_OR_RETURN(IndexedVariantPtr variant, cache.Publish(signed_variant, elf));
//
// A fault of a tier, a corrupt artifact or an unsigned row is a miss and a
// counter, never an error.
//
// With a tier that replicas share, a lookup has two parts. Lookup() asks this
// process's own tiers alone, and says if the shared one may know more; then Sync()
// reads what is new in the key's log and LookupShared() looks again, fetching what
// only the shared tier has:
//
//   if (answer.elsewhere) {  // on a thread that may wait
//     cache.Sync(domain, key, SharedIndex::When::kIfDue);
//     KILN_ASSIGN_OR_RETURN(answer, cache.LookupShared(key, values, host));
//   }
//
// Opening reads the names of the store's rows. The rows of a key are read and verified
// when somebody asks for the key, or by LoadSome(), which whoever owns a thread calls
// until all are loaded: so a server with 100,000 rows, whose signatures take 6 seconds
// to check, answers at once, and with nothing that was not verified.
//
// Thread-safe. Lookup and Publish may block on the disk; Sync, Share and what has
// Shared in its name also on the shared tier, each for a bounded time.
#ifndef KILN_CACHE_VARIANT_CACHE_H_
#define KILN_CACHE_VARIANT_CACHE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "cache/artifact_store.h"
#include "cache/drop_log.h"
#include "cache/guard_index.h"
#include "cache/host_class.h"
#include "cache/indexed_variant.h"
#include "cache/pin_book.h"
#include "cache/shared_index.h"

namespace kiln {

struct CacheHit {
  IndexedVariantPtr variant;
  ArtifactBytes elf;
  v1::Tier tier;
};

struct CacheAnswer {
  std::optional<CacheHit> hit;
  std::vector<v1::MissReason> reasons;  // of a miss
  // Of a miss: the shared tier has not been asked and may know more. It has not been
  // counted then; LookupShared() counts.
  bool elsewhere = false;
  // Of a miss whose key's components were told: the nearest entry, if one is near.
  IndexedVariantPtr nearest;
};

// Counts since the cache was opened, and sizes as they are now.
struct CacheCounters {
  int64_t hits_memory = 0;
  int64_t hits_disk = 0;
  int64_t hits_shared = 0;
  int64_t misses = 0;
  // By v1::MissReason; a miss may have several.
  std::array<int64_t, v1::MissReason_ARRAYSIZE> misses_by_reason = {};
  int64_t dropped_rows = 0;       // unsigned or corrupt
  int64_t dropped_artifacts = 0;  // corrupt
  int64_t revoked_rows = 0;
  int64_t write_failures = 0;
  // Of the lowest tier, loaded or not.
  int64_t variants = 0;
  int64_t keys = 0;
  int64_t artifacts = 0;
  int64_t artifact_bytes = 0;
  // Unset without a shared tier.
  std::optional<SharedCounters> shared;
  // Of loaded keys.
  KeysBySize keys_by_size = {};
  // What left the lowest tier for want of room.
  int64_t evicted_artifacts = 0;
  int64_t evicted_bytes = 0;
  double evicted_seconds = 0;
  // Of compiling, by hits.
  double saved_seconds = 0;
  PinCounters pins;
};

class VariantCache {
 public:
  // Errors are those of the store. Rows that don't open are dropped and counted when
  // they are loaded. `dropped` is where the verified store below, if any, notes what it
  // drops. `shared` and `pins` may be null.
  static absl::StatusOr<std::unique_ptr<VariantCache>> Open(std::unique_ptr<ArtifactStore> store,
                                                            std::shared_ptr<DropLog> dropped,
                                                            std::unique_ptr<SharedIndex> shared = nullptr,
                                                            std::shared_ptr<PinBook> pins = nullptr);

  // Loads so many keys that nobody has asked for yet. False when there are none left.
  bool LoadSome(int keys);
  // For whoever looks at the whole index. Takes 60 us or more for each row.
  void LoadAll();

  // Counts a hit or a miss, unless `count` is false (a leader that looks once
  // more before it compiles). `components`, if given, are those of `key`: then a miss
  // of a known graph says in which of them the nearest entry differs.
  // MALFORMED_MESSAGE when the number of values is not the key's.
  absl::StatusOr<CacheAnswer> Lookup(const VariantKey& key, absl::Span<const int64_t> symbol_values,
                                     const HostClass& host, bool count = true,
                                     const v1::KeyComponents* components = nullptr);

  // Those of the key that this process's own tiers have. May block on the disk.
  std::vector<IndexedVariantPtr> VariantsOf(const VariantKey& key);

  // For GetArtifact. ARTIFACT_NOT_FOUND, whatever the cause.
  absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256);

  // `signed_variant` was signed by this process, or its signature was checked. A store that fails is counted,
  // and the variant is served from memory as long as that lasts. ARTIFACT_CORRUPT
  // if the row does not open or its digest is not that of `elf`.
  absl::StatusOr<IndexedVariantPtr> Publish(v1::SignedVariant signed_variant, ArtifactBytes elf);

  bool has_shared() const { return shared_ != nullptr; }

  // Takes what is new in the key's log into the index, and gives the shared tier back
  // what it has lost of ours. STORAGE when it fails.
  absl::Status Sync(absl::string_view domain, const VariantKey& key, SharedIndex::When when);

  // As Lookup(), but an artifact that only the shared tier has is fetched from there,
  // kept here, and answered as TIER_SHARED. Does not read the log.
  absl::StatusOr<CacheAnswer> LookupShared(const VariantKey& key, absl::Span<const int64_t> symbol_values,
                                           const HostClass& host, bool count = true,
                                           const v1::KeyComponents* components = nullptr);

  // As GetArtifact(), and from the shared tier what is not here.
  absl::StatusOr<StoredArtifact> GetArtifactShared(absl::string_view domain, const Digest& sha256);

  // Publishes to the shared tier what Publish() gave. A failure is counted there.
  void Share(const IndexedVariant& variant, const ArtifactBytes& elf);

  // True if a hit of the key should cause a Sync(), so that the shared tier gets back
  // what it lost. Cheap.
  bool NeedsSync(const VariantKey& key) const { return shared_ != nullptr && shared_->IsStale(key); }
  // `job` was answered this variant: it stays while the job's lease lasts.
  void Pin(absl::string_view job, const IndexedVariant& variant);

  // Reads the variant's artifact from the lowest tier and hashes it. ARTIFACT_CORRUPT,
  // ARTIFACT_NOT_FOUND: the variant was dropped. STORAGE: the tier fails for the moment.
  absl::Status Verify(const IndexedVariant& variant);

  // Forgets the variant, and its artifact if no other row names it.
  void Evict(const IndexedVariant& variant);
  // The same, counted as revoked: the key's misses say so from now on.
  void Revoke(const IndexedVariant& variant);
  // The same for a key that is not trusted any more.
  void Distrust(const IndexedVariant& variant);

  CacheCounters Counters() const;
  // Of what is loaded; see LoadAll().
  const GuardIndex& index() const { return index_; }

 private:
  enum class Reach { kLocal, kShared };
  // Loads of different keys seldom wait for each other.
  static constexpr size_t kLoadStripes = 16;

  VariantCache(std::unique_ptr<ArtifactStore> store, std::shared_ptr<DropLog> dropped,
               std::unique_ptr<SharedIndex> shared, std::shared_ptr<PinBook> pins);
  absl::StatusOr<CacheAnswer> LookupIn(Reach reach, const VariantKey& key, absl::Span<const int64_t> symbol_values,
                                       const HostClass& host, bool count, const v1::KeyComponents* components);
  // The variant's bytes, wherever within reach they are.
  absl::StatusOr<StoredArtifact> Find(Reach reach, const IndexedVariant& variant);
  absl::Status NameKeys();
  // What the store has of the key is in the index afterwards, unless the store fails.
  void EnsureLoaded(const VariantKey& key);
  absl::Status LoadKey(const VariantKey& key);
  void NoteServed(const IndexedVariant& variant);
  void Drop(const IndexedVariant& variant);
  void CountHit(v1::Tier tier);
  void CountMiss(const std::vector<v1::MissReason>& reasons);

  // Constant after construction.
  const std::unique_ptr<ArtifactStore> store_;

  // Self-locking.
  const std::shared_ptr<DropLog> dropped_;
  const std::unique_ptr<SharedIndex> shared_;  // null: no shared tier
  const std::shared_ptr<PinBook> pins_;
  GuardIndex index_;
  std::atomic<int64_t> hits_memory_{0};
  std::atomic<int64_t> hits_disk_{0};
  std::atomic<int64_t> hits_shared_{0};
  std::atomic<int64_t> misses_{0};
  std::array<std::atomic<int64_t>, v1::MissReason_ARRAYSIZE> misses_by_reason_ = {};
  std::atomic<int64_t> write_failures_{0};
  std::atomic<int64_t> saved_microseconds_{0};

  // Held while a key is loaded, before `mutex_`.
  std::array<absl::Mutex, kLoadStripes> loading_;
  std::atomic<bool> all_loaded_{false};
  mutable absl::Mutex mutex_;
  absl::flat_hash_set<VariantKey> unloaded_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_VARIANT_CACHE_H_
