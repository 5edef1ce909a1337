// By which graphs that resemble each other are found without comparing each with
// each: MinHash (Broder 1997) over what a graph has whatever its sizes are, that is
// operators, who feeds whom, and kinds of inputs, each counted. Two sketches agree in
// about as large a part of their words as the graphs have in common:
//
//   SketchLikeness(SketchGraph(a), SketchGraph(b)) / double{kSketchWords}
//
// Sizes, literals, names and source lines do not count. Kept in variant records, so
// the words of a graph are the same in every process and build.
#ifndef KILN_FAKE_RUNTIME_GRAPH_GRAPH_SKETCH_H_
#define KILN_FAKE_RUNTIME_GRAPH_GRAPH_SKETCH_H_

#include <array>
#include <cstdint>

#include "fake_runtime/graph/graph.h"

namespace kiln {

inline constexpr int kSketchWords = 16;
using GraphSketch = std::array<uint32_t, kSketchWords>;

// Linear in the graph.
GraphSketch SketchGraph(const Graph& graph);

// How many words are equal.
int SketchLikeness(const GraphSketch& a, const GraphSketch& b);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_GRAPH_SKETCH_H_
