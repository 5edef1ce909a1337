// A cache's counters as rows for people.
#ifndef KILN_SERVICE_CACHE_COUNTERS_H_
#define KILN_SERVICE_CACHE_COUNTERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cache/variant_cache.h"

namespace kiln {

struct CacheCounterRow {
  std::string name;
  int64_t value;
  absl::string_view what;
};

std::vector<CacheCounterRow> CacheCounterRows(const CacheCounters& counters);

}  // namespace kiln

#endif  // KILN_SERVICE_CACHE_COUNTERS_H_
