// What operators refuse before their meta function looks at shapes: values of
// plain arguments and dtypes, as PyTorch's kernels check them.
//
// One row per operator, for all of its overloads and forms: `normal_` and
// `huber_loss.out` are checked by the rows of `normal` and `huber_loss`.
#ifndef KILN_FAKE_RUNTIME_OPS_ARGUMENT_CHECKS_H_
#define KILN_FAKE_RUNTIME_OPS_ARGUMENT_CHECKS_H_

#include "absl/strings/string_view.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {

// The check of the operator with the full name `name` ("aten.normal_.default"),
// or nullptr.
MetaFunction FindArgumentCheck(absl::string_view name);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_ARGUMENT_CHECKS_H_
