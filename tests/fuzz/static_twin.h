// A graph with integers for its backed symbols.
#ifndef KILN_TESTS_FUZZ_STATIC_TWIN_H_
#define KILN_TESTS_FUZZ_STATIC_TWIN_H_

#include <map>
#include <optional>
#include <string>

#include "fake_runtime/graph/graph.h"

namespace kiln {

// By name. Backed symbols only.
using SymbolValues = std::map<std::string, int64_t>;

SymbolValues HintsOf(const Graph& graph);
bool IsDeclared(const Graph& graph, Expr symbol);

// Booleans are 0 or 1. nullopt where it has none there.
std::optional<int64_t> ValueAt(Expr e, const SymbolValues& values);
std::optional<double> FloatAt(Expr e, const SymbolValues& values);

// `graph` for those sizes: its inputs' expressions are constants but for unbacked
// symbols. nullopt if no tensor could have them (a negative size, an overflow) or
// they contradict the client's ranges and facts.
std::optional<Graph> StaticTwin(const Graph& graph, const SymbolValues& values, ExprPool* pool);

}  // namespace kiln

#endif  // KILN_TESTS_FUZZ_STATIC_TWIN_H_
