// How two canonical graphs differ, told by node and argument: what `kiln explain` says
// of a miss whose nearest entry has another graph.
//
//   for (const GraphDifference& d : DiffGraphs({&yours, {}}, {&theirs, {}}, 8))
//     std::cout << d.what << ": " << d.yours << ", " << d.theirs;
//   // node 3 (aten.add.Tensor) at model.py:41, alpha: 2, 1
//
// The idea: a node's structure is hashed with all that it is computed from, so equal
// subgraphs are known at once. Both graphs are walked down together from their outputs
// and their ordered nodes, along unequal hashes only, until the nodes themselves
// differ: in operator or argument, or because one side has a node that the other lacks
// (then an operand of it is what the other side uses). A use of another node, where
// both nodes are in both graphs, is a difference of the argument. Graphs with equal
// structure can still differ in what is shared (one node used twice, or two equal ones)
// and in order; that is looked for when nothing else was found.
//
// Not the least number of edits, which would be costly to find: one change is told as
// one, many at once perhaps as others. Equal graphs have no difference, and others have
// at least one (diff_graphs_test.cc tries both on random mutations).
#ifndef KILN_FAKE_RUNTIME_GRAPH_DIFF_GRAPHS_H_
#define KILN_FAKE_RUNTIME_GRAPH_DIFF_GRAPHS_H_

#include <string>
#include <vector>

#include "fake_runtime/graph/graph.h"

namespace kiln {

struct GraphDifference {
  enum class Kind {
    kOperator,  // another operator in its place
    kArgument,  // `what` names the node and its argument
    kResults,   // another number of results
    kOnlyYours,
    kOnlyTheirs,
    kSharing,  // equal in structure, another node: one is used twice, or two are
    kOrder,    // of nodes whose order counts
    kOutput,
    kInput,  // of diff_signatures.h
  };
  Kind kind;
  // Canonical, -1 where there is none.
  int yours_node = -1;
  int theirs_node = -1;
  // "node 3 (aten.add.Tensor) at model.py:41, alpha"; "output 2"; "input 0, size of dimension 1".
  std::string what;
  // Empty where one side has nothing.
  std::string yours;
  std::string theirs;
};

// A canonical graph, and the number under which its owner knows each of its nodes.
struct DiffSide {
  const Graph* graph;
  // By canonical node; empty: the canonical numbers.
  std::vector<int> numbers;

  // "node 17 (aten.mm.default) at model.py:41".
  std::string NodeName(int node) const;
};

// Of nodes and outputs, at most `max_differences`, those nearest to the outputs first.
// Linear in the graphs, times the differences.
std::vector<GraphDifference> DiffGraphs(const DiffSide& yours, const DiffSide& theirs, size_t max_differences);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_DIFF_GRAPHS_H_
