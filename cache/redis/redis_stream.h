// Reading a stream as a log with cursors, and how tenants are named in keys.
//
// Entries of a stream have ids that are never used twice, so that a cursor is an id;
// where its entry is no longer there the log has lost entries, or was lost as a whole
// and begun anew. (An id holds a millisecond: only a log that is read, lost and begun
// anew within one of them can deceive a reader, who then misses one entry.)
#ifndef KILN_CACHE_REDIS_REDIS_STREAM_H_
#define KILN_CACHE_REDIS_REDIS_STREAM_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cache/redis/redis_client.h"

namespace kiln {

struct StreamEntry {
  std::string id;
  // Of the field that was asked for; unset if it has none.
  std::optional<std::string> value;
};

struct StreamPage {
  std::vector<StreamEntry> entries;
  // The last entry's id; `after` if there is none.
  std::string end;
  bool more = false;
  bool lost = false;
};

// So many entries at most behind the one with the id `after`; empty: from the first.
// Blocks for one call. STORAGE; also for an answer that is no list of entries.
absl::StatusOr<StreamPage> ReadStream(RedisClient& client, absl::string_view key, absl::string_view field,
                                      absl::string_view after, size_t count);

// A tenant's name may be anything; its digest may stand in a key and in an ACL.
std::string DomainTag(absl::string_view domain);

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_STREAM_H_
