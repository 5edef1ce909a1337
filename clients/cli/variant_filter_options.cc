#include "clients/cli/variant_filter_options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

constexpr size_t kFewestDigits = 4;

absl::Status Bad(absl::string_view flag, absl::string_view given, absl::string_view why) {
  return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat(flag, " '", given, "': ", why));
}

using Field = const std::string& (*)(const v1::VariantSummary&);

const std::string& ArtifactOf(const v1::VariantSummary& variant) { return variant.artifact_sha256(); }
const std::string& GraphOf(const v1::VariantSummary& variant) { return variant.components().graph(); }
const std::string& KeyOfSummary(const v1::VariantSummary& variant) { return variant.key(); }

absl::StatusOr<std::string> Complete(absl::string_view flag, const std::string& given, Field field, AdminClient& client) {
  const std::string hex = absl::AsciiStrToLower(given);
  if (const std::optional<Digest> whole = Digest::FromHex(hex); whole.has_value()) return std::string(whole->bytes());
  const bool is_hex = std::all_of(hex.begin(), hex.end(), [](char c) { return absl::ascii_isxdigit(c); });
  if (hex.size() < kFewestDigits || hex.size() >= 2 * Digest::kSizeBytes || !is_hex) {
    return Bad(flag, hex, "is not 64 hex digits, or at least 4 of their beginning");
  }
  std::set<std::string> found;
  KILN_RETURN_IF_ERROR(client.VisitVariants({}, [&](const v1::VariantSummary& variant) {
    if (absl::StartsWith(absl::BytesToHexString(field(variant)), hex)) found.insert(field(variant));
    return found.size() < 2;
  }));
  if (found.empty()) return Bad(flag, hex, "nothing in the cache begins so");
  if (found.size() > 1) return Bad(flag, hex, "several in the cache begin so; give more digits");
  return *found.begin();
}

// "90s", "12h", "7d".
absl::StatusOr<absl::Duration> ParseAge(const std::string& text) {
  absl::Duration age;
  int days = 0;
  if (absl::EndsWith(text, "d") && absl::SimpleAtoi(text.substr(0, text.size() - 1), &days) && days >= 0) {
    return absl::Hours(24) * days;
  }
  if (absl::ParseDuration(text, &age) && age >= absl::ZeroDuration() && age < absl::InfiniteDuration()) return age;
  return Bad("--older-than", text, "is no age, as in 90s, 12h or 7d");
}

}  // namespace

void AddVariantFilterOptions(CLI::App& command, VariantFilterOptions& options) {
  const std::pair<const char*, std::vector<std::string>*> digests[] = {
      {"--artifact", &options.artifacts}, {"--graph", &options.graphs}, {"--key", &options.keys}};
  for (const auto& [flag, values] : digests) {
    command.add_option(flag, *values, "Hex digits of a SHA-256, or its beginning; may be repeated")
        ->allow_extra_args(false);
  }
  command.add_option("--domain", options.domain, "A tenant; empty: the shared one");
  command.add_option("--older-than", options.older_than, "Compiled so long ago: 12h, 7d");
  command.add_option("--job", options.job, "Compiled for, or used by, JOB or JOB/RANK");
}

absl::StatusOr<std::string> CompleteArtifact(const std::string& hex, AdminClient& client) {
  return Complete("the artifact", hex, &ArtifactOf, client);
}

absl::StatusOr<v1::VariantFilter> FilterOf(const VariantFilterOptions& options, AdminClient& client) {
  v1::VariantFilter filter;
  for (const std::string& hex : options.artifacts) {
    KILN_ASSIGN_OR_RETURN(*filter.add_artifacts(), Complete("--artifact", hex, &ArtifactOf, client));
  }
  for (const std::string& hex : options.graphs) {
    KILN_ASSIGN_OR_RETURN(*filter.add_graphs(), Complete("--graph", hex, &GraphOf, client));
  }
  for (const std::string& hex : options.keys) {
    KILN_ASSIGN_OR_RETURN(*filter.add_keys(), Complete("--key", hex, &KeyOfSummary, client));
  }
  if (options.domain.has_value()) filter.set_domain(*options.domain);
  if (!options.older_than.empty()) {
    KILN_ASSIGN_OR_RETURN(const absl::Duration age, ParseAge(options.older_than));
    filter.set_created_before_unix_seconds(absl::ToUnixSeconds(absl::Now() - age));
  }
  filter.set_job(options.job);
  return filter;
}

}  // namespace kiln
