// Mutations that know what a graph is: a node of any operator of the table whose
// arguments fit its schema, a use of another value, a symbol for a size, a fact.
// Without them a fuzzer mutates names, and rarely gets past the first node.
#ifndef KILN_TESTS_FUZZ_MUTATE_GRAPH_H_
#define KILN_TESTS_FUZZ_MUTATE_GRAPH_H_

#include "kiln/v1/graph.pb.h"

namespace kiln {

// One change. The result need not be valid; often it is.
void MutateGraph(v1::Graph& graph, unsigned seed);

// Adds `other`'s inputs and nodes, renamed, to `graph`, with values of `graph` for
// some of the inputs, so that operators of one feed the other's.
void CrossGraphs(v1::Graph& graph, const v1::Graph& other, unsigned seed);

}  // namespace kiln

#endif  // KILN_TESTS_FUZZ_MUTATE_GRAPH_H_
