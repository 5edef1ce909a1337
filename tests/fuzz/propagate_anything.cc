#include "tests/fuzz/propagate_anything.h"

#include <utility>

#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/graph/text_form.h"
#include "tests/fuzz/check_propagation.h"
#include "tests/fuzz/require.h"

namespace kiln {
namespace {

// Small sizes, different ones, that the declared ranges allow.
void GiveHints(Graph& graph) {
  int64_t next = 2;
  for (SymbolDeclaration& symbol : graph.symbols) {
    if (symbol.policy == DimPolicy::kUnbacked || symbol.hint.has_value()) continue;
    const int64_t hint = next++;
    symbol.hint = symbol.range.Contains(hint) ? hint : symbol.range.lower;
  }
}

}  // namespace

void PropagateAnything(Graph graph, ExprPool* pool) {
  ExprPool canonical_pool;
  absl::StatusOr<CanonicalGraph> canonical = Canonicalize(graph, &canonical_pool);
  if (!canonical.ok()) return RequireReason(canonical.status());
  ExprPool second_pool;
  const absl::StatusOr<CanonicalGraph> again = Canonicalize(canonical->graph, &second_pool);
  Require(again.ok(), again.status().ToString());
  Require(again->graph_digest == canonical->graph_digest, "a canonical form of the canonical form");
  Require(again->signature_digest == canonical->signature_digest, "a signature of the canonical form");

  GiveHints(graph);
  // What is drawn depends on the graph alone, so that a find stays one.
  const uint32_t seed = static_cast<uint32_t>(graph.nodes.size() * 31 + PrintGraph(graph).size());
  CheckPropagation(graph, pool, seed);
}

}  // namespace kiln
