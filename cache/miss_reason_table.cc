#include "cache/miss_reason_table.h"

#include <algorithm>

namespace kiln {
namespace {

constexpr MissReasonRow kRows[] = {
#define KILN_MISS_REASON(name, label, text, advice) {v1::MISS_REASON_##name, label, text, advice},
#include "cache/miss_reasons.def"
#undef KILN_MISS_REASON
};
constexpr MissReasonRow kNone = {v1::MISS_REASON_UNSPECIFIED, "", "", ""};

}  // namespace

absl::Span<const MissReasonRow> MissReasonRows() { return kRows; }

const MissReasonRow& GetMissReasonRow(v1::MissReason reason) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const MissReasonRow& r) { return r.reason == reason; });
  return row == std::end(kRows) ? kNone : *row;
}

}  // namespace kiln
