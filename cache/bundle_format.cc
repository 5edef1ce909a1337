#include "cache/bundle_format.h"

#include <set>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cache/variant_key.h"

namespace kiln {
namespace {

constexpr uint32_t kManifestVersion = 1;

absl::Status CheckDigest(absl::string_view where, absl::string_view bytes) {
  if (bytes.size() == Digest::kSizeBytes) return absl::OkStatus();
  return BundleRefused(absl::StrCat(where, " has a digest of ", bytes.size(), " bytes, not ", Digest::kSizeBytes));
}

// Adds the item's size to `total`.
absl::Status CheckItem(absl::string_view where, const v1::BundleItem& item, Limit most, int64_t& total) {
  KILN_RETURN_IF_ERROR(CheckDigest(where, item.sha256()));
  if (item.size_bytes() <= 0 || item.size_bytes() > GetLimit(most)) {
    return BundleRefused(absl::StrCat(where, " has ", item.size_bytes(), " bytes, and 1 to ", GetLimit(most),
                                      " are allowed"));
  }
  // No overflow: there are fewer entries than bytes in a manifest, 2^26, and an item has
  // at most 2^26.
  total += item.size_bytes();
  return absl::OkStatus();
}

absl::Status CheckGraphs(const v1::BundleManifest& manifest, int64_t& total) {
  std::set<std::tuple<std::string, std::string, std::string>> names;
  for (int i = 0; i < manifest.graphs_size(); ++i) {
    const v1::BundleGraph& graph = manifest.graphs(i);
    const std::string where = absl::StrCat("graph ", i);
    KILN_RETURN_IF_ERROR(CheckDigest(where, graph.graph()));
    KILN_RETURN_IF_ERROR(CheckDigest(where, graph.signature()));
    KILN_RETURN_IF_ERROR(CheckItem(where, graph.item(), Limit::kRequestBytes, total));
    if (!names.insert({graph.domain(), graph.graph(), graph.signature()}).second) {
      return BundleRefused(absl::StrCat(where, " is there twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckVariants(const v1::BundleArtifact& artifact, absl::string_view where, int64_t& total) {
  if (artifact.variants().empty()) return BundleRefused(absl::StrCat(where, " has no variant"));
  std::set<VariantKey> keys;
  int64_t record_bytes = 0;
  for (int i = 0; i < artifact.variants_size(); ++i) {
    const std::string variant = absl::StrCat(where, ", variant ", i);
    KILN_RETURN_IF_ERROR(CheckItem(variant, artifact.variants(i).record(), Limit::kRecordBytes, record_bytes));
    const absl::StatusOr<VariantKey> key = KeyOf(artifact.variants(i).key());
    if (!key.ok()) return BundleRefused(absl::StrCat(variant, ": ", key.status().message()));
    if (!keys.insert(*key).second) return BundleRefused(absl::StrCat(variant, " has the key of another"));
  }
  // They are held until their ELF has come.
  if (record_bytes > GetLimit(Limit::kArtifactBytes)) {
    return BundleRefused(absl::StrCat(where, " has records of ", record_bytes, " bytes"));
  }
  total += record_bytes;
  return absl::OkStatus();
}

}  // namespace

absl::Status BundleRefused(absl::string_view what) {
  return MakeError(ErrorReason::kBundleRefused, absl::StrCat("the bundle is refused: ", what));
}

v1::BundleVariant CoverageOf(const v1::VariantRecord& record) {
  v1::BundleVariant variant;
  *variant.mutable_key() = record.key();
  for (const v1::Guard& guard : record.guards()) variant.add_guards(guard.condition());
  *variant.mutable_isa_features() = record.isa_features();
  variant.set_abi_version(record.abi_version());
  variant.set_compiler_build(record.compiler_build());
  variant.set_compile_seconds(record.compile_seconds());
  return variant;
}

absl::Status CheckBundleManifest(const v1::BundleManifest& manifest) {
  if (manifest.format_version() != kManifestVersion) {
    return BundleRefused(absl::StrCat("its manifest has format ", manifest.format_version(), ", and this build reads ",
                                      kManifestVersion));
  }
  int64_t total = 0;
  KILN_RETURN_IF_ERROR(CheckGraphs(manifest, total));
  std::set<std::string> elves;
  for (int i = 0; i < manifest.artifacts_size(); ++i) {
    const v1::BundleArtifact& artifact = manifest.artifacts(i);
    const std::string where = absl::StrCat("artifact ", i);
    KILN_RETURN_IF_ERROR(CheckItem(where, artifact.elf(), Limit::kArtifactBytes, total));
    if (!elves.insert(artifact.elf().sha256()).second) return BundleRefused(absl::StrCat(where, " is there twice"));
    KILN_RETURN_IF_ERROR(CheckVariants(artifact, where, total));
  }
  return CheckLimit(Limit::kBundleBytes, total, "the items of the bundle");
}

}  // namespace kiln
