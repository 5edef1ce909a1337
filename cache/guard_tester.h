// Guards of a flight, tested on many waiters of few distinct symbol values: each
// distinct list of values is evaluated once. Not thread-safe.
#ifndef KILN_CACHE_GUARD_TESTER_H_
#define KILN_CACHE_GUARD_TESTER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "cache/guard_set.h"
#include "fake_runtime/symbolic/expr.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

class GuardTester {
 public:
  // WORKER_PROTOCOL if the guards are not those of GuardSet::Parse.
  static absl::StatusOr<std::unique_ptr<GuardTester>> Make(const std::vector<std::string>& symbols,
                                                           absl::Span<const v1::Guard* const> guards);

  // False for another number of values than there are symbols.
  bool Holds(const std::vector<int64_t>& values);

 private:
  ExprPool pool_;
  std::optional<GuardSet> guards_;
  absl::flat_hash_map<std::vector<int64_t>, bool> known_;
};

}  // namespace kiln

#endif  // KILN_CACHE_GUARD_TESTER_H_
