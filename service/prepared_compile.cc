#include "service/prepared_compile.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "compiler/artifact/options_digest.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/graph/graph_sketch.h"
#include "fake_runtime/import/export_graph.h"
#include "fake_runtime/import/import_graph.h"
#include "service/held_graph.h"
#include "service/request_header.h"
#include "service/server_limits.h"

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

void FillFromCanonical(const Graph& source, const CanonicalGraph& canonical, PreparedCompile& prepared) {
  prepared.graph = ExportGraph(canonical.graph);
  prepared.graph_digest = canonical.graph_digest;
  prepared.signature_digest = canonical.signature_digest;
  for (const SymbolDeclaration& symbol : canonical.graph.symbols) {
    prepared.symbols.emplace_back(symbol.symbol.symbol_name());
    prepared.symbol_values.push_back(symbol.representative());
  }
  prepared.original_nodes = canonical.original_node;
  for (int node : canonical.original_node) prepared.locations.push_back(source.nodes[node].location);
  const GraphSketch sketch = SketchGraph(canonical.graph);
  prepared.sketch.assign(sketch.begin(), sketch.end());
}

absl::Status FillGraph(const v1::CompileRequest& request, GraphStore& graphs, PreparedCompile& prepared) {
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(const Graph source, ImportRequested(request, &pool, graphs));
  KILN_ASSIGN_OR_RETURN(const CanonicalGraph canonical, Canonicalize(source, &pool));
  if (request.has_ref()) KILN_RETURN_IF_ERROR(CheckRef(request.ref(), canonical));
  FillFromCanonical(source, canonical, prepared);
  // Of a graph by digest the names are the canonical ones, which say nothing.
  for (size_t i = 0; i < source.inputs.size() && request.has_module(); ++i) {
    prepared.input_names.push_back(source.inputs[i].name);
  }
  return absl::OkStatus();
}

absl::Status FillKey(const CompilerEntry& compiler, PreparedCompile& prepared) {
  prepared.components = ComposeKey({.graph = prepared.graph_digest,
                                    .signature = prepared.signature_digest,
                                    .options = OptionsDigest(prepared.options),
                                    .compiler_build = compiler.build,
                                    .target = prepared.host.target(),
                                    .domain = prepared.domain});
  KILN_ASSIGN_OR_RETURN(prepared.key, KeyOf(prepared.components));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<absl::flat_hash_set<Digest>> ParseHave(const google::protobuf::RepeatedPtrField<std::string>& have) {
  if (static_cast<size_t>(have.size()) > kMaxHave) {
    return MakeError(ErrorReason::kLimitExceeded,
                     absl::StrCat("`have` names ", have.size(), " artifacts, and ", kMaxHave, " are allowed"));
  }
  absl::flat_hash_set<Digest> digests;
  for (const std::string& bytes : have) {
    KILN_ASSIGN_OR_RETURN(Digest digest, ParseDigest("have", bytes));
    digests.insert(digest);
  }
  return digests;
}

std::string StoredGraph(const v1::Graph& graph) {
  v1::Graph stored = graph;
  for (v1::SymbolDeclaration& symbol : *stored.mutable_symbols()) {
    symbol.clear_hint();
    symbol.clear_float_hint();
  }
  return stored.SerializeAsString();
}

absl::StatusOr<PreparedCompile> PrepareCompile(const v1::CompileRequest& request, const CompilerEntry& compiler,
                                               GraphStore& graphs) {
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  KILN_RETURN_IF_ERROR(CheckAbi(request.host()));
  KILN_RETURN_IF_ERROR(CheckTarget(request.host().target()));
  PreparedCompile prepared;
  prepared.options = {request.options().values().begin(), request.options().values().end()};
  KILN_RETURN_IF_ERROR(compiler.parse_options(prepared.options).status());
  KILN_ASSIGN_OR_RETURN(prepared.have, ParseHave(request.have()));
  prepared.host = request.host();
  prepared.host_class = std::make_shared<const HostClass>(request.host());
  prepared.domain = request.header().domain();
  prepared.requester = request.header().requester();
  prepared.job = request.header().job();
  prepared.no_remembered_failures = request.header().no_remembered_failures();
  KILN_RETURN_IF_ERROR(FillGraph(request, graphs, prepared));
  KILN_RETURN_IF_ERROR(FillKey(compiler, prepared));
  return prepared;
}

}  // namespace kiln
