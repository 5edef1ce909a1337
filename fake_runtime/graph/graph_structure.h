// Hashes of what a graph computes, node by node: two nodes have equal hashes when they
// and everything that they are computed from have the same operators and arguments.
// Within one process; what is kept are digests (canonical.h).
#ifndef KILN_FAKE_RUNTIME_GRAPH_GRAPH_STRUCTURE_H_
#define KILN_FAKE_RUNTIME_GRAPH_GRAPH_STRUCTURE_H_

#include <cstddef>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "fake_runtime/graph/graph.h"

namespace kiln {

// Thread-compatible; immutable after construction. `graph` must outlive it.
class GraphStructure {
 public:
  explicit GraphStructure(const Graph& graph);

  const Graph& graph() const { return graph_; }
  // The node that defines it, -1 for an input; its place among the node's results, or
  // among the inputs.
  int node_of(ValueId id) const { return node_of_[id.value]; }
  int place_of(ValueId id) const { return place_of_[id.value]; }
  size_t hash(int node) const { return hashes_[node]; }
  bool has_hash(size_t hash) const { return known_.contains(hash); }
  size_t value_hash(ValueId id) const;

  // The nodes that keep their number and order, in it: random and effectful ones.
  std::vector<int> OrderedNodes() const;

 private:
  size_t ArgumentHash(const Argument& arg) const;

  const Graph& graph_;
  std::vector<int> node_of_;
  std::vector<int> place_of_;
  std::vector<size_t> hashes_;
  absl::flat_hash_set<size_t> known_;
};

// Equal as keys see them: floats by their bits. Neither holds a value or is a list.
bool SameLiteral(const Argument& a, const Argument& b);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_GRAPH_STRUCTURE_H_
