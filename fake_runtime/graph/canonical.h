// The canonical form of a graph and the digests that make its key.
//
// Canonical: pure nodes that nothing uses are gone; symbols renamed s0, s1, ...
// and u0, u1, ... by first appearance (see below); values renamed 0, 1, ...;
// device indices and process-group names renumbered by first use; nodes in an
// order that depends only on the graph's structure; locations and names
// dropped.
//
// The order is that of a depth-first walk: first the ordered nodes, in the
// source's order, each after what it uses; then what the outputs use, in their
// order. A graph is an ordered structure (arguments and outputs have
// positions), so the walk meets isomorphic graphs in the same sequence,
// whatever the names and the order of independent nodes; equal canonical forms
// are isomorphic graphs and the other way round. Nothing has to be compared or
// sorted: the cost is linear.
//
// Ordered nodes keep their number and their order: those whose schema is
// `ordered` (random, effectful), and those that touch storage that some node
// writes, since a read before the write is not a read after it. Pure nodes keep
// their number: two equal nodes are two, one used twice is one.
//
// Symbols: first those that stand alone as a size, stride, offset or scalar, by
// input and position; then those that appear only inside larger expressions;
// then those of assumptions. So a client's names matter only where a symbol
// never stands alone, and there they cost a miss, never a wrong hit.
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
  // Over the static input signature: per input its kind, dtype, rank, device,
  // layout, requires_grad, flags, alias class, dim policies and renamed
  // expressions; per symbol its policy. No hints, ranges or assumptions: those
  // are in no key.
  Digest signature_digest;
  // canonical node i was node original_node[i] of the source graph.
  std::vector<int> original_node;
  // Canonical symbol i (in graph.symbols order) was original_symbols[i].
  std::vector<std::string> original_symbols;
  // The indexed devices of the source in the order of their first use: the k-th of its
  // type is canonical index k. Process group "groupK" was original_groups[K].
  std::vector<Device> original_devices;
  std::vector<std::string> original_groups;
};

// `source` is valid by graph.h's invariants. The result's expressions live in
// `pool` (which may be the source's own). LIMIT_EXCEEDED or SIZE_OVERFLOW if an
// expression cannot be rebuilt.
absl::StatusOr<CanonicalGraph> Canonicalize(const Graph& source,
                                            ExprPool* pool);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_CANONICAL_H_
