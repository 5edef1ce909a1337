#include "service/explain_graphs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/graph/diff_graphs.h"
#include "fake_runtime/graph/diff_signatures.h"
#include "fake_runtime/import/import_graph.h"

namespace kiln {
namespace {

// More would not be read.
constexpr size_t kMaxDifferences = 8;

// What is held under the key's digests, if it is still what they say.
std::optional<Graph> LoadGraph(const v1::KeyComponents& key, const v1::Graph* given, ExprPool* pool,
                               GraphStore& graphs) {
  const std::optional<Digest> graph = Digest::FromBytes(key.graph());
  const std::optional<Digest> signature = Digest::FromBytes(key.signature());
  if (!graph.has_value() || !signature.has_value()) return std::nullopt;
  v1::Graph held;
  if (given == nullptr) {
    const absl::StatusOr<std::string> bytes = graphs.GetGraph(GraphName(key.domain(), *graph, *signature));
    if (!bytes.ok() || !held.ParseFromString(*bytes)) return std::nullopt;
    given = &held;
  }
  absl::StatusOr<Graph> imported = ImportGraph(*given, pool, {FindOpSchema, RefusedOps()});
  if (!imported.ok()) return std::nullopt;
  absl::StatusOr<CanonicalGraph> canonical = Canonicalize(*imported, pool);
  if (!canonical.ok() || canonical->graph_digest != *graph || canonical->signature_digest != *signature) {
    return std::nullopt;
  }
  return std::move(canonical->graph);
}

template <typename Locations>
void SetLocations(const Locations& locations, Graph& graph) {
  for (size_t n = 0; n < graph.nodes.size() && n < static_cast<size_t>(locations.size()); ++n) {
    graph.nodes[n].location = locations[static_cast<int>(n)];
  }
}

v1::Difference::Kind KindOf(GraphDifference::Kind kind) {
  switch (kind) {
    case GraphDifference::Kind::kInput: return v1::Difference::KIND_INPUT;
    case GraphDifference::Kind::kOutput: return v1::Difference::KIND_OUTPUT;
    case GraphDifference::Kind::kOperator:
    case GraphDifference::Kind::kArgument:
    case GraphDifference::Kind::kResults:
    case GraphDifference::Kind::kOnlyYours:
    case GraphDifference::Kind::kOnlyTheirs:
    case GraphDifference::Kind::kSharing:
    case GraphDifference::Kind::kOrder: return v1::Difference::KIND_NODE;
  }
  return v1::Difference::KIND_UNSPECIFIED;
}

std::string TextOf(const GraphDifference& d) {
  using Kind = GraphDifference::Kind;
  if (d.kind == Kind::kOnlyYours) return absl::StrCat(d.what, " is not in the nearest entry");
  if (d.kind == Kind::kOnlyTheirs) return absl::StrCat(d.what, " of the nearest entry is not here");
  if (d.kind == Kind::kOperator) return absl::StrCat(d.what, " is ", d.theirs, " there");
  return absl::StrCat(d.what, ": ", d.yours, " here, ", d.theirs, " there");
}

v1::Difference Told(GraphDifference difference) {
  v1::Difference out;
  out.set_kind(KindOf(difference.kind));
  out.set_text(TextOf(difference));
  out.set_what(std::move(difference.what));
  out.set_yours(std::move(difference.yours));
  out.set_theirs(std::move(difference.theirs));
  return out;
}

v1::Difference NotHeld(absl::string_view whose) {
  v1::Difference out;
  out.set_kind(v1::Difference::KIND_NODE);
  out.set_what("graph");
  out.set_text(absl::StrCat(whose, " graph is not held here, so that no more can be told"));
  return out;
}

std::string InputName(const MissFacts& facts, int input) {
  const bool named = static_cast<size_t>(input) < facts.source->input_names.size();
  if (!named) return absl::StrCat("input ", input);
  return absl::StrCat("input ", input, " (", facts.source->input_names[static_cast<size_t>(input)], ")");
}

}  // namespace

std::vector<v1::Difference> ExplainGraphs(const MissFacts& facts, const v1::Graph* graph, GraphStore& graphs) {
  ExprPool pool;
  std::optional<Graph> yours = LoadGraph(facts.key, graph, &pool, graphs);
  if (!yours.has_value()) return {NotHeld("the request's")};
  const v1::VariantRecord& record = facts.nearest->record;
  std::optional<Graph> theirs = LoadGraph(record.key(), nullptr, &pool, graphs);
  if (!theirs.has_value()) return {NotHeld("the nearest entry's")};
  SetLocations(facts.source->locations, *yours);
  SetLocations(record.locations(), *theirs);

  std::vector<v1::Difference> told;
  for (GraphDifference& d : DiffGraphs({&*yours, facts.source->original_nodes}, {&*theirs, {}}, kMaxDifferences)) {
    const int node = d.yours_node;
    told.push_back(Told(std::move(d)));
    if (node >= 0) told.back().set_location(yours->nodes[static_cast<size_t>(node)].location);
  }
  for (InputDifference& d :
       DiffSignatures(*yours, *theirs, facts.source->input_names, kMaxDifferences - std::min(told.size(), kMaxDifferences))) {
    const int dim = d.static_dim, input = d.input;
    told.push_back(Told(std::move(d.difference)));
    if (dim < 0) continue;
    told.back().set_advice(absl::StrCat("Mark dimension ", dim, " of ", InputName(facts, input),
                                        " dynamic: then one entry serves all sizes."));
  }
  return told;
}

std::string DimensionOfSymbol(const MissFacts& facts, int symbol, const v1::Graph* graph, GraphStore& graphs) {
  ExprPool pool;
  const std::optional<Graph> yours = LoadGraph(facts.key, graph, &pool, graphs);
  if (!yours.has_value() || symbol < 0 || static_cast<size_t>(symbol) >= yours->symbols.size()) return "";
  const Expr wanted = yours->symbols[static_cast<size_t>(symbol)].symbol;
  for (size_t i = 0; i < yours->inputs.size(); ++i) {
    const FakeTensor* t = std::get_if<FakeTensor>(&yours->inputs[i].value);
    if (t == nullptr) continue;
    for (int d = 0; d < t->rank(); ++d) {
      if (t->sizes[static_cast<size_t>(d)] == wanted) {
        return absl::StrCat("dimension ", d, " of ", InputName(facts, static_cast<int>(i)));
      }
    }
  }
  return "";
}

}  // namespace kiln
