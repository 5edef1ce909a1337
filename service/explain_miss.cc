#include "service/explain_miss.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/digest.h"
#include "cache/failed_guards.h"
#include "cache/host_class.h"
#include "cache/miss_reason_table.h"
#include "cache/nearest_entry.h"
#include "service/explain_graphs.h"

namespace kiln {
namespace {

constexpr size_t kMaxGuardsTold = 8;
constexpr char kNotGiven[] = "not given";

std::string ShortHex(absl::string_view digest) {
  const std::optional<Digest> d = Digest::FromBytes(digest);
  return d.has_value() ? d->ToShortHex() : "";
}

v1::Difference Differs(v1::Difference::Kind kind, std::string what, std::string yours, std::string theirs) {
  v1::Difference d;
  d.set_kind(kind);
  d.set_text(absl::StrCat(what, ": ", yours.empty() ? "none" : yours, " here, ", theirs.empty() ? "none" : theirs,
                          " there"));
  d.set_what(std::move(what));
  d.set_yours(std::move(yours));
  d.set_theirs(std::move(theirs));
  return d;
}

v1::Difference Lacks(v1::Difference::Kind kind, absl::string_view what, const std::string& needed) {
  v1::Difference d;
  d.set_kind(kind);
  d.set_what(std::string(what));
  d.set_theirs(needed);
  d.set_text(absl::StrCat("it needs ", what, " ", needed, ", which the host lacks"));
  return d;
}

// "DOMAIN" of the shared one has no name.
std::string DomainText(const std::string& domain) { return domain.empty() ? "the shared domain" : domain; }

class Explainer {
 public:
  Explainer(Front& front, const MissFacts& facts, const v1::Graph* graph)
      : front_(front), facts_(facts), graph_(graph), host_(facts.host) {}

  v1::MissCause Cause(v1::MissReason reason) const {
    const MissReasonRow& row = GetMissReasonRow(reason);
    v1::MissCause cause;
    cause.set_reason(reason);
    cause.set_text(std::string(row.text));
    cause.set_advice(std::string(row.advice));
    if (facts_.nearest != nullptr) {
      for (v1::Difference& d : DifferencesBy(reason)) *cause.add_differences() = std::move(d);
    }
    return cause;
  }

 private:
  using Differences = std::vector<v1::Difference>;

  // What is told of a reason's own; of the others the entry itself was at fault, and
  // nothing differs.
  struct How {
    v1::MissReason reason;
    Differences (Explainer::*told)() const;
  };

  Differences DifferencesBy(v1::MissReason reason) const {
    static constexpr How kHow[] = {
        {v1::MISS_REASON_UNKNOWN_KEY, &Explainer::OfAnotherGraph}, {v1::MISS_REASON_GUARD_FAILED, &Explainer::OfGuards},
        {v1::MISS_REASON_ISA, &Explainer::OfFeatures},             {v1::MISS_REASON_ABI, &Explainer::OfAbi},
        {v1::MISS_REASON_EXTERN_OP, &Explainer::OfExternOps},      {v1::MISS_REASON_SIGNATURE, &Explainer::OfGraphs},
        {v1::MISS_REASON_OPTIONS, &Explainer::OfOptions},          {v1::MISS_REASON_COMPILER_BUILD, &Explainer::OfBuild},
        {v1::MISS_REASON_TARGET_FAMILY, &Explainer::OfTarget}};
    for (const How& how : kHow) {
      if (how.reason == reason) return (this->*how.told)();
    }
    return {};
  }

  const v1::VariantRecord& there() const { return facts_.nearest->record; }

  Differences OfGraphs() const { return ExplainGraphs(facts_, graph_, *front_.graphs); }

  Differences OfAnotherGraph() const {
    Differences all;
    if (facts_.key.domain() != there().key().domain()) {
      all.push_back(Differs(v1::Difference::KIND_DOMAIN, "domain", DomainText(facts_.key.domain()),
                            DomainText(there().key().domain())));
      all.back().set_advice("Entries of the shared domain are found by requests in that domain alone.");
    }
    if (facts_.key.graph() != there().key().graph() || facts_.key.signature() != there().key().signature()) {
      Differences graphs = OfGraphs();
      all.insert(all.end(), graphs.begin(), graphs.end());
    }
    for (v1::MissReason part : DifferingParts(facts_.key, there().key())) {
      if (part == v1::MISS_REASON_SIGNATURE) continue;
      Differences more = DifferencesBy(part);
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }

  Differences OfOptions() const {
    std::map<std::string, std::string> theirs;
    for (const v1::KeyPreimage::Option& option : there().preimage().options()) theirs[option.name()] = option.value();
    std::set<std::string> names;
    for (const auto& [name, value] : facts_.options) names.insert(name);
    for (const auto& [name, value] : theirs) names.insert(name);
    Differences all;
    for (const std::string& name : names) {
      auto mine = facts_.options.find(name);
      auto other = theirs.find(name);
      const std::string yours = mine == facts_.options.end() ? kNotGiven : mine->second;
      const std::string there = other == theirs.end() ? kNotGiven : other->second;
      if (yours == there) continue;
      all.push_back(Differs(v1::Difference::KIND_OPTION, absl::StrCat("option ", name), yours, there));
      all.back().set_advice(other == theirs.end() ? absl::StrCat("Leave option ", name, " out.")
                                                  : absl::StrCat("Set option ", name, " to ", there, "."));
    }
    return all;
  }

  Differences OfBuild() const {
    return {Differs(v1::Difference::KIND_COMPILER_BUILD, "compiler build", front_.compiler.build,
                    there().compiler_build())};
  }

  Differences OfTarget() const {
    return {Differs(v1::Difference::KIND_TARGET_FAMILY, "target family", facts_.key.target_family(),
                    there().key().target_family())};
  }

  Differences OfGuards() const {
    Differences all;
    for (const FailedGuard& failed : FailedGuards(there(), facts_.symbol_values, kMaxGuardsTold)) {
      const v1::Guard& guard = there().guards(failed.guard);
      const int node = guard.reason().node();
      const bool known = node >= 0 && static_cast<size_t>(node) < facts_.source->locations.size();
      const std::string location = known ? facts_.source->locations[static_cast<size_t>(node)] : guard.reason().location();
      v1::Difference d;
      d.set_kind(v1::Difference::KIND_GUARD);
      d.set_what(absl::StrCat("guard ", failed.guard, " of variant ", ShortHex(there().artifact_sha256())));
      d.set_yours(failed.values);
      d.set_theirs(failed.condition);
      d.set_location(location);
      d.set_text(GuardText(guard, failed.values, location));
      if (const std::string dim = DimensionOfSymbol(facts_, failed.symbol, graph_, *front_.graphs); !dim.empty()) {
        d.set_advice(absl::StrCat("Mark ", dim, " dynamic, or warm ", failed.values, "."));
      }
      all.push_back(std::move(d));
    }
    return all;
  }

  Differences OfFeatures() const {
    Differences all;
    for (const std::string& feature : host_.LackedFeatures(there())) {
      all.push_back(Lacks(v1::Difference::KIND_ISA, "processor feature", feature));
    }
    return all;
  }

  Differences OfAbi() const {
    return {Differs(v1::Difference::KIND_ABI, "kernel ABI", absl::StrCat(host_.abi_min(), " to ", host_.abi_max()),
                    absl::StrCat(there().abi_version()))};
  }

  Differences OfExternOps() const {
    Differences all;
    for (const std::string& op : host_.LackedOps(there())) {
      all.push_back(Lacks(v1::Difference::KIND_EXTERN_OP, "operator", op));
    }
    return all;
  }

  Front& front_;
  const MissFacts& facts_;
  const v1::Graph* const graph_;
  const HostClass host_;
};

// Reasons in the order of their weight: where an entry was there and was at fault, that
// the key is unknown now says nothing more.
std::vector<v1::MissReason> ByWeight(std::vector<v1::MissReason> reasons) {
  std::stable_partition(reasons.begin(), reasons.end(), [](v1::MissReason reason) {
    return reason == v1::MISS_REASON_ARTIFACT_GONE || reason == v1::MISS_REASON_UNTRUSTED ||
           reason == v1::MISS_REASON_REVOKED;
  });
  return reasons;
}

std::string Summary(const v1::ExplainResponse& response) {
  if (response.causes().empty()) return "miss";
  const v1::MissCause& first = response.causes(0);
  int others = -1;
  for (const v1::MissCause& cause : response.causes()) others += std::max(1, cause.differences_size());
  const std::string& text = first.differences().empty() ? first.text() : first.differences(0).text();
  return absl::StrCat("miss (", GetMissReasonRow(first.reason()).label, "): ", text,
                      others > 0 ? absl::StrCat("; and ", others, " more") : "");
}

}  // namespace

std::string GuardText(const v1::Guard& guard, const std::string& values, const std::string& location) {
  const v1::GuardReason& reason = guard.reason();
  const absl::string_view op = absl::StripSuffix(reason.op(), ".default");
  return absl::StrCat(guard.condition(), values.empty() ? "" : absl::StrCat(" (", values, ")"), ", from ",
                      op.empty() ? "the inputs" : op, location.empty() ? "" : absl::StrCat(" at ", location));
}

v1::VariantRecord EntryOf(const v1::VariantRecord& record) {
  v1::VariantRecord entry = record;
  entry.clear_locations();
  entry.clear_kernel_milliseconds();
  return entry;
}

void ExplainMiss(Front& front, const MissFacts& facts, const v1::Graph* graph, v1::ExplainResponse& response) {
  response.set_outcome(v1::ExplainResponse::OUTCOME_MISS);
  *response.mutable_key() = facts.key;
  if (absl::StatusOr<VariantKey> key = KeyOf(facts.key); key.ok()) {
    response.set_key_digest(std::string(key->digest.bytes()));
  }
  for (int64_t value : facts.symbol_values) response.add_symbol_values(value);
  if (facts.nearest != nullptr) *response.add_entries() = EntryOf(facts.nearest->record);
  Explainer explainer(front, facts, graph);
  for (v1::MissReason reason : ByWeight(facts.reasons)) *response.add_causes() = explainer.Cause(reason);
  response.set_summary(Summary(response));
}

}  // namespace kiln
