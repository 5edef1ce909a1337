// The shared tier in Redis (docs/cache.md has the keys byte by byte):
//
//   PREFIX:1:a:DOMAIN:SHA256   a string: the artifact in its envelope
//   PREFIX:1:v:DOMAIN:KEY      a stream: the key's log, one entry a row, field "r"
//
// Entries of a stream have ids that are never used twice, so that a cursor is an id;
// where its entry is no longer there the log has lost entries, or was lost as a whole
// and begun anew.
#ifndef KILN_CACHE_REDIS_REDIS_STORE_H_
#define KILN_CACHE_REDIS_REDIS_STORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/redis/circuit_breaker.h"
#include "cache/redis/redis_client.h"
#include "cache/shared_tier.h"

namespace kiln {

struct RedisStoreOptions {
  // How long after it was written last an entry goes. Infinite: until Redis evicts it.
  absl::Duration time_to_live = absl::InfiniteDuration();
};

// What a client needs of its options for artifacts of every size.
RedisReplyLimits RedisStoreReplyLimits();

// Thread-safe. After an answer that says that nothing can be written now (OOM,
// READONLY and others) nothing is for a while; reads go on.
class RedisStore final : public SharedTier {
 public:
  // `clock` must outlive it.
  RedisStore(std::shared_ptr<RedisClient> client, RedisStoreOptions options, const Clock* clock);

  absl::StatusOr<ArtifactBytes> GetArtifact(absl::string_view domain, const Digest& sha256) override;
  absl::Status PutArtifact(absl::string_view domain, const Digest& sha256, const ArtifactBytes& elf) override;
  absl::Status RemoveArtifact(absl::string_view domain, const Digest& sha256) override;
  absl::StatusOr<std::vector<bool>> HasArtifacts(absl::string_view domain, absl::Span<const Digest> sha256s) override;
  absl::Status AppendRow(absl::string_view domain, const VariantKey& key, const v1::SignedVariant& row) override;
  absl::StatusOr<LogPage> ReadLog(absl::string_view domain, const VariantKey& key, const LogCursor& after) override;
  absl::Status RemoveRow(absl::string_view domain, const VariantKey& key, const LogCursor& at) override;
  SharedTierState State() const override;

 private:
  std::string ArtifactKey(absl::string_view domain, const Digest& sha256) const;
  std::string LogKey(absl::string_view domain, const VariantKey& key) const;
  // One write, and the key's time to live if it has one.
  absl::Status Write(absl::string_view key, RedisWords words);
  absl::Status TryWrite(absl::string_view key, RedisWords words);

  // Constant after construction.
  const std::shared_ptr<RedisClient> client_;
  const RedisStoreOptions options_;

  // Self-locking.
  CircuitBreaker writes_;
  std::atomic<int64_t> put_failures_{0};
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_STORE_H_
