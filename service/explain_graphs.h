// The part of an explanation that looks into graphs: how the request's and the nearest
// entry's differ, and which dimension of which input a symbol is.
#ifndef KILN_SERVICE_EXPLAIN_GRAPHS_H_
#define KILN_SERVICE_EXPLAIN_GRAPHS_H_

#include <string>
#include <vector>

#include "cache/graph_store.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/miss_facts.h"

namespace kiln {

// Of nodes and outputs where the graphs differ, then of inputs where the signatures do.
// Where one of the graphs is not held here (any more), one difference that says so.
std::vector<v1::Difference> ExplainGraphs(const MissFacts& facts, const v1::Graph* graph, GraphStore& graphs);

// "dimension 1 of input 0 (x)"; empty where no input has the symbol as a size of its
// own, or the graph is not held here. `symbol` is a canonical number.
std::string DimensionOfSymbol(const MissFacts& facts, int symbol, const v1::Graph* graph, GraphStore& graphs);

}  // namespace kiln

#endif  // KILN_SERVICE_EXPLAIN_GRAPHS_H_
