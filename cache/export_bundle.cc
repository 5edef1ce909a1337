#include "cache/export_bundle.h"

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cache/bundle_format.h"
#include "cache/walk_variants.h"

namespace kiln {
namespace {

using Selection = std::map<Digest, std::vector<IndexedVariantPtr>>;

absl::StatusOr<Selection> Select(const VariantMatcher& matcher, const GuardIndex& index) {
  Selection selection;
  WalkVariants(index, nullptr, [&](const IndexedVariantPtr& variant) {
    if (matcher.Matches(*variant)) selection[variant->artifact].push_back(variant);
    return true;
  });
  for (const Digest& artifact : matcher.artifacts()) {
    if (selection.contains(artifact)) continue;
    return MakeError(ErrorReason::kArtifactNotFound,
                     absl::StrCat("artifact ", artifact.ToShortHex(), " is not here, or does not match"));
  }
  if (selection.empty()) {
    return MakeError(ErrorReason::kArtifactNotFound, absl::StrCat("no variant matches ", matcher.Describe()));
  }
  return selection;
}

v1::BundleItem ItemOf(absl::string_view bytes) {
  v1::BundleItem item;
  item.set_sha256(std::string(Sha256(bytes).bytes()));
  item.set_size_bytes(static_cast<int64_t>(bytes.size()));
  return item;
}

// KeyOf succeeded for what is in the index, so each has 32 bytes.
Digest NameOf(const v1::BundleGraph& graph) {
  return GraphName(graph.domain(), *Digest::FromBytes(graph.graph()), *Digest::FromBytes(graph.signature()));
}

void AddGraph(const v1::KeyComponents& key, GraphStore& graphs, v1::BundleManifest& manifest) {
  v1::BundleGraph graph;
  graph.set_domain(key.domain());
  graph.set_graph(key.graph());
  graph.set_signature(key.signature());
  const absl::StatusOr<std::string> bytes = graphs.GetGraph(NameOf(graph));
  if (!bytes.ok() || bytes->empty()) return;
  *graph.mutable_item() = ItemOf(*bytes);
  *manifest.add_graphs() = std::move(graph);
}

v1::BundleManifest MakeManifest(const Selection& selection, const VariantMatcher& matcher, const BundleOrigin& origin,
                                GraphStore& graphs) {
  v1::BundleManifest manifest;
  manifest.set_format_version(1);
  manifest.set_created_unix_seconds(absl::ToUnixSeconds(origin.created));
  manifest.set_created_by(origin.created_by);
  manifest.set_selection(matcher.Describe());
  std::map<std::tuple<std::string, std::string, std::string>, const v1::KeyComponents*> graph_keys;
  for (const auto& [digest, variants] : selection) {
    v1::BundleArtifact& artifact = *manifest.add_artifacts();
    artifact.mutable_elf()->set_sha256(std::string(digest.bytes()));
    artifact.mutable_elf()->set_size_bytes(variants.front()->record.artifact_bytes());
    for (const IndexedVariantPtr& variant : variants) {
      v1::BundleVariant& entry = *artifact.add_variants();
      entry = CoverageOf(variant->record);
      *entry.mutable_record() = ItemOf(variant->signed_variant.SerializeAsString());
      const v1::KeyComponents& key = variant->record.key();
      graph_keys.try_emplace({key.domain(), key.graph(), key.signature()}, &key);
    }
  }
  for (const auto& [name, key] : graph_keys) AddGraph(*key, graphs, manifest);
  return manifest;
}

}  // namespace

absl::Status ExportBundle(const VariantMatcher& matcher, const BundleOrigin& origin, VariantCache& cache,
                          GraphStore& graphs, const SigningKey& key, ByteSink sink) {
  KILN_ASSIGN_OR_RETURN(const Selection selection, Select(matcher, cache.index()));
  const v1::BundleManifest manifest = MakeManifest(selection, matcher, origin, graphs);
  BundleWriter writer(std::move(sink));
  KILN_RETURN_IF_ERROR(writer.Begin(manifest, key));
  for (const v1::BundleGraph& entry : manifest.graphs()) {
    KILN_ASSIGN_OR_RETURN(const std::string graph, graphs.GetGraph(NameOf(entry)));
    KILN_RETURN_IF_ERROR(writer.Add(entry.item(), graph));
  }
  int i = 0;
  for (const auto& [digest, variants] : selection) {
    const v1::BundleArtifact& entry = manifest.artifacts(i++);
    for (int v = 0; v < entry.variants_size(); ++v) {
      KILN_RETURN_IF_ERROR(writer.Add(entry.variants(v).record(),
                                      variants[static_cast<size_t>(v)]->signed_variant.SerializeAsString()));
    }
    KILN_ASSIGN_OR_RETURN(const StoredArtifact artifact, cache.GetArtifact(digest));
    KILN_RETURN_IF_ERROR(writer.Add(entry.elf(), *artifact.elf));
  }
  return absl::OkStatus();
}

}  // namespace kiln
