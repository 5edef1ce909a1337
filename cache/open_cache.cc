#include "cache/open_cache.h"

#include <utility>

#include "base/status_macros.h"
#include "cache/bounded_store.h"
#include "cache/disk_store.h"
#include "cache/drop_log.h"
#include "cache/memory_graph_store.h"
#include "cache/memory_store.h"
#include "cache/tiered_store.h"
#include "cache/verified_store.h"

namespace kiln {
namespace {

// Graphs kept by a server without a folder: a model's are 0.1 to 1 MB.
constexpr int64_t kMemoryGraphBytes = int64_t{64} << 20;

}  // namespace

absl::StatusOr<OpenedCache> OpenCache(const CacheOptions& options) {
  auto memory = std::make_unique<MemoryStore>(options.memory_bytes);
  auto dropped = std::make_shared<DropLog>();
  std::unique_ptr<SharedIndex> shared;
  if (options.shared != nullptr) {
    shared = std::make_unique<SharedIndex>(options.shared, options.trusted, options.shared_options, options.clock);
  }
  OpenedCache cache;
  if (options.folder.empty()) {
    cache.graphs = std::make_shared<MemoryGraphStore>(kMemoryGraphBytes);
    KILN_ASSIGN_OR_RETURN(cache.variants, VariantCache::Open(std::move(memory), dropped, std::move(shared)));
    return cache;
  }
  KILN_ASSIGN_OR_RETURN(std::shared_ptr<DiskStore> disk, DiskStore::Open(options.folder));
  KILN_ASSIGN_OR_RETURN(std::shared_ptr<ArtifactStore> bounded, BoundedStore::Open(disk, options.disk_bytes));
  auto verified = std::make_shared<VerifiedStore>(std::move(bounded), options.trusted, dropped);
  KILN_ASSIGN_OR_RETURN(
      cache.variants,
      VariantCache::Open(std::make_unique<TieredStore>(std::move(memory), std::move(verified)), dropped,
                         std::move(shared)));
  cache.graphs = disk;
  cache.profiles = std::move(disk);
  return cache;
}

}  // namespace kiln
