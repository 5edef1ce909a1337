// Rewrites operators into smaller ones. One row per operator in a table of a
// family file; a rule calls smaller operators through a DecomposeContext, which
// propagates each at once, so that rules see fake values.
//
// An operator that writes its first argument (add_) and has a twin that does not
// (add) needs no row: it becomes the twin and a copy_.
//
// What a rule makes has the sizes, dtype and strides that propagation promised
// for the node: where the strides differ the result is copied into them.
#ifndef KILN_COMPILER_DECOMPOSE_DECOMPOSE_H_
#define KILN_COMPILER_DECOMPOSE_DECOMPOSE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fake_runtime/fake_tensor_mode.h"

namespace kiln {

struct Decomposed {
  FakeGraph fake;
  // For each node of `fake.graph`, the node of the given graph that it came
  // from.
  std::vector<int> origins;
};

// Pure nodes that nothing uses are gone from the result. With `eager_random` random
// operators stay as they are. Errors name the node.
absl::StatusOr<Decomposed> Decompose(FakeGraph fake, bool eager_random = false);

bool HasDecomposition(absl::string_view op);
// Sorted by name.
std::vector<std::string> DecomposedOps();

}  // namespace kiln

#endif  // KILN_COMPILER_DECOMPOSE_DECOMPOSE_H_
