// Oracles for propagation that need no second implementation, since propagation is
// one itself when the sizes are integers:
//
//  - a result is consistent: ranks, storages, sizes that are not negative, texts
//    that parse to what was printed;
//  - every guard holds at the hints and speaks of the client's symbols;
//  - the symbolic answer at the hints is the answer for those integers, and so it
//    is at any other sizes for which the guards hold; what the reduced guards
//    admit, the recorded ones do;
//  - a graph of integers gives the same answer with its sizes made symbols.
//
// Aborts where one does not hold.
#ifndef KILN_TESTS_FUZZ_CHECK_PROPAGATION_H_
#define KILN_TESTS_FUZZ_CHECK_PROPAGATION_H_

#include "fake_runtime/graph/graph.h"

namespace kiln {

// `seed` draws the other sizes. Every backed symbol has a hint.
void CheckPropagation(const Graph& graph, ExprPool* pool, uint32_t seed);

}  // namespace kiln

#endif  // KILN_TESTS_FUZZ_CHECK_PROPAGATION_H_
