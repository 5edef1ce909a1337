// Why an operator is left to the host, or cannot be compiled at all. One row an
// operator, or a law by its tags; `kiln ops` prints the reason.
#ifndef KILN_COMPILER_LOOPS_EXTERN_REASONS_H_
#define KILN_COMPILER_LOOPS_EXTERN_REASONS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {

// All overloads of "aten.sort".
struct ExternReason {
  absl::string_view packet;
  absl::string_view why;
};
// Sorted by packet.
absl::Span<const ExternReason> ExternReasons();

// Whether no artifact can hold the operator without a lowering: it writes its
// argument, or makes a number or a list of tensors from data.
bool CannotBeExtern(const OpRow& row);

// "sorting: a tuned library". Empty for an operator that nobody gave a reason.
absl::string_view WhyExtern(const OpRow& row);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_EXTERN_REASONS_H_
