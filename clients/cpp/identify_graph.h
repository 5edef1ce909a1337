// What names a graph in a Lookup: computed on the client, so that the graph need
// not travel.
#ifndef KILN_CLIENTS_CPP_IDENTIFY_GRAPH_H_
#define KILN_CLIENTS_CPP_IDENTIFY_GRAPH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/digest.h"
#include "fake_runtime/graph/graph.h"
#include "kiln/v1/graph.pb.h"

namespace kiln {

struct GraphIdentity {
  Digest graph;
  Digest signature;
  // Values and the graph's own names of the canonical symbols, in canonical order.
  std::vector<int64_t> symbol_values;
  std::vector<std::string> symbol_names;
  // Canonical node i is node original_node[i] of the graph.
  std::vector<int> original_node;
  // HostFacts.own_devices of whoever loads what is compiled for it.
  std::vector<v1::Device> own_devices;
};

// BAD_INPUT_METADATA for a symbol without a hint; else as Canonicalize.
absl::StatusOr<GraphIdentity> IdentifyGraph(const Graph& graph, ExprPool* pool);

}  // namespace kiln

#endif  // KILN_CLIENTS_CPP_IDENTIFY_GRAPH_H_
