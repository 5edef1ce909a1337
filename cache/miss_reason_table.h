// The closed set of reasons for misses, in words: cache/miss_reasons.def as a table.
// Each is a value of v1::MissReason and a label of kiln_cache_miss_reasons_total.
#ifndef KILN_CACHE_MISS_REASON_TABLE_H_
#define KILN_CACHE_MISS_REASON_TABLE_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

struct MissReasonRow {
  v1::MissReason reason;
  absl::string_view label;   // "guard_failed"
  absl::string_view text;    // what is so
  absl::string_view advice;  // what would avoid it, a sentence
};

// By number, ascending.
absl::Span<const MissReasonRow> MissReasonRows();

// The row of a reason that is none: an empty one.
const MissReasonRow& GetMissReasonRow(v1::MissReason reason);

}  // namespace kiln

#endif  // KILN_CACHE_MISS_REASON_TABLE_H_
