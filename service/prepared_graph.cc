#include "service/prepared_graph.h"

#include <utility>

#include "base/error.h"
#include "base/status_macros.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/graph/graph_sketch.h"
#include "fake_runtime/import/export_graph.h"
#include "fake_runtime/import/import_graph.h"
#include "service/held_graph.h"

namespace kiln {
namespace {

// The graph of the request, wherever it comes from.
absl::StatusOr<Graph> ImportRequested(const v1::CompileRequest& request, ExprPool* pool, GraphStore& graphs) {
  switch (request.graph_case()) {
    case v1::CompileRequest::kModule:
      return ImportModule(request.module(), pool, {FindOpSchema, RefusedOps()});
    case v1::CompileRequest::kRef:
      return LoadHeldGraph(request.ref(), request.header().domain(), pool, graphs);
    case v1::CompileRequest::GRAPH_NOT_SET:
      break;
  }
  return MakeError(ErrorReason::kMalformedMessage, "the request has neither module nor ref");
}

// A digest by which the client asked must be the digest of what was found.
absl::Status CheckRef(const v1::GraphRef& ref, const CanonicalGraph& canonical) {
  if (ref.graph_digest() == canonical.graph_digest.bytes() &&
      ref.signature_digest() == canonical.signature_digest.bytes()) {
    return absl::OkStatus();
  }
  return MakeError(ErrorReason::kGraphNotFound, "the graph that is held under this digest is another one by now");
}

std::shared_ptr<const GraphSource> SourceOf(const Graph& source, const CanonicalGraph& canonical, bool has_names) {
  auto told = std::make_shared<GraphSource>();
  told->original_nodes = canonical.original_node;
  for (int node : canonical.original_node) told->locations.push_back(source.nodes[node].location);
  // Of a graph by digest the names are the canonical ones, which say nothing.
  for (size_t i = 0; i < source.inputs.size() && has_names; ++i) told->input_names.push_back(source.inputs[i].name);
  return told;
}

size_t SizeOf(const std::vector<std::string>& strings) {
  size_t bytes = strings.size() * sizeof(std::string);
  for (const std::string& s : strings) bytes += s.size();
  return bytes;
}

}  // namespace

size_t GraphSource::SizeOfText() const { return SizeOf(locations) + SizeOf(input_names); }

absl::StatusOr<PreparedGraph> PrepareGraph(const v1::CompileRequest& request, GraphStore& graphs) {
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(const Graph source, ImportRequested(request, &pool, graphs));
  KILN_ASSIGN_OR_RETURN(const CanonicalGraph canonical, Canonicalize(source, &pool));
  if (request.has_ref()) KILN_RETURN_IF_ERROR(CheckRef(request.ref(), canonical));
  PreparedGraph prepared;
  prepared.proto = ExportGraph(canonical.graph);
  prepared.digest = canonical.graph_digest;
  prepared.signature_digest = canonical.signature_digest;
  for (const SymbolDeclaration& symbol : canonical.graph.symbols) {
    prepared.symbols.emplace_back(symbol.symbol.symbol_name());
    prepared.symbol_values.push_back(symbol.representative());
  }
  prepared.source = SourceOf(source, canonical, request.has_module());
  const GraphSketch sketch = SketchGraph(canonical.graph);
  prepared.sketch.assign(sketch.begin(), sketch.end());
  return prepared;
}

size_t SizeOfGraph(const PreparedGraph& graph) {
  return sizeof(graph) + graph.proto.SpaceUsedLong() + SizeOf(graph.symbols) +
         graph.symbol_values.size() * sizeof(int64_t) + graph.sketch.size() * sizeof(uint32_t) +
         graph.source->SizeOfText() + graph.source->original_nodes.size() * sizeof(int);
}

std::string StoredGraph(const v1::Graph& graph) {
  v1::Graph stored = graph;
  for (v1::SymbolDeclaration& symbol : *stored.mutable_symbols()) {
    symbol.clear_hint();
    symbol.clear_float_hint();
  }
  return stored.SerializeAsString();
}

}  // namespace kiln
