// The wiring of the tiers, in one place: memory over verified, bounded disk, or memory
// alone when there is no folder.
#ifndef KILN_CACHE_OPEN_CACHE_H_
#define KILN_CACHE_OPEN_CACHE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cache/graph_store.h"
#include "cache/variant_cache.h"
#include "compiler/artifact/signed_variant.h"

namespace kiln {

struct CacheOptions {
  // Empty: nothing survives the process.
  std::string folder;
  int64_t memory_bytes = int64_t{256} << 20;
  // Of artifacts; the graphs beside them have a bound of their own.
  int64_t disk_bytes = int64_t{16} << 30;
  // Rows that none of these signed are dropped.
  TrustedKeys trusted;
};

struct OpenedCache {
  std::unique_ptr<VariantCache> variants;
  std::shared_ptr<GraphStore> graphs;
};

// STORAGE, in one line that names the folder, when it cannot be made, written,
// locked or read.
absl::StatusOr<OpenedCache> OpenCache(const CacheOptions& options);

}  // namespace kiln

#endif  // KILN_CACHE_OPEN_CACHE_H_
