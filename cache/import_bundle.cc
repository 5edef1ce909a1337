#include "cache/import_bundle.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

const BundleVisitor& JustLook() {
  static const BundleVisitor* const visitor = new BundleVisitor{
      [](const v1::BundleGraph&, std::string) { return absl::OkStatus(); },
      [](const v1::BundleArtifact&, std::vector<v1::SignedVariant>, std::string) { return absl::OkStatus(); }};
  return *visitor;
}

class Import {
 public:
  Import(absl::string_view compiler_build, VariantCache& cache, GraphStore& graphs)
      : compiler_build_(compiler_build), cache_(cache), graphs_(graphs) {}

  BundleVisitor Visitor() {
    return {[this](const v1::BundleGraph& entry, std::string graph) { return PutGraph(entry, graph); },
            [this](const v1::BundleArtifact&, std::vector<v1::SignedVariant> records, std::string elf) {
              return PutArtifact(std::move(records), std::move(elf));
            }};
  }
  v1::ImportBundleResponse TakeResponse() { return std::move(response_); }

 private:
  // Its digests are computed again by whoever compiles it (service/held_graph.h).
  absl::Status PutGraph(const v1::BundleGraph& entry, const std::string& graph) {
    const Digest name =
        GraphName(entry.domain(), *Digest::FromBytes(entry.graph()), *Digest::FromBytes(entry.signature()));
    response_.set_graphs(response_.graphs() + 1);
    return graphs_.HasGraph(name) ? absl::OkStatus() : graphs_.PutGraph(name, graph);
  }

  absl::Status PutArtifact(std::vector<v1::SignedVariant> records, std::string elf) {
    const auto bytes = std::make_shared<const std::string>(std::move(elf));
    for (v1::SignedVariant& record : records) {
      KILN_ASSIGN_OR_RETURN(const IndexedVariantPtr variant, cache_.Publish(std::move(record), bytes));
      if (cache_.has_shared()) cache_.Share(*variant, bytes);
      response_.set_variants(response_.variants() + 1);
      if (variant->record.compiler_build() != compiler_build_) {
        response_.set_variants_of_other_builds(response_.variants_of_other_builds() + 1);
      }
    }
    response_.set_artifacts(response_.artifacts() + 1);
    return absl::OkStatus();
  }

  const absl::string_view compiler_build_;
  VariantCache& cache_;
  GraphStore& graphs_;
  v1::ImportBundleResponse response_;
};

}  // namespace

absl::StatusOr<v1::ImportBundleResponse> ImportBundle(const Rewind& rewind, std::shared_ptr<const TrustPolicy> policy,
                                                      absl::string_view compiler_build, VariantCache& cache,
                                                      GraphStore& graphs) {
  {
    KILN_ASSIGN_OR_RETURN(ByteSource source, rewind());
    KILN_ASSIGN_OR_RETURN(BundleReader reader, BundleReader::Open(std::move(source), policy));
    KILN_RETURN_IF_ERROR(reader.ReadAll(JustLook()));
  }
  const int64_t failures = cache.Counters().write_failures;
  Import import(compiler_build, cache, graphs);
  KILN_ASSIGN_OR_RETURN(ByteSource source, rewind());
  KILN_ASSIGN_OR_RETURN(BundleReader reader, BundleReader::Open(std::move(source), policy));
  KILN_RETURN_IF_ERROR(reader.ReadAll(import.Visitor()));
  // A compile that fails to be kept meanwhile is counted here too: asking again is safe.
  const int64_t lost = cache.Counters().write_failures - failures;
  if (lost > 0) {
    return MakeError(ErrorReason::kStorage,
                     absl::StrCat(lost, " writes failed while the bundle was imported; what was imported stays"));
  }
  v1::ImportBundleResponse response = import.TakeResponse();
  *response.mutable_manifest() = reader.manifest();
  response.set_key_id(reader.key_id());
  return response;
}

}  // namespace kiln
