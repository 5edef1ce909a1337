// What the readers of graphs say of an operator that is refused by name.
#ifndef KILN_FAKE_RUNTIME_OPS_REFUSED_OPS_H_
#define KILN_FAKE_RUNTIME_OPS_REFUSED_OPS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {

// The row that FindRefused finds as an error, "operator refused: collective"; OK
// where there is none.
absl::Status CheckRefused(absl::Span<const RefusedOp> table, absl::string_view op);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_REFUSED_OPS_H_
