// A graph that takes its time to compile, and another one for each salt.
#ifndef KILN_TESTS_BENCH_HERD_GRAPH_H_
#define KILN_TESTS_BENCH_HERD_GRAPH_H_

#include <string>

namespace kiln {

// `layers` of two matrix products with an activation between, a residual sum and a
// softmax, for input of [s0, 64]. Inner sizes differ, so that no kernel is another's.
std::string HerdGraph(int layers, int salt);

}  // namespace kiln

#endif  // KILN_TESTS_BENCH_HERD_GRAPH_H_
