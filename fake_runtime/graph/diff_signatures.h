// How the inputs of two canonical graphs differ: the signature's part of what
// diff_graphs.h does for nodes. Symbols are compared by what they stand for, not by
// name: a size that became a number renames all symbols behind it, and is one
// difference. Strides that follow from the sizes are not told beside them.
#ifndef KILN_FAKE_RUNTIME_GRAPH_DIFF_SIGNATURES_H_
#define KILN_FAKE_RUNTIME_GRAPH_DIFF_SIGNATURES_H_

#include <cstddef>
#include <vector>

#include "fake_runtime/graph/diff_graphs.h"

namespace kiln {

struct InputDifference {
  GraphDifference difference;
  int input = -1;
  // Of a size that is a number on your side: marking the dimension dynamic would let
  // one entry serve both.
  int static_dim = -1;
};

// `input_names`, of your side, may be shorter than the inputs: the others are called by
// number.
std::vector<InputDifference> DiffSignatures(const Graph& yours, const Graph& theirs,
                                            const std::vector<std::string>& input_names, size_t max_differences);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_DIFF_SIGNATURES_H_
