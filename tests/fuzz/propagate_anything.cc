#include "tests/fuzz/propagate_anything.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
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
    if (symbol.policy == DimPolicy::kUnbacked || symbol.has_hint()) continue;
    const int64_t hint = next++;
    if (symbol.symbol.type() == ExprType::kFloat) {
      symbol.float_hint = static_cast<double>(hint) + 0.5;
      continue;
    }
    symbol.hint = symbol.range.Contains(hint) ? hint : symbol.range.lower;
  }
}

// Whether each symbol is some size, stride, offset or scalar of an input by itself.
// The names of others may cost a miss (canonical.h).
bool SymbolsStandAlone(const Graph& graph) {
  absl::flat_hash_set<Expr> alone, used;
  auto meet = [&](Expr e) {
    if (e.kind() == ExprKind::kSymbol) alone.insert(e);
    VisitSymbols(e, [&](Expr symbol) { used.insert(symbol); });
  };
  for (const GraphInput& input : graph.inputs) {
    if (const Expr* e = std::get_if<Expr>(&input.value)) meet(*e);
    const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
    if (t == nullptr) continue;
    for (Expr e : t->sizes) meet(e);
    for (Expr e : t->strides) meet(e);
    meet(t->storage_offset);
    meet(input.storage_bytes.value_or(Expr()));
  }
  return alone == used;
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
  Require(!SymbolsStandAlone(graph) || again->signature_digest == canonical->signature_digest,
          "a signature of the canonical form");

  GiveHints(graph);
  // What is drawn depends on the graph alone, so that a find stays one.
  const uint32_t seed = static_cast<uint32_t>(graph.nodes.size() * 31 + PrintGraph(graph).size());
  CheckPropagation(graph, pool, seed);
}

}  // namespace kiln
