// The last requests that this server answered, by their ids, so that a client may ask
// afterwards why one missed. Bounded in number and in bytes, the oldest out first. A
// request without an id is not kept; of several with one id the newest is found.
//
// What one tenant asked for, another does not find: the domain is part of the name.
//
// Thread-safe. One of kShards locks for each call, held for a copy.
#ifndef KILN_SERVICE_REQUEST_HISTORY_H_
#define KILN_SERVICE_REQUEST_HISTORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/error.h"
#include "cache/indexed_variant.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/miss_facts.h"

namespace kiln {

struct RequestFacts {
  std::string id;
  std::string domain;
  // What answered it; null for a lookup that missed, and for what failed.
  IndexedVariantPtr variant;
  v1::Tier tier = v1::TIER_UNSPECIFIED;
  std::vector<int64_t> symbol_values;
  // Set if it missed, whatever answered it then.
  std::shared_ptr<const MissFacts> miss;
  // Set if it failed.
  std::optional<ErrorReason> error;
};

class RequestHistory {
 public:
  static constexpr size_t kShards = 16;
  static constexpr size_t kMaxRequests = 4096;
  static constexpr size_t kMaxBytes = size_t{32} << 20;

  explicit RequestHistory(size_t max_requests = kMaxRequests, size_t max_bytes = kMaxBytes)
      : max_in_shard_((max_requests + kShards - 1) / kShards), max_bytes_in_shard_(max_bytes / kShards) {}

  void Add(RequestFacts facts);
  std::optional<RequestFacts> Find(absl::string_view domain, absl::string_view id) const;

 private:
  struct Shard {
    mutable absl::Mutex mutex;
    std::deque<RequestFacts> facts ABSL_GUARDED_BY(mutex);  // newest last
    size_t bytes ABSL_GUARDED_BY(mutex) = 0;
  };

  Shard& ShardOf(absl::string_view id) const;

  // Constant after construction.
  const size_t max_in_shard_;
  const size_t max_bytes_in_shard_;

  // Self-locking.
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_REQUEST_HISTORY_H_
