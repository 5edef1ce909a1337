#include "base/limits.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {
namespace {

constexpr LimitRow kRows[] = {
#define KILN_LIMIT(id, name, value, unit, what) \
  {Limit::id, name, value, unit, what},
#include "base/limits.def"
#undef KILN_LIMIT
};

}  // namespace

absl::Span<const LimitRow> Limits() { return kRows; }

int64_t GetLimit(Limit limit) {
  return kRows[static_cast<size_t>(limit)].value;
}

absl::Status CheckLimit(Limit limit, int64_t value, absl::string_view where) {
  const LimitRow& row = kRows[static_cast<size_t>(limit)];
  if (value <= row.value) return absl::OkStatus();
  return MakeError(ErrorReason::kLimitExceeded,
                   absl::StrCat(where, ": ", value, " ", row.unit,
                                " is over the limit ", row.name, " = ",
                                row.value));
}

}  // namespace kiln
