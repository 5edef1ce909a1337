// Which guards of a variant do not hold for a request's sizes, in words.
#ifndef KILN_CACHE_FAILED_GUARDS_H_
#define KILN_CACHE_FAILED_GUARDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

struct FailedGuard {
  int guard = -1;         // of the record
  std::string condition;  // "s0 % 8 == 0"
  std::string values;     // "s0 = 36"
  // The first symbol that it speaks of, by canonical number; -1 for none.
  int symbol = -1;
};

// At most `max`, in the record's order. A guard that does not parse, or that has no
// value on these sizes, does not hold. None where the record has another number of
// symbols.
std::vector<FailedGuard> FailedGuards(const v1::VariantRecord& record, absl::Span<const int64_t> symbol_values,
                                      size_t max);

}  // namespace kiln

#endif  // KILN_CACHE_FAILED_GUARDS_H_
