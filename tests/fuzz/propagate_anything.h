// What every graph that was taken must stand: its canonical form, and propagation
// with a size for every symbol.
#ifndef KILN_TESTS_FUZZ_PROPAGATE_ANYTHING_H_
#define KILN_TESTS_FUZZ_PROPAGATE_ANYTHING_H_

#include "fake_runtime/graph/graph.h"

namespace kiln {

// Aborts where a canonical form is not one, a refusal has no reason, or a value
// is missing.
void PropagateAnything(Graph graph, ExprPool* pool);

}  // namespace kiln

#endif  // KILN_TESTS_FUZZ_PROPAGATE_ANYTHING_H_
