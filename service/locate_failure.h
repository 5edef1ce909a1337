// A worker knows the canonical graph, without names and places. What it says of a
// node is told to each waiter in the words of the waiter's own graph:
//
//   node 0 (aten.mm.default): lhs dim 1 is 16 but rhs dim 0 is 17
//   node 3 (aten.mm.default) at model.py:41: lhs dim 1 is 16 but rhs dim 0 is 17
#ifndef KILN_SERVICE_LOCATE_FAILURE_H_
#define KILN_SERVICE_LOCATE_FAILURE_H_

#include "absl/status/status.h"
#include "service/prepared_compile.h"

namespace kiln {

// `failure` with the node that it begins with, if any, translated. Code and reason
// stay; a graph by digest has no places, and its nodes are the canonical ones.
absl::Status LocateFailure(const absl::Status& failure, const PreparedCompile& request);

}  // namespace kiln

#endif  // KILN_SERVICE_LOCATE_FAILURE_H_
