#include "clients/cli/describe_explanation.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/describe.h"

namespace kiln {
namespace {

std::string ShortHex(const std::string& digest) { return absl::BytesToHexString(digest).substr(0, 12); }

// "options {fast_math=true}" as they were given.
std::string OptionsText(const v1::KeyPreimage& preimage) {
  std::string text;
  for (const v1::KeyPreimage::Option& option : preimage.options()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", option.name(), "=", option.value());
  }
  return text.empty() ? "none" : text;
}

void AppendKey(const v1::ExplainResponse& e, std::string& out) {
  if (e.key_digest().empty()) return;
  const v1::KeyComponents& key = e.key();
  absl::StrAppend(&out, "key       ", ShortHex(e.key_digest()), ": graph ", ShortHex(key.graph()), ", inputs ",
                  ShortHex(key.signature()), ", options ", ShortHex(key.options()), ", build ",
                  ShortHex(key.compiler_build()), ", ", key.target_family(), ", domain \"",
                  absl::CHexEscape(key.domain()), "\"\n");
}

void AppendSymbols(const v1::ExplainResponse& e, std::string& out) {
  if (e.symbol_values().empty()) return;
  absl::StrAppend(&out, "symbols   ");
  for (int i = 0; i < e.symbol_values_size(); ++i) {
    const std::string name = i < e.symbols_size() ? e.symbols(i) : absl::StrCat("#", i);
    absl::StrAppend(&out, i == 0 ? "" : ", ", name, " = ", e.symbol_values(i));
  }
  out += "\n";
}

void AppendCause(const v1::MissCause& cause, std::string& out) {
  absl::StrAppend(&out, "because   ", cause.text(), "\n");
  for (const v1::Difference& d : cause.differences()) {
    // Texts of guards have their line already.
    const bool has_line = d.location().empty() || d.text().find(d.location()) != std::string::npos;
    absl::StrAppend(&out, "  ", d.text(), has_line ? "" : absl::StrCat(", at ", d.location()), "\n");
    if (!d.advice().empty()) absl::StrAppend(&out, "    avoid: ", d.advice(), "\n");
  }
  absl::StrAppend(&out, "  avoid: ", cause.advice(), "\n");
}

void AppendEntry(absl::string_view title, const v1::VariantRecord& record, std::string& out) {
  absl::StrAppend(&out, title, "artifact ", ShortHex(record.artifact_sha256()), ", ",
                  DescribeBytes(record.artifact_bytes()),
                  absl::StrFormat(", compiled in %.3f s", record.compile_seconds()),
                  record.requester().empty() ? "" : absl::StrCat(" for ", record.requester()), ", by ",
                  record.compiler_build(), "\n  options ", OptionsText(record.preimage()), "\n");
  for (const v1::Guard& guard : record.guards()) absl::StrAppend(&out, "  ", DescribeGuard(guard), "\n");
}

}  // namespace

std::string DescribeExplanation(const v1::ExplainResponse& e) {
  std::string out = absl::StrCat(e.summary(), "\n");
  AppendKey(e, out);
  AppendSymbols(e, out);
  for (const v1::MissCause& cause : e.causes()) AppendCause(cause, out);
  const bool is_miss = e.outcome() == v1::ExplainResponse::OUTCOME_MISS;
  for (const v1::VariantRecord& record : e.entries()) AppendEntry(is_miss ? "nearest   " : "entry     ", record, out);
  if (e.num_entries() > e.entries_size()) {
    absl::StrAppend(&out, "and ", e.num_entries() - e.entries_size(), " more\n");
  }
  return out;
}

}  // namespace kiln
