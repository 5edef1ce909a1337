#include "service/explain.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "service/explain_miss.h"
#include "service/miss_facts.h"
#include "service/prepared_compile.h"
#include "service/request_header.h"
#include "service/server_limits.h"

namespace kiln {
namespace {

constexpr char kSharedDomain[] = "";
// Of a digest that names more, some are told.
constexpr size_t kMaxEntries = 32;
// Guards in a summary.
constexpr int kMaxGuardsInLine = 4;

std::string TierName(v1::Tier tier) {
  constexpr absl::string_view kPrefix = "TIER_";
  return absl::AsciiStrToLower(v1::Tier_Name(tier).substr(kPrefix.size()));
}

std::string GuardsInLine(const v1::VariantRecord& record) {
  if (record.guards().empty()) return "no guards";
  std::string line = "under ";
  for (int g = 0; g < std::min(record.guards_size(), kMaxGuardsInLine); ++g) {
    absl::StrAppend(&line, g == 0 ? "" : ", ", record.guards(g).condition());
  }
  if (record.guards_size() > kMaxGuardsInLine) {
    absl::StrAppend(&line, " and ", record.guards_size() - kMaxGuardsInLine, " more guards");
  }
  return line;
}

std::string DescribeVariant(const IndexedVariant& variant) {
  return absl::StrCat("variant ", variant.artifact.ToShortHex(), " ", GuardsInLine(variant.record));
}

// --- an earlier request

std::string HowItEnded(const RequestFacts& facts) {
  if (facts.error.has_value()) return absl::StrCat("; it failed: ", GetErrorReasonRow(*facts.error).name);
  if (facts.variant == nullptr) return "";
  const std::string seconds = absl::StrFormat("%.3f s", facts.variant->record.compile_seconds());
  if (facts.tier == v1::TIER_COMPILED) return absl::StrCat("; it was compiled in ", seconds);
  if (facts.tier == v1::TIER_JOINED) return absl::StrCat("; it joined another's compile of ", seconds);
  return absl::StrCat("; answered from ", TierName(facts.tier));
}

void ExplainHit(const IndexedVariant& variant, v1::Tier tier, absl::Span<const int64_t> symbol_values,
                v1::ExplainResponse& response) {
  response.set_outcome(v1::ExplainResponse::OUTCOME_HIT);
  response.set_tier(tier);
  *response.add_entries() = EntryOf(variant.record);
  *response.mutable_key() = variant.record.key();
  response.set_key_digest(std::string(variant.key.digest.bytes()));
  *response.mutable_symbols() = variant.record.symbols();
  response.mutable_symbol_values()->Add(symbol_values.begin(), symbol_values.end());
  response.set_summary(absl::StrCat("hit in ", TierName(tier), ": ", DescribeVariant(variant)));
}

absl::StatusOr<v1::ExplainResponse> ExplainEarlier(Front& front, const v1::ExplainRequest& request) {
  if (request.request_id().size() > kMaxRequestIdBytes) {
    return MakeError(ErrorReason::kMalformedMessage,
                     absl::StrCat("request_id has ", request.request_id().size(), " bytes, and ", kMaxRequestIdBytes,
                                  " are allowed"));
  }
  const std::optional<RequestFacts> facts = front.history.Find(request.header().domain(), request.request_id());
  if (!facts.has_value()) {
    return MakeError(ErrorReason::kUnknownSubject,
                     absl::StrCat("no request \"", absl::CHexEscape(request.request_id()),
                                  "\" is among the last that this server answered in this domain"));
  }
  v1::ExplainResponse response;
  if (facts->miss == nullptr) {
    if (facts->variant != nullptr) ExplainHit(*facts->variant, facts->tier, facts->symbol_values, response);
  } else {
    ExplainMiss(front, *facts->miss, nullptr, response);
    response.set_tier(facts->tier);
    if (facts->variant != nullptr) *response.mutable_symbols() = facts->variant->record.symbols();
  }
  if (facts->error.has_value()) response.set_error(std::string(GetErrorReasonRow(*facts->error).name));
  const std::string ended = facts->miss == nullptr && !facts->error.has_value() ? "" : HowItEnded(*facts);
  response.set_summary(absl::StrCat(response.summary().empty() ? "no lookup" : response.summary(), ended));
  return response;
}

// --- a digest

// Whether a requester of `domain` may hear of it.
bool MayTell(const IndexedVariant& variant, absl::string_view domain) {
  const std::string& there = variant.record.key().domain();
  return there == domain || there == kSharedDomain;
}

class DigestSearch {
 public:
  DigestSearch(Front& front, const std::string& domain, const Digest& digest)
      : index_(front.cache->index()), domain_(domain), digest_(digest) {}

  // What the digest is of, as a word, or "" if it is of nothing here.
  absl::string_view Run() {
    if (AddAll({VariantKey{digest_}}, [](const IndexedVariant&) { return true; })) return "key";
    const Digest artifact = digest_;
    if (AddAll(index_.neighbours().KeysOfArtifact(digest_),
               [&](const IndexedVariant& v) { return v.artifact == artifact; })) {
      return "artifact";
    }
    auto same_graph = [&](const IndexedVariant& v) { return v.record.key().graph() == artifact.bytes(); };
    bool found = AddAll(index_.neighbours().KeysOfGraph(domain_, digest_.bytes()), same_graph);
    if (domain_ != kSharedDomain) {
      found |= AddAll(index_.neighbours().KeysOfGraph(kSharedDomain, digest_.bytes()), same_graph);
    }
    return found ? "graph" : "";
  }

  const std::vector<IndexedVariantPtr>& found() const { return found_; }
  int64_t num_keys() const { return num_keys_; }

 private:
  template <typename Wanted>
  bool AddAll(const std::vector<VariantKey>& keys, const Wanted& wanted) {
    const size_t before = found_.size();
    for (const VariantKey& key : keys) {
      const size_t of_key = found_.size();
      for (IndexedVariantPtr& variant : index_.SomeVariantsOf(key, kMaxEntries * 8)) {
        if (MayTell(*variant, domain_) && wanted(*variant)) found_.push_back(std::move(variant));
      }
      num_keys_ += found_.size() > of_key;
    }
    return found_.size() > before;
  }

  const GuardIndex& index_;
  const std::string& domain_;
  const Digest digest_;
  std::vector<IndexedVariantPtr> found_;
  int64_t num_keys_ = 0;
};

absl::StatusOr<v1::ExplainResponse> ExplainDigest(Front& front, const v1::ExplainRequest& request) {
  KILN_ASSIGN_OR_RETURN(const Digest digest, ParseDigest("digest", request.digest()));
  DigestSearch search(front, request.header().domain(), digest);
  const absl::string_view what = search.Run();
  if (what.empty()) {
    return MakeError(ErrorReason::kUnknownSubject,
                     absl::StrCat("no artifact, graph or key ", digest.ToShortHex(), " is in this domain's cache"));
  }
  v1::ExplainResponse response;
  response.set_outcome(v1::ExplainResponse::OUTCOME_ENTRY);
  response.set_num_entries(static_cast<int64_t>(search.found().size()));
  for (const IndexedVariantPtr& variant : search.found()) {
    if (response.entries_size() == static_cast<int>(kMaxEntries)) break;
    *response.add_entries() = EntryOf(variant->record);
  }
  const IndexedVariant& first = *search.found()[0];
  if (search.num_keys() == 1) {
    *response.mutable_key() = first.record.key();
    response.set_key_digest(std::string(first.key.digest.bytes()));
    *response.mutable_symbols() = first.record.symbols();
  }
  const size_t variants = search.found().size();
  const int64_t keys = search.num_keys();
  response.set_summary(absl::StrCat(what, " ", digest.ToShortHex(), ": ", variants, " variant", variants == 1 ? "" : "s",
                                    " of ", keys, " key", keys == 1 ? "" : "s", "; ", DescribeVariant(first)));
  return response;
}

// --- a graph

absl::StatusOr<v1::ExplainResponse> ExplainGraph(Front& front, const v1::ExplainRequest& request) {
  v1::CompileRequest compile;
  *compile.mutable_header() = request.header();
  if (request.has_module()) *compile.mutable_module() = request.module();
  if (request.has_ref()) *compile.mutable_ref() = request.ref();
  *compile.mutable_options() = request.options();
  *compile.mutable_host() = request.host();
  KILN_ASSIGN_OR_RETURN(const PreparedCompile prepared, PrepareCompile(compile, front.compiler, *front.graphs, front.recent_graphs));
  KILN_ASSIGN_OR_RETURN(CacheAnswer answer, front.cache->Lookup(prepared.key, prepared.graph->symbol_values,
                                                                *prepared.host_class, /*count=*/false));
  if (answer.elsewhere) {
    // A tier that fails is one that has nothing.
    front.cache->Sync(prepared.domain, prepared.key, SharedIndex::When::kIfDue).IgnoreError();
    KILN_ASSIGN_OR_RETURN(answer, front.cache->LookupShared(prepared.key, prepared.graph->symbol_values, *prepared.host_class,
                                                            /*count=*/false));
  }
  v1::ExplainResponse response;
  if (answer.hit.has_value()) {
    ExplainHit(*answer.hit->variant, answer.hit->tier, prepared.graph->symbol_values, response);
    return response;
  }
  const MissFacts facts = FactsOfMiss(front.cache->index(), prepared, std::move(answer.reasons));
  ExplainMiss(front, facts, &prepared.graph->proto, response);
  for (const std::string& symbol : prepared.graph->symbols) response.add_symbols(symbol);
  return response;
}

}  // namespace

absl::StatusOr<v1::ExplainResponse> Explain(Front& front, const v1::ExplainRequest& request) {
  KILN_RETURN_IF_ERROR(front.CheckServing());
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  // What a server that has just started has not read yet would be near nothing.
  front.cache->LoadAll();
  switch (request.subject_case()) {
    case v1::ExplainRequest::kRequestId:
      return ExplainEarlier(front, request);
    case v1::ExplainRequest::kDigest:
      return ExplainDigest(front, request);
    case v1::ExplainRequest::kModule:
    case v1::ExplainRequest::kRef:
      return ExplainGraph(front, request);
    case v1::ExplainRequest::SUBJECT_NOT_SET:
      break;
  }
  return MakeError(ErrorReason::kMalformedMessage, "the request has neither request_id, digest, module nor ref");
}

}  // namespace kiln
