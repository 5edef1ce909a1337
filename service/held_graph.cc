#include "service/held_graph.h"

#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "fake_runtime/import/import_graph.h"
#include "service/request_header.h"

namespace kiln {
namespace {

absl::Status Contradicts(absl::string_view promise, absl::string_view value) {
  return MakeError(ErrorReason::kGraphNotFound,
                   absl::StrCat("the held graph promises ", promise, ", which ", value, " contradicts"));
}

absl::StatusOr<v1::Graph> LoadProto(const v1::GraphRef& ref, absl::string_view domain, GraphStore& graphs) {
  KILN_ASSIGN_OR_RETURN(const Digest graph, ParseDigest("ref.graph_digest", ref.graph_digest()));
  KILN_ASSIGN_OR_RETURN(const Digest signature, ParseDigest("ref.signature_digest", ref.signature_digest()));
  const absl::StatusOr<std::string> bytes = graphs.GetGraph(GraphName(domain, graph, signature));
  v1::Graph proto;
  if (!bytes.ok() || !proto.ParseFromString(*bytes)) {
    return MakeError(ErrorReason::kGraphNotFound, absl::StrCat("no graph ", graph.ToShortHex(), " is held here"));
  }
  return proto;
}

absl::Status PutValues(const v1::GraphRef& ref, v1::Graph& proto) {
  if (ref.symbol_values_size() != proto.symbols_size()) {
    return MakeError(ErrorReason::kMalformedMessage, absl::StrCat("ref has ", ref.symbol_values_size(),
                                                                  " symbol values, and the graph has ",
                                                                  proto.symbols_size(), " symbols"));
  }
  for (int i = 0; i < proto.symbols_size(); ++i) {
    v1::SymbolDeclaration& symbol = *proto.mutable_symbols(i);
    if (symbol.policy() == v1::DIM_POLICY_UNBACKED) continue;
    const int64_t value = ref.symbol_values(i);
    const std::string is = absl::StrCat(symbol.name(), " = ", value);
    if (symbol.has_lower() && value < symbol.lower()) {
      return Contradicts(absl::StrCat(symbol.name(), " >= ", symbol.lower()), is);
    }
    if (symbol.has_upper() && value > symbol.upper()) {
      return Contradicts(absl::StrCat(symbol.name(), " <= ", symbol.upper()), is);
    }
    symbol.set_hint(value);
  }
  return absl::OkStatus();
}

// An assumption over unbacked symbols cannot be tested, here or at its sender's.
absl::Status CheckAssumptions(const Graph& graph) {
  absl::flat_hash_map<Expr, int64_t> values;
  for (const SymbolDeclaration& symbol : graph.symbols) {
    if (symbol.hint.has_value()) values[symbol.symbol] = *symbol.hint;
  }
  for (Expr assumption : graph.assumptions) {
    const std::optional<ScalarValue> value = Evaluate(assumption, [&](Expr symbol) -> std::optional<int64_t> {
      auto it = values.find(symbol);
      return it == values.end() ? std::nullopt : std::optional<int64_t>(it->second);
    });
    if (value.has_value() && value->i == 0) return Contradicts(assumption.ToString(), "this request");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Graph> LoadHeldGraph(const v1::GraphRef& ref, absl::string_view domain, ExprPool* pool,
                                    GraphStore& graphs) {
  KILN_ASSIGN_OR_RETURN(v1::Graph proto, LoadProto(ref, domain, graphs));
  KILN_RETURN_IF_ERROR(PutValues(ref, proto));
  absl::StatusOr<Graph> graph = ImportGraph(proto, pool, {FindOpSchema, RefusedOps()});
  // It was a graph when it was stored, so the store has changed it.
  if (!graph.ok()) return MakeError(ErrorReason::kGraphNotFound, "the graph that is held here is damaged");
  KILN_RETURN_IF_ERROR(CheckAssumptions(*graph));
  return graph;
}

}  // namespace kiln
