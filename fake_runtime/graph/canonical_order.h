// The order of a canonical graph's nodes (canonical.h says what it is and why).
#ifndef KILN_FAKE_RUNTIME_GRAPH_CANONICAL_ORDER_H_
#define KILN_FAKE_RUNTIME_GRAPH_CANONICAL_ORDER_H_

#include <vector>

#include "fake_runtime/graph/graph.h"

namespace kiln {

// Indices of the nodes to keep, in canonical order.
std::vector<int> CanonicalOrder(const Graph& graph);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_CANONICAL_ORDER_H_
