// The graph of a request made ready: imported and made canonical.
#ifndef KILN_SERVICE_PREPARED_GRAPH_H_
#define KILN_SERVICE_PREPARED_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/digest.h"
#include "cache/graph_store.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// What messages about a graph say of the requester's source.
struct GraphSource {
  // By canonical node. Empty for a graph by digest.
  std::vector<std::string> locations;
  // By canonical node, its index in the requester's graph.
  std::vector<int> original_nodes;
  // Of the requester's graph; empty for a graph by digest.
  std::vector<std::string> input_names;

  // About what the names and lines take in memory.
  size_t SizeOfText() const;
};

// A value that nobody changes once it is made.
struct PreparedGraph {
  // Canonical, with the request's sizes as hints.
  v1::Graph proto;
  Digest digest;
  Digest signature_digest;
  // Canonical names and the request's values. An unbacked symbol's value is 0.
  std::vector<std::string> symbols;
  std::vector<int64_t> symbol_values;
  std::shared_ptr<const GraphSource> source;
  // By which graphs like this one are found.
  std::vector<uint32_t> sketch;
};

// Of a request's module or ref. Costs milliseconds for thousands of nodes. Errors as
// the Compile RPC's comment has them.
absl::StatusOr<PreparedGraph> PrepareGraph(const v1::CompileRequest& request, GraphStore& graphs);

// About what it takes in memory.
size_t SizeOfGraph(const PreparedGraph& graph);

// `graph` without what belongs to one request: the form that is kept and named.
std::string StoredGraph(const v1::Graph& graph);

}  // namespace kiln

#endif  // KILN_SERVICE_PREPARED_GRAPH_H_
