// Variants and their graphs out of a cache, as a bundle.
#ifndef KILN_CACHE_EXPORT_BUNDLE_H_
#define KILN_CACHE_EXPORT_BUNDLE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cache/bundle_writer.h"
#include "cache/graph_store.h"
#include "cache/match_variants.h"
#include "cache/variant_cache.h"
#include "compiler/artifact/signed_variant.h"

namespace kiln {

struct BundleOrigin {
  absl::Time created;
  std::string created_by;
};

// What matches when it begins, and the graphs of it that are held: a variant needs its
// graph only where nothing fits. Equal caches and origins give equal bytes.
//   ARTIFACT_NOT_FOUND: nothing matches, an artifact that the filter names is not here,
//     or one was evicted before its turn; the file then ends in its middle.
//   LIMIT_EXCEEDED, and what the sink says.
absl::Status ExportBundle(const VariantMatcher& matcher, const BundleOrigin& origin, VariantCache& cache,
                          GraphStore& graphs, const SigningKey& key, ByteSink sink);

}  // namespace kiln

#endif  // KILN_CACHE_EXPORT_BUNDLE_H_
