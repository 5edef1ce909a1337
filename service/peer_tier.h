// Other servers as the tier that replicas share: what they have in memory and on disk
// is found here after a miss. Nothing is written to them; each publishes for itself,
// and whoever lacks something asks.
//
// All peers are asked for a key's rows at once, each for a bounded time, and an
// artifact of one after the other. A peer that fails is left alone for a while
// (circuit_breaker.h); with all of them gone this server is alone, and no request
// fails. A cursor says which rows of a key were given before, and is forgotten, so
// that the log reads as lost, when there are too many to remember.
#ifndef KILN_SERVICE_PEER_TIER_H_
#define KILN_SERVICE_PEER_TIER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "cache/shared_tier.h"
#include "service/given_rows.h"

namespace kiln {

// Thread-safe. Errors as SharedTier.
class PeerTier final : public SharedTier {
 public:
  // HOST:PORT or unix:/PATH of each. Connects to nobody yet. `clock` must outlive it.
  PeerTier(const std::vector<std::string>& addresses, const Clock* clock);
  ~PeerTier() override;

  bool takes_writes() const override { return false; }

  absl::StatusOr<ArtifactBytes> GetArtifact(absl::string_view domain, const Digest& sha256) override;
  absl::StatusOr<LogPage> ReadLog(absl::string_view domain, const VariantKey& key, const LogCursor& after) override;

  // Nothing is written.
  absl::Status PutArtifact(absl::string_view, const Digest&, const ArtifactBytes&) override { return absl::OkStatus(); }
  absl::Status RemoveArtifact(absl::string_view, const Digest&) override { return absl::OkStatus(); }
  absl::Status AppendRow(absl::string_view, const VariantKey&, const v1::SignedVariant&) override {
    return absl::OkStatus();
  }
  absl::Status RemoveRow(absl::string_view, const VariantKey&, const LogCursor&) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<bool>> HasArtifacts(absl::string_view domain, absl::Span<const Digest> sha256s) override;

  // Up while any of them is.
  SharedTierState State() const override;

 private:
  struct Peer;
  struct Asked;

  // What the answers have that was not given before.
  LogPage TakeNew(const VariantKey& key, const LogCursor& after, const std::vector<std::unique_ptr<Asked>>& asked);

  // Constant after construction; each peer is thread-safe.
  std::vector<std::unique_ptr<Peer>> peers_;

  std::atomic<int64_t> calls_{0};
  std::atomic<int64_t> failures_{0};
  std::atomic<int64_t> bytes_read_{0};
  absl::Mutex mutex_;
  // By the SHA-256 of records.
  GivenRows given_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_SERVICE_PEER_TIER_H_
