#include "service/compiler_entry.h"

#include <utility>

namespace kiln {

CompilerEntry CompilerEntry::Real() {
  return {.initialize = InitializeCompiler,
          .compile =
              [](CompileRequest request, ExprPool* pool, const AfterPropagation& after_propagation) {
                return Compile(std::move(request), pool, after_propagation);
              },
          .parse_options = ParseOptions,
          .option_rows = CompileOptionRows(),
          .build = CompilerBuild()};
}

}  // namespace kiln
