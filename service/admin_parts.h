// What AdminService works on: a server's cache, or one that is read without a server.
#ifndef KILN_SERVICE_ADMIN_PARTS_H_
#define KILN_SERVICE_ADMIN_PARTS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "cache/graph_store.h"
#include "cache/match_variants.h"
#include "cache/variant_cache.h"
#include "compiler/artifact/trust.h"
#include "service/activity.h"

namespace kiln {

// Constant while it serves; what it points to is thread-safe and outlives it.
struct AdminParts {
  VariantCache* cache = nullptr;
  GraphStore* graphs = nullptr;
  std::shared_ptr<Trust> trust;
  // Signs bundles.
  const SigningKey* key = nullptr;
  const Clock* clock = Clock::Real();
  Activity* activity = nullptr;
  std::string compiler_build;
  // Nothing may be changed: there is no server.
  bool is_read_only = false;
  // What a caller over TCP must know. Empty: nothing is asked.
  std::string token;
  // Where an import is kept until it has been verified. Empty: memory.
  std::string staging_folder;
  UsedByJob used_by_job;
  // Adds lines to the revocation list and applies it; how many variants that dropped.
  std::function<absl::StatusOr<int64_t>(const std::vector<std::string>&)> revoke;
};

}  // namespace kiln

#endif  // KILN_SERVICE_ADMIN_PARTS_H_
