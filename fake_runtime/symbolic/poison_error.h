// What a poison means to a client.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_POISON_ERROR_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_POISON_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "fake_runtime/symbolic/expr.h"

namespace kiln {

// Whether `poison` stands for a limit that was passed.
bool IsLimitPoison(Expr poison);

// LIMIT_EXCEEDED, naming the limit and its value, or SIZE_OVERFLOW. `where`
// stands before.
absl::Status PoisonError(Expr poison, absl::string_view where);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_POISON_ERROR_H_
