// proto to graph: every malformed thing that a client can send is refused here,
// with a typed error that names the node or input.
//
// Beyond what GraphBuilder refuses (graph_builder.h): unset oneofs, unspecified
// enums, locations outside the table and names that no text form could print
// are MALFORMED_MESSAGE; expressions that do not parse BAD_EXPRESSION; unknown
// dtypes UNSUPPORTED_DTYPE; subgraphs, complex literals, other dialects,
// layouts other than strided for inputs UNSUPPORTED_GRAPH; operators that are
// refused by name what their row says (COLLECTIVE_OP, UNSUPPORTED_GRAPH).
#ifndef KILN_FAKE_RUNTIME_IMPORT_IMPORT_GRAPH_H_
#define KILN_FAKE_RUNTIME_IMPORT_IMPORT_GRAPH_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fake_runtime/graph/graph.h"
#include "fake_runtime/graph/graph_builder.h"
#include "fake_runtime/ops/op_table.h"
#include "kiln/v1/graph.pb.h"

namespace kiln {

// The operators that a graph may hold: FindOpSchema and RefusedOps() in the
// server, tables of their own in tests.
struct OpCatalog {
  SchemaLookup find;
  absl::Span<const RefusedOp> refused;
};

// The graph that `module.entry()` names. `pool` must outlive the result.
absl::StatusOr<Graph> ImportModule(const v1::GraphModule& module,
                                   ExprPool* pool, const OpCatalog& ops);

absl::StatusOr<Graph> ImportGraph(const v1::Graph& graph, ExprPool* pool,
                                  const OpCatalog& ops);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_IMPORT_IMPORT_GRAPH_H_
