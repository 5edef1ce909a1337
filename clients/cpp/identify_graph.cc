#include "clients/cpp/identify_graph.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/import/metadata_proto.h"

namespace kiln {

absl::StatusOr<GraphIdentity> IdentifyGraph(const Graph& graph, ExprPool* pool) {
  KILN_ASSIGN_OR_RETURN(CanonicalGraph canonical, Canonicalize(graph, pool));
  GraphIdentity identity{canonical.graph_digest, canonical.signature_digest};
  for (size_t i = 0; i < canonical.graph.symbols.size(); ++i) {
    const SymbolDeclaration& symbol = canonical.graph.symbols[i];
    if (symbol.symbol.type() == ExprType::kFloat) {
      return MakeError(ErrorReason::kUnsupportedGraph,
                       absl::StrCat("compiled code takes no float: ", canonical.original_symbols[i]));
    }
    const std::optional<int64_t> hint = symbol.hint;
    if (!hint.has_value()) {
      return MakeError(ErrorReason::kBadInputMetadata,
                       absl::StrCat("symbol ", canonical.original_symbols[i], " has no value: bind it"));
    }
    identity.symbol_values.push_back(*hint);
  }
  identity.symbol_names = std::move(canonical.original_symbols);
  identity.original_node = std::move(canonical.original_node);
  for (const Device& device : canonical.original_devices) identity.own_devices.push_back(ExportDevice(device));
  return identity;
}

}  // namespace kiln
