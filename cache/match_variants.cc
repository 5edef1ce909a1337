#include "cache/match_variants.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

template <typename Repeated>
absl::StatusOr<std::set<Digest>> Digests(absl::string_view field, const Repeated& given) {
  std::set<Digest> digests;
  for (const std::string& bytes : given) {
    const std::optional<Digest> digest = Digest::FromBytes(bytes);
    if (!digest.has_value()) {
      return MakeError(ErrorReason::kMalformedMessage,
                       absl::StrCat("filter.", field, " has ", bytes.size(), " bytes, not ", Digest::kSizeBytes));
    }
    digests.insert(*digest);
  }
  return digests;
}

}  // namespace

absl::StatusOr<VariantMatcher> VariantMatcher::Create(const v1::VariantFilter& filter, UsedByJob used) {
  VariantMatcher matcher;
  KILN_ASSIGN_OR_RETURN(matcher.artifacts_, Digests("artifacts", filter.artifacts()));
  KILN_ASSIGN_OR_RETURN(matcher.graphs_, Digests("graphs", filter.graphs()));
  KILN_ASSIGN_OR_RETURN(matcher.keys_, Digests("keys", filter.keys()));
  if (filter.has_domain()) matcher.domain_ = filter.domain();
  matcher.created_before_ = filter.created_before_unix_seconds();
  matcher.job_ = filter.job();
  matcher.used_ = std::move(used);
  return matcher;
}

bool VariantMatcher::matches_all() const {
  return artifacts_.empty() && graphs_.empty() && keys_.empty() && !domain_.has_value() && created_before_ == 0 &&
         job_.empty();
}

bool VariantMatcher::IsOfJob(const IndexedVariant& variant) const {
  absl::string_view requester = variant.record.requester();
  if (absl::ConsumePrefix(&requester, job_) && (requester.empty() || requester.front() == '/')) return true;
  return used_ != nullptr && used_(job_, variant.artifact);
}

bool VariantMatcher::Matches(const IndexedVariant& variant) const {
  const v1::VariantRecord& record = variant.record;
  if (!artifacts_.empty() && !artifacts_.contains(variant.artifact)) return false;
  if (!keys_.empty() && !keys_.contains(variant.key.digest)) return false;
  if (!graphs_.empty()) {
    const std::optional<Digest> graph = Digest::FromBytes(record.key().graph());
    if (!graph.has_value() || !graphs_.contains(*graph)) return false;
  }
  if (domain_.has_value() && record.key().domain() != *domain_) return false;
  if (created_before_ != 0 && record.created_unix_seconds() >= created_before_) return false;
  return job_.empty() || IsOfJob(variant);
}

std::string VariantMatcher::Describe() const {
  std::vector<std::string> parts;
  if (!job_.empty()) parts.push_back(absl::StrCat("job ", job_));
  if (domain_.has_value()) parts.push_back(absl::StrCat("domain '", *domain_, "'"));
  if (!artifacts_.empty()) parts.push_back(absl::StrCat(artifacts_.size(), " artifacts"));
  if (!graphs_.empty()) parts.push_back(absl::StrCat(graphs_.size(), " graphs"));
  if (!keys_.empty()) parts.push_back(absl::StrCat(keys_.size(), " keys"));
  if (created_before_ != 0) {
    parts.push_back(absl::StrCat("before ", absl::FormatTime(absl::RFC3339_sec, absl::FromUnixSeconds(created_before_),
                                                             absl::UTCTimeZone())));
  }
  return parts.empty() ? "everything" : absl::StrJoin(parts, ", ");
}

v1::VariantSummary Summarize(const IndexedVariant& variant) {
  const v1::VariantRecord& record = variant.record;
  v1::VariantSummary summary;
  summary.set_key(std::string(variant.key.digest.bytes()));
  *summary.mutable_components() = record.key();
  summary.set_artifact_sha256(record.artifact_sha256());
  summary.set_artifact_bytes(record.artifact_bytes());
  for (const v1::Guard& guard : record.guards()) summary.add_guards(guard.condition());
  *summary.mutable_isa_features() = record.isa_features();
  summary.set_compiler_build(record.compiler_build());
  summary.set_compile_seconds(record.compile_seconds());
  summary.set_created_unix_seconds(record.created_unix_seconds());
  summary.set_requester(record.requester());
  summary.set_key_id(variant.signed_variant.key_id());
  return summary;
}

}  // namespace kiln
