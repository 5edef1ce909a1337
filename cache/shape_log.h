// What replicas tell one another about sizes: for each subject of a domain an
// append-only log of entries, opaque here. Anybody may have written them, and they may
// vanish at any time.
//
// Implementations are thread-safe. Calls block, each for a bounded time. STORAGE: the
// log cannot be read or written for the moment.
#ifndef KILN_CACHE_SHAPE_LOG_H_
#define KILN_CACHE_SHAPE_LOG_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/digest.h"

namespace kiln {

struct ShapeLogPage {
  std::vector<std::string> entries;
  // Behind the last entry; where to read on. Empty: before the first.
  std::string end;
  // More entries were there already.
  bool more = false;
  // `after` is not of this log: it was lost, and perhaps begun anew. `entries` are none.
  bool lost = false;
};

class ShapeLog {
 public:
  virtual ~ShapeLog() = default;
  virtual absl::Status Append(absl::string_view domain, const Digest& subject, absl::string_view entry) = 0;
  virtual absl::StatusOr<ShapeLogPage> Read(absl::string_view domain, const Digest& subject,
                                            absl::string_view after) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_SHAPE_LOG_H_
