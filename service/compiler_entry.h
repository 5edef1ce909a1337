// The compiler as the service calls it: a seam, so that tests of the service can
// run with a compiler that is instant, slow or murderous on demand.
#ifndef KILN_SERVICE_COMPILER_ENTRY_H_
#define KILN_SERVICE_COMPILER_ENTRY_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/compile.h"

namespace kiln {

// Thread-compatible; a value. Functions as compiler/compile.h has them.
struct CompilerEntry {
  using AfterPropagation = std::function<absl::Status(const std::vector<v1::Guard>&, double)>;

  std::function<void()> initialize;
  std::function<absl::StatusOr<CompileResult>(CompileRequest, ExprPool*, const AfterPropagation&)> compile;
  std::function<absl::StatusOr<CompileOptions>(const std::map<std::string, std::string>&)> parse_options;
  absl::Span<const CompileOptionRow> option_rows;
  std::string build;

  static CompilerEntry Real();
};

}  // namespace kiln

#endif  // KILN_SERVICE_COMPILER_ENTRY_H_
