#include "service/cache_counters.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

struct FieldRow {
  absl::string_view name;
  int64_t CacheCounters::*field;
  absl::string_view what;
};

constexpr FieldRow kFields[] = {
    {"keys", &CacheCounters::keys, "keys that have a variant"},
    {"variants", &CacheCounters::variants, "variants in the index"},
    {"artifacts", &CacheCounters::artifacts, "artifacts in the lowest tier"},
    {"artifact_bytes", &CacheCounters::artifact_bytes, "their bytes"},
    {"hits_memory", &CacheCounters::hits_memory, "lookups that memory served"},
    {"hits_disk", &CacheCounters::hits_disk, "lookups that the disk served"},
    {"hits_shared", &CacheCounters::hits_shared, "lookups that the shared tier served"},
    {"misses", &CacheCounters::misses, "lookups that nothing served"},
    {"dropped_rows", &CacheCounters::dropped_rows, "rows dropped as unsigned, untrusted or corrupt"},
    {"dropped_artifacts", &CacheCounters::dropped_artifacts, "artifacts dropped as corrupt"},
    {"revoked_rows", &CacheCounters::revoked_rows, "rows dropped as revoked"},
    {"evicted_artifacts", &CacheCounters::evicted_artifacts, "artifacts that left the lowest tier for want of room"},
    {"evicted_bytes", &CacheCounters::evicted_bytes, "their bytes"},
    {"write_failures", &CacheCounters::write_failures, "writes that a tier refused"},
};

}  // namespace

std::vector<CacheCounterRow> CacheCounterRows(const CacheCounters& counters) {
  std::vector<CacheCounterRow> rows;
  for (const FieldRow& row : kFields) rows.push_back({std::string(row.name), counters.*row.field, row.what});
  for (int reason = v1::MissReason_MIN + 1; reason <= v1::MissReason_MAX; ++reason) {
    if (!v1::MissReason_IsValid(reason)) continue;
    const std::string name = v1::MissReason_Name(static_cast<v1::MissReason>(reason)).substr(sizeof("MISS_REASON_") - 1);
    rows.push_back({absl::StrCat("misses_", absl::AsciiStrToLower(name)),
                    counters.misses_by_reason[static_cast<size_t>(reason)], "misses for this reason"});
  }
  return rows;
}

}  // namespace kiln
