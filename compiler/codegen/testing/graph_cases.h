// Graphs of single operators that have a lowering of their own form.
#ifndef KILN_COMPILER_CODEGEN_TESTING_GRAPH_CASES_H_
#define KILN_COMPILER_CODEGEN_TESTING_GRAPH_CASES_H_

#include "absl/types/span.h"

namespace kiln {

struct GraphCase {
  const char* name;
  const char* graph;  // its arguments and body
};

absl::Span<const GraphCase> GraphCases();

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TESTING_GRAPH_CASES_H_
