// The canonical form of a graph and the digests that make its key.
//
// Canonical: pure nodes that nothing uses are gone; symbols renamed s0, s1, ...
// and u0, u1, ... by first appearance over the inputs in order (then the
// assumptions); values renamed %0, %1, ...; device indices and process-group
// names renumbered by first use; nodes in an order that depends only on the
// graph's structure (topological, ties broken by structural hash); locations
// and names dropped. Random and effectful nodes keep their number and their
// order; pure ones keep their number.
//
// The server compiles the canonical graph, so equal digests mean equal bytes.
#ifndef KILN_FAKE_RUNTIME_GRAPH_CANONICAL_H_
#define KILN_FAKE_RUNTIME_GRAPH_CANONICAL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/digest.h"
#include "fake_runtime/graph/graph.h"

namespace kiln {

struct CanonicalGraph {
  Graph graph;
  // Over nodes and outputs, and nothing about inputs but their number.
  Digest graph_digest;
  // Over the static input signature: per input its kind, dtype, rank, device
  // type, layout, requires_grad, flags, alias class, dim policies and renamed
  // expressions; no hints.
  Digest signature_digest;
  // Over the symbols' kinds, ranges and policies only as far as they are
  // policies; ranges and assumptions are not in any key.
  // canonical node i was node original_node[i] of the source graph.
  std::vector<int> original_node;
  // Canonical symbol i (in graph.symbols order) was original_symbols[i].
  std::vector<std::string> original_symbols;
};

// `source` is valid by graph.h's invariants. The result's expressions live in
// `pool` (which may be the source's own).
absl::StatusOr<CanonicalGraph> Canonicalize(const Graph& source, ExprPool* pool);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_CANONICAL_H_
