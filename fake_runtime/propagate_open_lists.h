// Propagation for clients that name of a list only the results that somebody uses:
// an FX graph does not say how many pieces `split` gives.
#ifndef KILN_FAKE_RUNTIME_PROPAGATE_OPEN_LISTS_H_
#define KILN_FAKE_RUNTIME_PROPAGATE_OPEN_LISTS_H_

#include "absl/status/statusor.h"
#include "fake_runtime/fake_tensor_mode.h"

namespace kiln {

// As Propagate, but a node's list may have more results than values: the others
// become values without a name, numbered behind all that the graph defines. A list
// that names more than there are is an error as ever.
absl::StatusOr<FakeGraph> PropagateOpenLists(Graph graph, ExprPool* pool);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_PROPAGATE_OPEN_LISTS_H_
