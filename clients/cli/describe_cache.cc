#include "clients/cli/describe_cache.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "clients/cli/describe.h"

namespace kiln {
namespace {

// Guards that a line of the table has room for.
constexpr size_t kGuardCharacters = 60;

std::string Hex12(const std::string& bytes) { return absl::BytesToHexString(bytes).substr(0, 12); }

template <typename Strings>
std::string JoinOr(const Strings& strings, absl::string_view separator, absl::string_view if_none) {
  return strings.empty() ? std::string(if_none) : absl::StrJoin(strings, separator);
}

std::string Shortened(std::string text) {
  if (text.size() <= kGuardCharacters) return text;
  return absl::StrCat(text.substr(0, kGuardCharacters - 3), "...");
}

std::string DescribeAge(absl::Duration age) {
  if (age < absl::Minutes(2)) return absl::StrCat(absl::ToInt64Seconds(age), "s");
  if (age < absl::Hours(2)) return absl::StrCat(absl::ToInt64Minutes(age), "m");
  if (age < absl::Hours(48)) return absl::StrCat(absl::ToInt64Hours(age), "h");
  return absl::StrCat(absl::ToInt64Hours(age) / 24, "d");
}

std::string Time(int64_t unix_seconds) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(unix_seconds), absl::UTCTimeZone());
}

}  // namespace

std::string VariantTableHead() {
  return absl::StrFormat("%-12s  %-12s  %10s  %8s  %5s  %-24s  %s\n", "artifact", "graph", "size", "compile", "age",
                         "needs", "guards");
}

std::string DescribeVariant(const v1::VariantSummary& variant, absl::Time now) {
  const std::string needs = absl::StrCat(variant.components().target_family(), " ", JoinOr(variant.isa_features(), ",", "-"));
  return absl::StrFormat("%-12s  %-12s  %10s  %7.2fs  %5s  %-24s  %s\n", Hex12(variant.artifact_sha256()),
                         Hex12(variant.components().graph()), DescribeBytes(variant.artifact_bytes()),
                         variant.compile_seconds(),
                         DescribeAge(now - absl::FromUnixSeconds(variant.created_unix_seconds())), needs,
                         Shortened(JoinOr(variant.guards(), ", ", "none")));
}

std::string DescribeProgress(const v1::VerifyCacheResponse& response) {
  return absl::StrCat(response.variants(), " of ", response.variants_total(), " variants, ",
                      DescribeBytes(response.artifact_bytes()));
}

std::string DescribeVerification(const v1::VerifyCacheResponse& response) {
  const std::pair<int64_t, absl::string_view> found[] = {
      {response.corrupt_artifacts(), "artifacts were not what their names say"},
      {response.missing_artifacts(), "artifacts were missing"},
      {response.untrusted_rows(), "variants were signed by nobody who is trusted"},
      {response.revoked_rows(), "variants were revoked"},
  };
  std::string out = absl::StrCat("verified  ", DescribeProgress(response), "\n");
  bool is_well = true;
  for (const auto& [count, what] : found) {
    if (count == 0) continue;
    is_well = false;
    absl::StrAppend(&out, "dropped   ", count, ": ", what, "\n");
  }
  return is_well ? absl::StrCat(out, "all is well\n") : out;
}

std::string DescribeCoverage(const v1::BundleManifest& manifest) {
  std::map<std::string, std::vector<std::string>> by_graph;
  for (const v1::BundleArtifact& artifact : manifest.artifacts()) {
    for (const v1::BundleVariant& variant : artifact.variants()) {
      by_graph[absl::StrCat(Hex12(variant.key().graph()), "  ", variant.key().domain())].push_back(
          absl::StrFormat("  %-12s  %10s  %s %s  [%s]", Hex12(artifact.elf().sha256()),
                          DescribeBytes(artifact.elf().size_bytes()), variant.key().target_family(),
                          JoinOr(variant.isa_features(), ",", "-"), JoinOr(variant.guards(), ", ", "any sizes")));
    }
  }
  std::string out = absl::StrCat("made      ", Time(manifest.created_unix_seconds()), " by ", manifest.created_by(),
                                 "\nselection ", manifest.selection(), "\n");
  absl::StrAppend(&out, "holds     ", manifest.graphs_size(), " graphs, ", manifest.artifacts_size(), " artifacts\n");
  for (auto& [graph, variants] : by_graph) {
    std::sort(variants.begin(), variants.end());
    absl::StrAppend(&out, "graph ", graph, "\n", absl::StrJoin(variants, "\n"), "\n");
  }
  return out;
}

std::string DescribeStats(const v1::GetCacheStatsResponse& response) {
  std::string out;
  for (const v1::GetCacheStatsResponse::Counter& counter : response.counters()) {
    absl::StrAppendFormat(&out, "%-24s %14d  %s\n", counter.name(), counter.value(), counter.what());
  }
  absl::StrAppendFormat(&out, "%-24s %14s\n", "compiler_build", response.compiler_build());
  absl::StrAppendFormat(&out, "%-24s %14s\n", "signing_key", absl::BytesToHexString(response.signing_key_id()));
  for (const std::string& id : response.trusted_key_ids()) {
    absl::StrAppendFormat(&out, "%-24s %14s\n", "trusted_key", absl::BytesToHexString(id));
  }
  absl::StrAppendFormat(&out, "%-24s %14d  lines of the revocation list\n", "revocations", response.revocations());
  return out;
}

}  // namespace kiln
