// What this replica has seen of the shared tier, and the rules of trusting it: a
// cursor into each key's log, verification of everything that comes back, and what
// has to be given back when the tier has lost it.
//
// A row is taken only if a key that is trusted here signed it and its components
// are those of the key that was asked for, so that a validly signed row of another
// graph is none; an artifact only if its SHA-256 is the one that the row names. What
// fails is counted, logged once for its kind, and removed if it can be nobody's.
//
// A key's log is not read more often than each `min_pull_interval`, unless the
// caller must know (`kNow`): a thousand misses of a hot key are a few reads.
// `refresh_interval` after it was read from the start, or as soon as the tier is
// known to have lost something, it is read from the start again: that finds rows
// that it lost, which are then restored.
//
// Thread-safe. Calls that say so block, each for a bounded time.
#ifndef KILN_CACHE_SHARED_INDEX_H_
#define KILN_CACHE_SHARED_INDEX_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/drop_log.h"
#include "cache/indexed_variant.h"
#include "cache/shared_tier.h"
#include "compiler/artifact/trust.h"

namespace kiln {

struct SharedIndexOptions {
  absl::Duration min_pull_interval = absl::Milliseconds(100);
  absl::Duration refresh_interval = absl::Minutes(10);
  // Between two readings from the start, even if the tier loses things all the time.
  absl::Duration min_refresh_interval = absl::Seconds(10);
  // While the tier is down nobody even asks, but once in so long.
  absl::Duration down_interval = absl::Milliseconds(250);
  // Optional. Told the first of each kind of thing that is not to be trusted.
  std::function<void(absl::string_view)> complain;
};

// Since the start.
struct SharedCounters {
  SharedTierState tier;
  int64_t pulls = 0;              // logs read
  int64_t pulls_saved = 0;        // logs not read, since they just had been
  int64_t rows = 0;               // new rows taken
  int64_t restored = 0;           // rows and artifacts given back
  int64_t untrusted_rows = 0;     // signed by others, unsigned, or of another key
  int64_t corrupt_artifacts = 0;  // bytes of another digest
};

class SharedIndex {
 public:
  enum class When { kIfDue, kNow };
  using Variants = std::vector<IndexedVariantPtr>;

  struct Pulled {
    // Verified, of the key, new to the caller.
    Variants rows;
    // The log was read from its start: `present` and `lacking` are what the caller
    // has and the log has, or has not.
    bool from_start = false;
    Variants present;
    Variants lacking;
  };

  // `clock` must outlive it.
  SharedIndex(std::shared_ptr<SharedTier> tier, std::shared_ptr<const Trust> trusted, SharedIndexOptions options,
              const Clock* clock);

  // True if Pull(kIfDue) would read the log now.
  bool IsDue(const VariantKey& key) const;
  // The same for a key that was hit, for which only a refresh is due.
  bool IsStale(const VariantKey& key) const;

  // Reads what is new in the key's log; nothing if it is not due. `known` gives the
  // variants of the key that the caller has. Blocks. STORAGE.
  absl::StatusOr<Pulled> Pull(absl::string_view domain, const VariantKey& key, const std::function<Variants()>& known,
                              When when);

  // An artifact, verified. Blocks. Errors as SharedTier.
  absl::StatusOr<ArtifactBytes> Fetch(absl::string_view domain, const Digest& sha256);

  // Artifact, then row, where the tier takes writes. Blocks. STORAGE if one could not be
  // written; the row is not written without its artifact.
  absl::Status Publish(const IndexedVariant& variant, const ArtifactBytes& elf);

  // Gives back what the tier has lost of what a pull from the start found: rows, and
  // artifacts of rows that are there. `local` gives an artifact's bytes, or null.
  // At most 64 of each. Blocks.
  void Restore(const Pulled& pulled, const std::function<ArtifactBytes(const Digest&)>& local);

  // True if a row of the key was dropped as untrusted and none was taken since.
  bool HasLost(const VariantKey& key) const { return dropped_.HasLost(key); }
  // The same for revoked ones.
  bool HasRevoked(const VariantKey& key) const { return dropped_.HasRevoked(key); }
  SharedCounters Counters() const;

 private:
  struct KeyState {
    LogCursor cursor;
    absl::Duration read_at = -absl::InfiniteDuration();
    absl::Duration read_from_start_at = -absl::InfiniteDuration();
    int64_t epoch = 0;
  };
  // One of several, so that hits of different keys don't wait for each other.
  struct Shard {
    mutable absl::Mutex mutex;
    absl::flat_hash_map<VariantKey, KeyState> keys ABSL_GUARDED_BY(mutex);
  };
  static constexpr size_t kShards = 16;

  Shard& ShardOf(const VariantKey& key) const;
  KeyState StateOf(const VariantKey& key) const;
  // What `read` makes of the key's state; without a copy, since hits ask.
  bool Ask(const VariantKey& key, absl::FunctionRef<bool(const KeyState&)> read) const;
  void SetState(const VariantKey& key, KeyState state);
  bool NeedsFromStart(const KeyState& state) const;
  bool IsQuiet() const;
  // After a failed pull: nobody asks for a while if the tier is down.
  void NoteFailure();
  // After a pull: if the tier has been down it may have lost anything.
  void NoteComeback();
  absl::Status ReadOn(absl::string_view domain, const VariantKey& key, const Variants& known, KeyState& state,
                      Pulled& pulled);
  // What the row is, or why it is not to be trusted; that is noted.
  absl::StatusOr<IndexedVariantPtr> Verify(const VariantKey& key, const SharedRow& row);
  void RestoreOne(const IndexedVariant& variant, bool with_row,
                  const std::function<ArtifactBytes(const Digest&)>& local);
  void ComplainOnce(std::atomic<bool>& told, absl::string_view what);

  // Constant after construction.
  const std::shared_ptr<SharedTier> tier_;
  const std::shared_ptr<const Trust> trusted_;
  const SharedIndexOptions options_;
  const Clock* const clock_;

  // Self-locking.
  DropLog dropped_;
  mutable std::array<Shard, kShards> shards_;
  // Grows when the tier is known to have lost something.
  std::atomic<int64_t> epoch_{1};
  std::atomic<int64_t> times_down_seen_{0};
  // Nanoseconds of the monotonic clock.
  std::atomic<int64_t> quiet_until_{0};
  std::atomic<int64_t> pulls_{0};
  std::atomic<int64_t> pulls_saved_{0};
  std::atomic<int64_t> rows_{0};
  std::atomic<int64_t> restored_{0};
  std::atomic<bool> told_row_{false};
  std::atomic<bool> told_artifact_{false};
};

}  // namespace kiln

#endif  // KILN_CACHE_SHARED_INDEX_H_
