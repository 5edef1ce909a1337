#include "cache/open_cache.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cache/bounded_store.h"
#include "cache/disk_store.h"
#include "cache/drop_log.h"
#include "cache/memory_graph_store.h"
#include "cache/memory_store.h"
#include "cache/read_only_store.h"
#include "cache/tiered_store.h"
#include "cache/verified_store.h"

namespace kiln {
namespace {

// Graphs kept by a server without a folder: a model's are 0.1 to 1 MB.
constexpr int64_t kMemoryGraphBytes = int64_t{64} << 20;

// Three quarters of the lowest tier, so that there is room for who pins nothing; half
// of that for one job, so that there is for another.
PinBook::Options PinBounds(const CacheOptions& options, int64_t tier_bytes) {
  const int64_t max_bytes = tier_bytes / 4 * 3;
  return {.lease = options.pin_lease, .max_bytes = max_bytes, .max_bytes_per_job = max_bytes / 2};
}

std::unique_ptr<SharedIndex> OpenShared(const CacheOptions& options) {
  if (options.shared == nullptr) return nullptr;
  return std::make_unique<SharedIndex>(options.shared, options.trusted, options.shared_options, options.clock);
}

absl::Status OpenInMemory(const CacheOptions& options, OpenedCache& cache) {
  cache.graphs = std::make_shared<MemoryGraphStore>(kMemoryGraphBytes);
  cache.pins = std::make_shared<PinBook>(PinBounds(options, options.memory_bytes), options.clock, nullptr);
  auto memory = std::make_unique<MemoryStore>(options.memory_bytes, cache.pins);
  KILN_ASSIGN_OR_RETURN(cache.variants, VariantCache::Open(std::move(memory), std::make_shared<DropLog>(),
                                                           OpenShared(options), cache.pins));
  return absl::OkStatus();
}

absl::Status OpenOnDisk(const CacheOptions& options, OpenedCache& cache) {
  KILN_ASSIGN_OR_RETURN(std::shared_ptr<DiskStore> disk, DiskStore::Open(options.folder, {.clock = options.clock}));
  cache.pins = std::make_shared<PinBook>(PinBounds(options, options.disk_bytes), options.clock, disk);
  KILN_ASSIGN_OR_RETURN(cache.bounded, BoundedStore::Open(disk, options.disk_bytes, cache.pins));
  auto dropped = std::make_shared<DropLog>();
  auto verified = std::make_shared<VerifiedStore>(cache.bounded, options.trusted, dropped);
  if (options.scrub_bytes_per_second > 0) {
    cache.scrubber = std::make_shared<Scrubber>(
        verified, Scrubber::Options{.bytes_per_second = options.scrub_bytes_per_second});
  }
  // Pinned artifacts may leave memory: the disk keeps them.
  auto memory = std::make_shared<MemoryStore>(options.memory_bytes);
  auto tiers = std::make_unique<TieredStore>(std::move(memory), std::move(verified));
  KILN_ASSIGN_OR_RETURN(cache.variants, VariantCache::Open(std::move(tiers), std::move(dropped), OpenShared(options),
                                                           cache.pins));
  cache.graphs = disk;
  cache.profiles = std::move(disk);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OpenedCache> OpenCache(const CacheOptions& options) {
  OpenedCache cache;
  KILN_RETURN_IF_ERROR(options.folder.empty() ? OpenInMemory(options, cache) : OpenOnDisk(options, cache));
  cache.caretaker = std::make_unique<Caretaker>(Caretaker::Wards{.variants = cache.variants.get(),
                                                                 .bounded = cache.bounded.get(),
                                                                 .pins = cache.pins.get(),
                                                                 .scrubber = cache.scrubber.get()},
                                                options.clock);
  return cache;
}

absl::StatusOr<OpenedCache> OpenCacheToRead(const std::string& folder, std::shared_ptr<const Trust> trusted) {
  // RocksDB would make a folder that is not there.
  if (!std::filesystem::exists(std::filesystem::path(folder) / "CURRENT")) {
    return MakeError(ErrorReason::kStorage, absl::StrCat("cache folder ", folder, ": there is no cache"));
  }
  KILN_ASSIGN_OR_RETURN(std::shared_ptr<DiskStore> disk, DiskStore::OpenToRead(folder));
  auto dropped = std::make_shared<DropLog>();
  auto verified = std::make_unique<VerifiedStore>(std::make_shared<ReadOnlyStore>(disk), std::move(trusted), dropped);
  OpenedCache cache;
  KILN_ASSIGN_OR_RETURN(cache.variants, VariantCache::Open(std::move(verified), dropped));
  cache.graphs = std::move(disk);
  return cache;
}

}  // namespace kiln
