// What an `out=` overload asks of the tensor that it writes. Most take any dtype to
// which the result can be cast, and resize what does not fit to the result's
// strides; the exceptions are PyTorch's, a row each.
#ifndef KILN_FAKE_RUNTIME_OPS_OUT_RULES_H_
#define KILN_FAKE_RUNTIME_OPS_OUT_RULES_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {

enum class OutRule {
  kDefault,
  kExactDtype,  // the result's dtype, no other
  kAnyDtype,    // even one to which the result can't be cast
  kContiguous,  // what does not fit is resized to contiguous strides
  kExactContiguous,  // both
};

struct OutRuleRow {
  absl::string_view op;
  OutRule rule;
};
// Sorted by name.
absl::Span<const OutRuleRow> OutRules();

// The rule of "aten.add.out".
OutRule OutRuleOf(absl::string_view op);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_OUT_RULES_H_
