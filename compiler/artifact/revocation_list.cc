#include "compiler/artifact/revocation_list.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "compiler/artifact/signed_variant.h"

namespace kiln {
namespace {

absl::Status BadLine(absl::string_view what) { return MakeError(ErrorReason::kParseError, what); }

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f'); });
}

absl::Status Revoked(absl::string_view what) { return MakeError(ErrorReason::kArtifactRevoked, what); }

}  // namespace

absl::Status RevocationList::AddText(absl::string_view text) {
  RevocationList added = *this;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const absl::Status status = added.AddLine(line);
    if (!status.ok()) return AddContext(status, absl::StrCat("revocations, line ", number));
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRevocations, added.size(), "the revocation list"));
  }
  *this = std::move(added);
  return absl::OkStatus();
}

absl::Status RevocationList::AddLine(absl::string_view line) {
  const std::pair<absl::string_view, absl::string_view> words = absl::StrSplit(line, absl::MaxSplits(' ', 1));
  const absl::string_view kind = words.first;
  absl::string_view what = absl::StripAsciiWhitespace(words.second);
  if (kind == "artifact") {
    const std::optional<Digest> digest = Digest::FromHex(what);
    if (!digest.has_value()) return BadLine("an artifact is 64 lower-case hex digits");
    artifacts_.insert(std::string(digest->bytes()));
    return absl::OkStatus();
  }
  if (kind == "key") {
    const std::optional<Digest> whole = Digest::FromHex(what);
    if (whole.has_value()) {
      key_ids_.insert(KeyIdOf(whole->bytes()));
    } else if (what.size() == 2 * kKeyIdBytes && IsLowerHex(what)) {
      key_ids_.insert(absl::HexStringToBytes(what));
    } else {
      return BadLine("a key is 64 lower-case hex digits, or its id of 16");
    }
    return absl::OkStatus();
  }
  if (kind == "build") {
    const bool is_prefix = absl::ConsumeSuffix(&what, "*");
    if (what.empty()) return BadLine("a build is a compiler build's name, or its beginning and *");
    (is_prefix ? build_prefixes_ : builds_).insert(std::string(what));
    return absl::OkStatus();
  }
  if (kind == "before") {
    absl::Time time;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, what, &time, &error) || time == absl::InfiniteFuture() ||
        time == absl::InfinitePast()) {
      return BadLine("an epoch is a time, as in 2026-11-30T12:00:00Z");
    }
    before_unix_seconds_ = std::max(before_unix_seconds_, absl::ToUnixSeconds(time));
    return absl::OkStatus();
  }
  return BadLine(absl::StrCat("'", kind, "' is none of artifact, key, build, before"));
}

absl::Status RevocationList::Check(const v1::VariantRecord& record, absl::string_view key_id) const {
  if (artifacts_.contains(record.artifact_sha256())) {
    return Revoked(absl::StrCat("artifact ", absl::BytesToHexString(record.artifact_sha256()), " is revoked"));
  }
  if (key_ids_.contains(std::string(key_id))) {
    return Revoked(absl::StrCat("key ", absl::BytesToHexString(key_id), ", which signed the variant, is revoked"));
  }
  const bool by_build =
      builds_.contains(record.compiler_build()) ||
      std::any_of(build_prefixes_.begin(), build_prefixes_.end(),
                  [&](const std::string& prefix) { return absl::StartsWith(record.compiler_build(), prefix); });
  if (by_build) return Revoked(absl::StrCat("the compiler build ", record.compiler_build(), " is revoked"));
  if (record.created_unix_seconds() < before_unix_seconds_) {
    return Revoked(absl::StrCat("the variant was compiled at ",
                                absl::FormatTime(absl::FromUnixSeconds(record.created_unix_seconds()), absl::UTCTimeZone()),
                                ", and what is older than ",
                                absl::FormatTime(absl::FromUnixSeconds(before_unix_seconds_), absl::UTCTimeZone()),
                                " is revoked"));
  }
  return absl::OkStatus();
}

int64_t RevocationList::size() const {
  return static_cast<int64_t>(artifacts_.size() + key_ids_.size() + builds_.size() + build_prefixes_.size()) +
         (before_unix_seconds_ != 0 ? 1 : 0);
}

}  // namespace kiln
