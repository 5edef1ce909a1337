#include "clients/cpp/varying_sizes.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/canonical.h"

namespace kiln {
namespace {

std::string SourceOf(size_t input) { return absl::StrCat("input ", input); }

// The tensor whose sizes may become symbols, if all of them are numbers.
const FakeTensor* PlainUserTensor(const GraphInput& input) {
  const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
  if (t == nullptr || input.kind != InputKind::kUser) return nullptr;
  for (Expr size : t->sizes) {
    if (!size.AsInt().has_value()) return nullptr;
  }
  return t;
}

// `graph` with those plain sizes made symbols of which `may(input, dim)`.
template <typename May>
absl::StatusOr<Graph> SymbolizeWhere(Graph graph, const SymbolizeOptions& options, ExprPool* pool, May&& may) {
  std::vector<std::vector<DimPolicy>> policies;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    GraphInput& input = graph.inputs[i];
    policies.push_back(input.policies);
    const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
    if (t == nullptr) continue;
    if (input.policies.empty()) input.policies.assign(t->rank(), DimPolicy::kAutomatic);
    const bool is_plain = PlainUserTensor(input) != nullptr;
    for (int dim = 0; dim < t->rank(); ++dim) {
      if (!is_plain || !may(i, dim)) input.policies[dim] = DimPolicy::kStatic;
    }
  }
  KILN_RETURN_IF_ERROR(SymbolizeInputs(graph, pool, options));
  // Static was meant for this once: the key is that of a graph written with symbols.
  for (size_t i = 0; i < graph.inputs.size(); ++i) graph.inputs[i].policies = std::move(policies[i]);
  return graph;
}

}  // namespace

absl::StatusOr<Digest> SkeletonOf(const Graph& graph, ExprPool* pool) {
  // Equal sizes are nothing that a skeleton knows of.
  KILN_ASSIGN_OR_RETURN(const Graph erased, SymbolizeWhere(graph, {.duck_shape = false}, pool,
                                                           [](size_t, int) { return true; }));
  KILN_ASSIGN_OR_RETURN(const CanonicalGraph canonical, Canonicalize(erased, pool));
  return DigestBuilder("kiln.skeleton.v1")
      .AddDigest(canonical.graph_digest)
      .AddDigest(canonical.signature_digest)
      .Finish();
}

google::protobuf::RepeatedPtrField<v1::ShapeObservation> ObserveSizes(const Graph& graph) {
  google::protobuf::RepeatedPtrField<v1::ShapeObservation> observations;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const FakeTensor* t = PlainUserTensor(graph.inputs[i]);
    if (t == nullptr || t->rank() == 0) continue;
    v1::ShapeObservation& observation = *observations.Add();
    observation.set_source(SourceOf(i));
    for (Expr size : t->sizes) observation.add_sizes(*size.AsInt());
  }
  return observations;
}

absl::StatusOr<Graph> MakeVaryingSymbolic(Graph graph, const v1::ProfileShapesResponse::Subject& shapes,
                                          ExprPool* pool) {
  absl::flat_hash_set<std::pair<std::string, int>> varying;
  for (const v1::ProfileShapesResponse::Dim& dim : shapes.dims()) {
    if (dim.varies()) varying.emplace(dim.source(), dim.dim());
  }
  return SymbolizeWhere(std::move(graph), {}, pool, [&](size_t input, int dim) {
    return varying.contains({SourceOf(input), dim});
  });
}

}  // namespace kiln
