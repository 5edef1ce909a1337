// Why a symbol is what it is: which tests hold it or pinned it to one number,
// who made them, by which chain of equalities, and what would avoid it.
//
//   s1 is specialised to 8
//     size 0 of %y; hint 8; declared in [2, oo]
//   because:
//     s0 == s1  # aten.add.Tensor at model.py:3: broadcast of dim 0
//     s0 == 8   # aten.view at model.py:4: a view keeps the number of elements
#ifndef KILN_FAKE_RUNTIME_REPORT_EXPLAIN_SYMBOL_H_
#define KILN_FAKE_RUNTIME_REPORT_EXPLAIN_SYMBOL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fake_runtime/report/propagation_report.h"

namespace kiln {

// BAD_ARGUMENT_VALUE, naming the symbols that there are, for one that is not.
// Linear in the number of guards that hang together with the symbol, times the
// length of the chain.
absl::StatusOr<std::string> ExplainSymbol(const PropagationReport& report, absl::string_view symbol);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_REPORT_EXPLAIN_SYMBOL_H_
