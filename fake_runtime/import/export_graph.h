// Graph to proto: for the CLI, the C++ client and tests. ImportGraph of the
// result is the same graph.
#ifndef KILN_FAKE_RUNTIME_IMPORT_EXPORT_GRAPH_H_
#define KILN_FAKE_RUNTIME_IMPORT_EXPORT_GRAPH_H_

#include "fake_runtime/graph/graph.h"
#include "kiln/v1/graph.pb.h"

namespace kiln {

// Arguments equal to their default are left out; keyword-only ones, and those
// behind one left out, carry their names.
v1::Graph ExportGraph(const Graph& graph);

// A module of the aten dialect with this one graph.
v1::GraphModule ExportModule(const Graph& graph, absl::string_view opset);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_IMPORT_EXPORT_GRAPH_H_
