// A bundle into a cache: read once to verify all of it, and once more to publish.
#ifndef KILN_CACHE_IMPORT_BUNDLE_H_
#define KILN_CACHE_IMPORT_BUNDLE_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cache/bundle_reader.h"
#include "cache/graph_store.h"
#include "cache/variant_cache.h"
#include "kiln/v1/admin_service.pb.h"

namespace kiln {

// Gives a source that reads the same bundle from its beginning each time it is called.
using Rewind = std::function<absl::StatusOr<ByteSource>()>;

// `compiler_build` is this server's. Nothing is published unless all of the bundle was
// verified; what is there already is published again, which changes nothing. Errors as
// BundleReader's; STORAGE if the cache could not keep it.
absl::StatusOr<v1::ImportBundleResponse> ImportBundle(const Rewind& rewind, std::shared_ptr<const TrustPolicy> policy,
                                                      absl::string_view compiler_build, VariantCache& cache,
                                                      GraphStore& graphs);

}  // namespace kiln

#endif  // KILN_CACHE_IMPORT_BUNDLE_H_
