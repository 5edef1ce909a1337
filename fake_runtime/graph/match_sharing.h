// Two graphs with equal structure, node by node: do they also share alike, and keep the
// same order? A part of diff_graphs.h.
#ifndef KILN_FAKE_RUNTIME_GRAPH_MATCH_SHARING_H_
#define KILN_FAKE_RUNTIME_GRAPH_MATCH_SHARING_H_

#include "fake_runtime/graph/graph_structure.h"

namespace kiln {

// At most one of the two is told.
struct SharingDifference {
  // The argument `slot` of these nodes, or of the outputs if -1, uses another of several
  // equal nodes. Null: there is none.
  const Argument* yours = nullptr;
  const Argument* theirs = nullptr;
  int yours_user = -1;
  int theirs_user = -1;
  int slot = -1;
  // These are matched, and stand in other places.
  int order_yours = -1;
  int order_theirs = -1;
};

// Linear. Both graphs are canonical, with equal hashes at outputs and ordered nodes.
SharingDifference MatchSharing(const GraphStructure& yours, const GraphStructure& theirs);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_MATCH_SHARING_H_
