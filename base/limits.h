// The one table of limits. Nothing in Kiln that a client can grow is unbounded.
//
//   KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRank, rank, "input 3"));
#ifndef KILN_BASE_LIMITS_H_
#define KILN_BASE_LIMITS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {

enum class Limit {
#define KILN_LIMIT(id, name, value, unit, what) id,
#include "base/limits.def"
#undef KILN_LIMIT
};

struct LimitRow {
  Limit limit;
  absl::string_view name;
  int64_t value;
  absl::string_view unit;
  absl::string_view what;
};

absl::Span<const LimitRow> Limits();

int64_t GetLimit(Limit limit);

// LIMIT_EXCEEDED, naming `where`, the value and the limit, when value > limit.
absl::Status CheckLimit(Limit limit, int64_t value, absl::string_view where);

}  // namespace kiln

#endif  // KILN_BASE_LIMITS_H_
