// The wiring of the tiers, in one place: memory over verified, bounded disk, or memory
// alone when there is no folder; and beside them the tier that replicas share.
#ifndef KILN_CACHE_OPEN_CACHE_H_
#define KILN_CACHE_OPEN_CACHE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/caretaker.h"
#include "cache/graph_store.h"
#include "cache/profile_store.h"
#include "cache/shared_index.h"
#include "cache/shared_tier.h"
#include "cache/variant_cache.h"
#include "compiler/artifact/trust.h"

namespace kiln {

struct CacheOptions {
  // Empty: nothing survives the process.
  std::string folder;
  int64_t memory_bytes = int64_t{256} << 20;
  // Of artifacts; the graphs beside them have a bound of their own.
  int64_t disk_bytes = int64_t{16} << 30;
  // How long a job's pins hold after its last request.
  absl::Duration pin_lease = absl::Hours(24);
  // Of artifacts that are read again to see whether they are what they were. 0: none.
  int64_t scrub_bytes_per_second = int64_t{4} << 20;
  // Rows that it does not open are dropped.
  std::shared_ptr<const Trust> trusted = Trust::Fixed({});
  // The tier that replicas share; null for none. Its clock must outlive the cache.
  std::shared_ptr<SharedTier> shared;
  SharedIndexOptions shared_options;
  const Clock* clock = Clock::Real();
};

struct OpenedCache {
  std::unique_ptr<VariantCache> variants;
  std::shared_ptr<GraphStore> graphs;
  // Null without a folder.
  std::shared_ptr<ProfileStore> profiles;
  // Below `variants`; null without a folder.
  std::shared_ptr<BoundedStore> bounded;
  std::shared_ptr<PinBook> pins;
  std::shared_ptr<Scrubber> scrubber;  // null: nothing is scrubbed
  // Not started. Goes before everything else.
  std::unique_ptr<Caretaker> caretaker;
};

// STORAGE, in one line that names the folder, when it cannot be made, written,
// locked or read.
absl::StatusOr<OpenedCache> OpenCache(const CacheOptions& options);

// The disk tier alone, of a folder that no server has open, to look at: nothing in it is
// changed. STORAGE, in one line that names the folder; also when it holds no cache.
absl::StatusOr<OpenedCache> OpenCacheToRead(const std::string& folder, std::shared_ptr<const Trust> trusted);

}  // namespace kiln

#endif  // KILN_CACHE_OPEN_CACHE_H_
