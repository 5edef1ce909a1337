#include "fake_runtime/symbolic/poison_error.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/limits.h"

namespace kiln {
namespace {

const LimitRow* LimitOf(Expr poison) {
  absl::string_view name = poison.poison_reason();
  if (!absl::ConsumePrefix(&name, "over ")) return nullptr;
  for (const LimitRow& row : Limits()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace

bool IsLimitPoison(Expr poison) { return LimitOf(poison) != nullptr; }

absl::Status PoisonError(Expr poison, absl::string_view where) {
  if (const LimitRow* row = LimitOf(poison)) {
    return MakeError(ErrorReason::kLimitExceeded, absl::StrCat(where, ": a size expression is over the limit ",
                                                               row->name, " = ", row->value, " ", row->unit));
  }
  return MakeError(ErrorReason::kSizeOverflow,
                   absl::StrCat(where, ": a size expression overflows int64 (", poison.poison_reason(), ")"));
}

}  // namespace kiln
