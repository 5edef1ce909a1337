// Random well-formed graphs, and rearrangements that do not change what a graph
// means. Seeded: the same seed gives the same graph on every machine.
#ifndef KILN_FAKE_RUNTIME_GRAPH_TESTING_RANDOM_GRAPH_H_
#define KILN_FAKE_RUNTIME_GRAPH_TESTING_RANDOM_GRAPH_H_

#include <cstdint>
#include <random>

#include "fake_runtime/graph/graph.h"

namespace kiln {

// A graph of `num_nodes` nodes over a few inputs with symbols, aliases,
// policies and every kind of literal. Shapes need not match: nothing is
// propagated.
Graph RandomGraph(uint32_t seed, int num_nodes, ExprPool* pool);

// The same graph with its nodes in another topological order (ordered ones keep
// theirs), its values renamed, its locations changed and its symbols renamed.
Graph Disguise(const Graph& graph, uint32_t seed, ExprPool* pool);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_TESTING_RANDOM_GRAPH_H_
